package chat

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// eventTypes are what SendEvent takes.
var eventTypes = []string{EventTyping, EventAcknowledged, EventDelivered, EventRead}

// SendEvent is the operation of that name (semantics.md 3.12). Content is empty
// where the caller left it out.
type SendEvent struct {
	By      ParticipantID
	Type    string
	Content string
	Token   string
}

func (ev SendEvent) decide(t *turn) error {
	switch ev.Type {
	case EventTyping:
		return ev.typing(t)
	case EventAcknowledged:
		return ev.acknowledged(t)
	case EventDelivered, EventRead:
		return ev.receipt(t)
	}
	return refuse(UnsupportedContentType, fmt.Sprintf(
		"ContentType %q is not supported; SendEvent takes %s", ev.Type, strings.Join(eventTypes, ", ")))
}

// typing is a signal to everybody: never stored.
func (ev SendEvent) typing(t *turn) error {
	if t.repeated(ev.By, ev.Token, EventTyping, "") {
		return nil
	}
	p, err := t.speaker(ev.By)
	if err != nil {
		return err
	}
	t.nothingButKept(ev.By, ev.Token, EventTyping, "")
	t.out.Signals = append(t.out.Signals, Signal{
		ID: t.out.ID, At: t.out.At, Contact: t.contact, By: p.Author, ContentType: EventTyping,
	})
	return nil
}

// acknowledged is the old way to say "connected". A supervisor does not barge in
// with it: nobody should by accident.
func (ev SendEvent) acknowledged(t *turn) error {
	if t.repeated(ev.By, ev.Token, EventAcknowledged, "") {
		return nil
	}
	p, err := t.chat.Admit(ev.By)
	if err != nil {
		return err
	}
	if p.Presence == Present || p.Role == Supervisor {
		t.nothingButKept(ev.By, ev.Token, EventAcknowledged, "")
		return nil
	}
	t.join(p, ev.Token)
	return nil
}

// receipt records that By has got or read an item: once, and the first time counts.
func (ev SendEvent) receipt(t *turn) error {
	id, err := ev.messageID()
	if err != nil {
		return err
	}
	if t.repeated(ev.By, ev.Token, ev.Type, id.String()) {
		return nil
	}
	p, err := t.speaker(ev.By)
	if err != nil {
		return err
	}
	c := t.chat
	if c.present(Supervisor) != nil || c.count(Present, Customer, Agent, CustomBot) > pair {
		return refuse(ReceiptsOff, "Operation can not be performed due to the state of the contact.")
	}
	it, ok := c.items[id]
	switch {
	case !ok || !it.audience().Includes(p.Role):
		return refuse(UnknownItem, "Content.messageId names no message or attachment of this chat")
	case it.by == p.ID:
		t.nothingButKept(ev.By, ev.Token, ev.Type, id.String()) // nobody is told that somebody read their own message
	default:
		ev.record(t, p, id, c.receipt(id, p.ID))
	}
	return nil
}

// record appends the receipt unless it says nothing new.
func (ev SendEvent) record(t *turn, p *Participant, item ID, had *heldReceipt) {
	read := ev.Type == EventRead
	switch {
	case had != nil && !had.readID.IsZero():
		id, at := had.deliveredID, had.delivered
		if read {
			id, at = had.readID, had.read
		}
		t.answer(id, at.time())
		t.keep(p.ID, ev.Token, ev.Type, item.String())
		return
	case had != nil && !read:
		t.answer(had.deliveredID, had.delivered.time())
		t.keep(p.ID, ev.Token, ev.Type, item.String())
		return
	}
	e := t.append(Entry{Kind: KindReceipt, By: &p.Author, To: t.chat.items[item].audience(), Token: ev.Token, Receipt: &Receipt{Item: item}})
	e.Receipt.Delivered = e.At
	if had != nil {
		e.Receipt.Delivered = had.delivered.time()
	}
	if read {
		e.Receipt.Read = e.At
	}
}

// messageID reads Content, which is JSON in a string: {"messageId":"…"}, with any
// other keys (the React chat interface adds some).
func (ev SendEvent) messageID() (ID, error) {
	var in struct {
		MessageID *string `json:"messageId"`
	}
	const want = `; it must be a JSON string like {"messageId":"<Id of a message>"}`
	if ev.Content == "" {
		return ID{}, refuse(BadContent, "Content is missing"+want)
	}
	if err := json.Unmarshal([]byte(ev.Content), &in); err != nil {
		return ID{}, refuse(BadContent, "Content is malformed"+want)
	}
	if in.MessageID == nil || *in.MessageID == "" {
		return ID{}, refuse(BadContent, "Content has no messageId"+want)
	}
	id, err := ParseID(*in.MessageID)
	if err != nil {
		return ID{}, refuse(UnknownItem, "Content.messageId names no message or attachment of this chat")
	}
	return id, nil
}
