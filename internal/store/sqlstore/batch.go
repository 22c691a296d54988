package sqlstore

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// batch is a store.Append on its way through the writer.
type batch struct {
	chat     []byte
	after    int64
	rows     []row
	contacts [][]any    // the parameters of sqlPutContact, for each
	until    time.Time  // when it is too late
	outcome  error      // nil or ErrConflict, if its transaction commits
	done     chan error // gets the answer, once
}

// row is an entry as it is stored.
type row struct {
	seq, at, visible int64
	id               []byte
	body             string
}

// jsonOptions keep nil and empty slices apart.
var jsonOptions = json.JoinOptions(json.FormatNilSliceAsNull(true), json.FormatNilMapAsNull(true))

func encode(a *store.Append) (*batch, error) {
	b := &batch{chat: a.Chat.UUID[:], after: a.After, done: make(chan error, 1)}
	b.rows = make([]row, len(a.Entries))
	for i := range a.Entries {
		e := &a.Entries[i]
		var body strings.Builder
		if err := json.MarshalWrite(&body, e, jsonOptions); err != nil {
			return nil, fmt.Errorf("sqlstore: entry %d of chat %s can't be written as JSON: %w", e.Seq, a.Chat, err)
		}
		r := row{seq: e.Seq, at: e.At.UnixMilli(), id: e.ID.UUID[:], body: body.String()}
		if e.Visible() {
			r.visible = 1
		}
		b.rows[i] = r
	}
	for i := range a.Summaries {
		b.contacts = append(b.contacts, contactArgs(&a.Summaries[i]))
	}
	return b, nil
}

// args are the parameters of sqlInsertEntry.
func (b *batch) args(r *row) []any {
	return []any{b.chat, r.seq, r.id, r.at, r.visible, r.body, r.seq - 1}
}

func contactArgs(s *chat.Summary) []any {
	return []any{
		s.Chat.UUID[:], s.Contact.UUID[:], s.Previous.UUID[:], s.Instance, string(s.Method),
		millis(s.InitiatedAt), millis(s.QueuedAt), millis(s.ConnectedAt), millis(s.EndedAt), millis(s.Deadline),
		s.Queue, s.Agent, s.Customer, s.Name, string(s.Cause), s.Labels,
	}
}

// millis is a time as it is stored where it may be zero: then it is NULL.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}
