package participant

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

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
	if err := checkContact(b, in.ContactId); err != nil {
		return nil, err
	}
	page, nowhere, err := s.page(b, in)
	if err != nil {
		return nil, err
	}
	out := &GetTranscriptOut{InitialContactId: b.chat.String()}
	if nowhere {
		return out, s.node.Admit(ctx, b.chat, b.participant)
	}
	t, err := s.node.Transcript(ctx, b.chat, b.participant, page)
	if err != nil {
		return nil, err
	}
	for i := range t.Items {
		e := &t.Items[i]
		out.Transcript = append(out.Transcript, wire.WithReceipts(wire.FromEntry(b.chat, e), t.Receipts[e.ID]))
	}
	if restjson.Value(in.SortOrder) != "ASCENDING" {
		slices.Reverse(out.Transcript)
	}
	if t.Next != 0 {
		out.NextToken = s.sealPage(b.chat, page.Backward, t.Next)
	}
	return out, nil
}

// checkContact lets through the chat's own contact, of which there is one.
func checkContact(b bearer, contact *string) error {
	if contact == nil {
		return nil
	}
	if id, err := chat.ParseID(*contact); err != nil || id != b.chat.FirstContact().ID {
		return invalid("contactId names no contact of this chat; leave it out, or send the ContactId of StartChatContact")
	}
	return nil
}

// page reads what was asked for. nowhere means a start that nothing can be at.
func (s *service) page(b bearer, in *GetTranscriptIn) (p node.Page, nowhere bool, err error) {
	p.Limit = defaultResults
	if n := restjson.Value(in.MaxResults); n > 0 {
		p.Limit = int(n)
	}
	if in.NextToken != nil { // clients repeat the rest of their request with it
		p.Backward, p.Seq, err = s.openPage(b.chat, *in.NextToken)
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
// bytes). It needs no memory on the server and stays valid.
const pageSize = 16 + 1 + 8

func (s *service) sealPage(id chat.ChatID, backward bool, seq int64) string {
	var body [pageSize]byte
	copy(body[:], id.UUID[:])
	if backward {
		body[16] = 1
	}
	binary.BigEndian.PutUint64(body[17:], uint64(seq))
	return s.tokens.Seal(token.Page, body[:])
}

func (s *service) openPage(id chat.ChatID, tok string) (backward bool, seq int64, err error) {
	body, err := s.tokens.Open(token.Page, tok)
	if err != nil || len(body) != pageSize || [16]byte(body) != id.UUID {
		return false, 0, invalid("nextToken is not of this chat's transcript; send a NextToken of GetTranscript as it came, or leave it out")
	}
	return body[16] == 1, int64(binary.BigEndian.Uint64(body[17:])), nil
}
