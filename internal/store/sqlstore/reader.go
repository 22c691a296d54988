package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// reader answers everything that is asked.
type reader struct {
	dialect
	db     *sql.DB
	closed atomic.Bool

	entries, oldest, newest, seqAt, chats, contact, due query
}

// query is a statement that reads.
type query struct {
	text string
	db   *sql.DB
	stmt *sql.Stmt // nil if it may not be prepared
}

func (q *query) run(ctx context.Context, args ...any) (*sql.Rows, error) {
	if q.stmt != nil {
		return q.stmt.QueryContext(ctx, args...)
	}
	return q.db.QueryContext(ctx, q.text, args...)
}

// all calls scan for each row.
func (q *query) all(ctx context.Context, scan func(*sql.Rows) error, args ...any) error {
	rows, err := q.run(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func newReader(ctx context.Context, db *sql.DB, d dialect) (*reader, error) {
	r := &reader{dialect: d, db: db}
	for q, text := range map[*query]string{
		&r.entries: sqlEntries, &r.oldest: sqlOldestItems, &r.newest: sqlNewestItems,
		&r.seqAt: sqlSeqAt, &r.chats: sqlChats, &r.contact: sqlContact, &r.due: sqlDue,
	} {
		q.text, q.db = text, db
		if d.prepares {
			var err error
			if q.stmt, err = db.PrepareContext(ctx, text); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func (r *reader) close() error {
	r.closed.Store(true)
	return r.db.Close()
}

// Entries implements [store.Store].
func (r *reader) Entries(ctx context.Context, id chat.ChatID, after int64, limit int) ([]chat.Entry, error) {
	return r.read(ctx, "entries", &r.entries, limit, id.UUID[:], after, limit)
}

// Items implements [store.Store].
func (r *reader) Items(ctx context.Context, id chat.ChatID, q store.Query) ([]chat.Entry, error) {
	which := &r.oldest
	if q.Newest {
		which = &r.newest
	}
	items, err := r.read(ctx, "items", which, q.Limit, id.UUID[:], q.From, q.To, q.Limit)
	if q.Newest {
		slices.Reverse(items)
	}
	return items, err
}

// read reads entries, none if limit is below 1.
func (r *reader) read(ctx context.Context, what string, q *query, limit int, args ...any) ([]chat.Entry, error) {
	if limit < 1 {
		return nil, r.failed(what, nil)
	}
	var entries []chat.Entry
	err := r.try(ctx, func(ctx context.Context) error {
		entries = make([]chat.Entry, 0, min(limit, 16))
		return q.all(ctx, func(rows *sql.Rows) error {
			var e chat.Entry
			err := scanEntry(rows, &e)
			entries = append(entries, e)
			return err
		}, args...)
	})
	if err != nil {
		return nil, r.failed(what, err)
	}
	return entries, nil
}

func scanEntry(rows *sql.Rows, e *chat.Entry) error {
	var id, body sql.RawBytes
	var at int64
	if err := rows.Scan(&e.Seq, &id, &at, &body); err != nil {
		return err
	}
	return decode(e, e.Seq, id, at, body)
}

// decode makes an entry of the columns of a row.
func decode(e *chat.Entry, seq int64, id []byte, at int64, body []byte) error {
	if err := json.Unmarshal(body, e); err != nil {
		return fmt.Errorf("the body of entry %x is damaged: %w", id, err)
	}
	e.Seq, e.At = seq, time.UnixMilli(at).UTC()
	copy(e.ID.UUID[:], id)
	return nil
}

// SeqAt implements [store.Store].
func (r *reader) SeqAt(ctx context.Context, id chat.ChatID, t time.Time) (seq int64, err error) {
	err = r.try(ctx, func(ctx context.Context) error {
		return r.seqAt.all(ctx, func(rows *sql.Rows) error { return rows.Scan(&seq) }, id.UUID[:], t.UnixMilli())
	})
	return seq, r.failed("seq at", err)
}

// Chats implements [store.Store].
func (r *reader) Chats(ctx context.Context, after chat.ChatID, limit int) (all []chat.ChatID, err error) {
	if limit < 1 {
		return nil, r.failed("chats", nil)
	}
	err = r.try(ctx, func(ctx context.Context) error {
		all = nil
		return r.chats.all(ctx, func(rows *sql.Rows) error {
			var id sql.RawBytes
			err := rows.Scan(&id)
			var c chat.ChatID
			copy(c.UUID[:], id)
			all = append(all, c)
			return err
		}, after.UUID[:], limit)
	})
	return all, r.failed("chats", err)
}

// Contact implements [store.Store].
func (r *reader) Contact(ctx context.Context, id chat.ContactID) (s chat.Summary, err error) {
	found := false
	err = r.try(ctx, func(ctx context.Context) error {
		return r.contact.all(ctx, func(rows *sql.Rows) error { found = true; return scanContact(rows, &s) }, id.UUID[:])
	})
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return s, r.failed("contact", err)
}

// scanContact reads a row of contactColumns.
func scanContact(row *sql.Rows, s *chat.Summary) error {
	var inChat, contact, previous []byte
	var initiated, queued, connected, ended, deadline sql.NullInt64
	err := row.Scan(&inChat, &contact, &previous, &s.Instance, &s.Method,
		&initiated, &queued, &connected, &ended, &deadline,
		&s.Queue, &s.Agent, &s.Customer, &s.Name, &s.Cause, &s.Labels)
	if err != nil {
		return err
	}
	copy(s.Chat.UUID[:], inChat)
	copy(s.Contact.UUID[:], contact)
	copy(s.Previous.UUID[:], previous)
	s.InitiatedAt, s.QueuedAt, s.ConnectedAt = fromMillis(initiated), fromMillis(queued), fromMillis(connected)
	s.EndedAt, s.Deadline = fromMillis(ended), fromMillis(deadline)
	return nil
}

func fromMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// Due implements [store.Store].
func (r *reader) Due(ctx context.Context, limit int) ([]store.Due, error) {
	if limit < 1 {
		return nil, r.failed("due", nil)
	}
	var all []store.Due
	err := r.try(ctx, func(ctx context.Context) error {
		all = nil
		return r.due.all(ctx, func(rows *sql.Rows) error {
			var id sql.RawBytes
			var at int64
			err := rows.Scan(&id, &at)
			d := store.Due{At: time.UnixMilli(at).UTC()}
			copy(d.Chat.UUID[:], id)
			all = append(all, d)
			return err
		}, limit)
	})
	return all, r.failed("due", err)
}

// failed puts an error into words; nil stays nil, unless the store is closed.
func (r *reader) failed(what string, err error) error {
	switch {
	case r.closed.Load():
		return store.ErrClosed
	case err == nil, errors.Is(err, store.ErrNotFound):
		return err
	}
	return fmt.Errorf("sqlstore: %s: %w", what, r.explain(err))
}
