package chat

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// SendMessage adds a MESSAGE (semantics.md 3.11).
type SendMessage struct {
	By      ParticipantID
	Content Content
	Token   string
	// ID completes a message that was sent in parts (see SendPart): the Id that the
	// first part was answered with.
	ID ID
}

func (m SendMessage) decide(t *turn) error {
	if t.repeated(m.By, m.Token, m.Content.Type, m.Content.Text) {
		return nil
	}
	p, err := t.writer(m.By, m.Content.Type)
	if err != nil {
		return err
	}
	if err := t.completes(m.ID, p); err != nil {
		return err
	}
	m.Content.Stream = ""
	if !m.ID.IsZero() && t.chat.Settings.ResponseMode == Incremental {
		m.Content.Stream = StreamDone
	}
	t.append(Entry{Kind: KindMessage, ID: m.ID, By: &p.Author, Token: m.Token, Content: &m.Content})
	if t.chat.isIdle(p.Role) {
		t.append(Entry{Kind: KindReturned, By: &p.Author})
	}
	if p.Role == Customer {
		t.resume(WaitReply)
	}
	return nil
}

// partsWithin is how long a message may be written in parts.
const partsWithin = time.Minute

var errNotBot = refuse(BadContent, "only a CUSTOM_BOT sends messages in parts; leave the parameters of ContentType out")

// completes refuses the id of a message that can't be completed.
func (t *turn) completes(id ID, p *Participant) error {
	if id.IsZero() {
		return nil
	}
	_, complete := t.chat.items[id]
	switch {
	case p.Role != CustomBot:
		return errNotBot
	case complete:
		return refuse(BadContent, "the message is complete already; begin another with chunk=1")
	}
	made := time.Unix(id.Time().UnixTime())
	if id.Version() != 7 || made.After(t.now) || made.Before(t.now.Add(-partsWithin)) || made.Before(t.chat.StartedAt) {
		return refuse(BadContent, "the id is not that of a message that was begun in the last minute; begin another with chunk=1")
	}
	return nil
}

// writer finds a participant who may send a message of the type.
func (t *turn) writer(by ParticipantID, contentType string) (*Participant, error) {
	p, err := t.speaker(by)
	if err != nil {
		return nil, err
	}
	if contentType == TypeInteractive && p.Role == Customer {
		return nil, refuse(UnsupportedContentType, "customers send no interactive messages; they answer them with "+TypeInteractiveResponse)
	}
	if !slices.Contains(t.chat.Settings.ContentTypes, contentType) {
		return nil, refuse(UnsupportedContentType, fmt.Sprintf(
			"ContentType %q is not supported by this contact; it takes %s (SupportedMessagingContentTypes of StartChatContact)",
			contentType, strings.Join(t.chat.Settings.ContentTypes, ", ")))
	}
	return p, nil
}

// Part is a part of a message that is still being written.
type Part struct {
	Number int // from 1
	Content
}

// SendPart sends a customer who wants answers as they come a part of a message of a
// CUSTOM_BOT (semantics.md 2.3); other customers get nothing until it is complete. Parts
// are kept nowhere. The first one is answered with the Id for the others and for the
// SendMessage that completes it.
type SendPart struct {
	By    ParticipantID
	ID    ID // zero with the first
	Part  Part
	Token string
}

func (s SendPart) decide(t *turn) error {
	key := fmt.Sprint(keyPart, s.Part.Number, s.ID)
	if t.repeated(s.By, s.Token, key, s.Part.Text) {
		return nil
	}
	p, err := t.writer(s.By, s.Part.Type)
	switch {
	case err != nil:
		return err
	case p.Role != CustomBot:
		return errNotBot
	case s.Part.Number < 1 || (s.Part.Number == 1) != s.ID.IsZero():
		return refuse(BadContent, "the part chunk=1 has no id, and every other one has that with which the first was answered")
	}
	if err := t.completes(s.ID, p); err != nil {
		return err
	}
	t.nothing()
	if !s.ID.IsZero() {
		t.out.ID = s.ID
	}
	t.keep(s.By, s.Token, key, s.Part.Text)
	if t.chat.Settings.ResponseMode == Incremental {
		t.out.Signals = append(t.out.Signals, Signal{
			ID: t.out.ID, At: t.out.At, Contact: t.contact, By: p.Author, ContentType: s.Part.Type, Part: &s.Part,
		})
	}
	return nil
}
