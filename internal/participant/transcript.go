package participant

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/wire"
)

// defaultResults is the page's size if MaxResults is absent or 0.
const defaultResults = 10

// getTranscript reads a page. ScanDirection says which items are on it, SortOrder
// only how they are ordered there (semantics.md 5).
func (s *service) getTranscript(ctx context.Context, in *GetTranscriptIn) (*GetTranscriptOut, error) {
	b := bearerOf(ctx)
	page, nowhere, err := s.page(b, in)
	if err != nil {
		return nil, err
	}
	out := &GetTranscriptOut{InitialContactId: b.chat.String()}
	if nowhere {
		_, err := s.node.Admit(ctx, b.chat, b.participant)
		return out, err
	}
	t, err := s.node.Transcript(ctx, b.chat, b.participant, page)
	if errors.Is(err, node.ErrNoContact) {
		return nil, noContact()
	}
	if err != nil {
		return nil, err
	}
	for i := range t.Items {
		e := &t.Items[i]
		it := wire.WithReceipts(wire.FromEntry(b.chat, e), t.Receipts[e.ID])
		if t.Past {
			it = wire.FromPast(it)
		}
		out.Transcript = append(out.Transcript, it)
	}
	if restjson.Value(in.SortOrder) != "ASCENDING" {
		slices.Reverse(out.Transcript)
	}
	if t.Next.Seq != 0 {
		out.NextToken = s.sealPage(b.chat, page.Backward, t.Next)
	}
	return out, nil
}

func noContact() error {
	return invalid("contactId names no contact of this chat; leave it out, or send the ContactId of one of its items")
}

// page reads what was asked for. nowhere means a start that nothing can be at.
func (s *service) page(b bearer, in *GetTranscriptIn) (p node.Page, nowhere bool, err error) {
	p.Limit = defaultResults
	if n := restjson.Value(in.MaxResults); n > 0 {
		p.Limit = int(n)
	}
	if in.ContactId != nil {
		id, err := chat.ParseID(*in.ContactId)
		if p.Contact.ID = id; err != nil || id.IsZero() {
			return p, false, noContact()
		}
	}
	if in.NextToken != nil { // clients repeat the rest of their request with it
		p.Backward, p.From, err = s.openPage(b.chat, *in.NextToken)
		return p, false, err
	}
	var start StartPosition
	if in.StartPosition != nil {
		start = *in.StartPosition
	}
	p.Backward = restjson.Value(in.ScanDirection) == "BACKWARD" || in.ScanDirection == nil && start == (StartPosition{})
	switch {
	case start.Id != nil:
		p.ID, err = chat.ParseID(*start.Id)
		return p, err != nil || p.ID.IsZero(), nil // clients expect no error (semantics.md 5)
	case start.AbsoluteTime != nil:
		p.Time, err = parseTime(*start.AbsoluteTime, p.Backward)
		return p, false, err
	case start.MostRecent != nil:
		n := int(*start.MostRecent)
		p.MostRecent = &n
	}
	return p, false, nil
}

// timeLayouts are the forms of ISO 8601 that are taken; without an offset it is UTC.
// Fractions of seconds are taken in each.
var timeLayouts = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700"}

// parseTime reads a start position. Items have whole milliseconds, so the start moves
// to the next one in the direction of the scan.
func parseTime(s string, backward bool) (time.Time, error) {
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		whole := t.UTC().Truncate(time.Millisecond)
		if !backward && whole.Before(t) {
			whole = whole.Add(time.Millisecond)
		}
		if whole.IsZero() {
			whole = whole.Add(time.Millisecond) // the zero time would be no time
		}
		return whole, nil
	}
	return time.Time{}, invalid("startPosition.absoluteTime is not a time; send it like 2026-11-23T10:00:00.000Z")
}

// A page token says: chat (16 bytes), direction (1 byte), Seq of the next item (8
// bytes), and the chat that it is of, if that is a past one (16 bytes). It needs no
// memory on the server and stays valid.
const pageSize, pastSize = 16 + 1 + 8, pageSize + 16

func (s *service) sealPage(id chat.ChatID, backward bool, next node.Place) string {
	body := make([]byte, pageSize, pastSize)
	copy(body, id.UUID[:])
	if backward {
		body[16] = 1
	}
	binary.BigEndian.PutUint64(body[17:], uint64(next.Seq))
	if next.Chat != id {
		body = append(body, next.Chat.UUID[:]...)
	}
	return s.tokens.Seal(token.Page, body)
}

func (s *service) openPage(id chat.ChatID, tok string) (backward bool, from node.Place, err error) {
	body, err := s.tokens.Open(token.Page, tok)
	if err != nil || len(body) != pageSize && len(body) != pastSize || [16]byte(body) != id.UUID {
		return false, node.Place{}, invalid("nextToken is not of this chat's transcript; send a NextToken of GetTranscript as it came, or leave it out")
	}
	from = node.Place{Chat: id, Seq: int64(binary.BigEndian.Uint64(body[17:]))}
	if len(body) == pastSize {
		from.Chat.UUID = uuid.UUID(body[pageSize:])
	}
	return body[16] == 1, from, nil
}
