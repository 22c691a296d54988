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

	entries, oldest, newest, seqAt, contact, due *sql.Stmt
}

func newReader(ctx context.Context, db *sql.DB, d dialect) (*reader, error) {
	r := &reader{dialect: d, db: db}
	for _, s := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&r.entries, sqlEntries}, {&r.oldest, sqlOldestItems}, {&r.newest, sqlNewestItems},
		{&r.seqAt, sqlSeqAt}, {&r.contact, sqlContact}, {&r.due, sqlDue},
	} {
		var err error
		if *s.stmt, err = db.PrepareContext(ctx, s.text); err != nil {
			return nil, err
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
	if limit < 1 {
		return nil, r.failed("entries", nil)
	}
	return r.query(ctx, "entries", r.entries, limit, id.UUID[:], after, limit)
}

// Items implements [store.Store].
func (r *reader) Items(ctx context.Context, id chat.ChatID, q store.Query) ([]chat.Entry, error) {
	if q.Limit < 1 {
		return nil, r.failed("items", nil)
	}
	stmt := r.oldest
	if q.Newest {
		stmt = r.newest
	}
	items, err := r.query(ctx, "items", stmt, q.Limit, id.UUID[:], q.From, q.To, q.Limit)
	if q.Newest {
		slices.Reverse(items)
	}
	return items, err
}

// query reads entries.
func (r *reader) query(ctx context.Context, what string, stmt *sql.Stmt, limit int, args ...any) ([]chat.Entry, error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, r.failed(what, err)
	}
	defer rows.Close()
	entries := make([]chat.Entry, 0, min(limit, 16))
	for rows.Next() {
		var e chat.Entry
		if err := scanEntry(rows, &e); err != nil {
			return nil, r.failed(what, err)
		}
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
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
	if err := json.Unmarshal(body, e); err != nil {
		return fmt.Errorf("the body of entry %x is damaged: %w", []byte(id), err)
	}
	copy(e.ID.UUID[:], id)
	e.At = time.UnixMilli(at).UTC()
	return nil
}

// SeqAt implements [store.Store].
func (r *reader) SeqAt(ctx context.Context, id chat.ChatID, t time.Time) (int64, error) {
	var seq int64
	err := r.seqAt.QueryRowContext(ctx, id.UUID[:], t.UnixMilli()).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, r.failed("seq at", err)
}

// Contact implements [store.Store].
func (r *reader) Contact(ctx context.Context, id chat.ContactID) (chat.Summary, error) {
	var s chat.Summary
	err := scanContact(r.contact.QueryRowContext(ctx, id.UUID[:]), &s)
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Summary{}, store.ErrNotFound
	}
	if err != nil {
		return chat.Summary{}, r.failed("contact", err)
	}
	return s, nil
}

// scanContact reads a row of contactColumns.
func scanContact(row interface{ Scan(...any) error }, s *chat.Summary) error {
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
	rows, err := r.due.QueryContext(ctx, limit)
	if err != nil {
		return nil, r.failed("due", err)
	}
	defer rows.Close()
	var all []store.Due
	for rows.Next() {
		var id sql.RawBytes
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return nil, r.failed("due", err)
		}
		d := store.Due{At: time.UnixMilli(at).UTC()}
		copy(d.Chat.UUID[:], id)
		all = append(all, d)
	}
	return all, r.failed("due", rows.Err())
}

// failed puts an error into words; nil stays nil, unless the store is closed.
func (r *reader) failed(what string, err error) error {
	switch {
	case r.closed.Load():
		return store.ErrClosed
	case err == nil:
		return nil
	}
	return fmt.Errorf("sqlstore: %s: %w", what, r.explain(err))
}
