// Package memstore is the store that keeps nothing: everything is in memory and
// gone with the process. It is for tests and for --data :memory:, and the simplest
// that could work.
package memstore

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// Store is a [store.Store] in memory.
type Store struct {
	mu       sync.RWMutex
	logs     map[chat.ChatID][]chat.Entry // entry n has index n-1
	contacts map[chat.ContactID]chat.Summary
	closed   bool
}

var _ store.Store = (*Store)(nil)

// New gives an empty store.
func New() *Store {
	return &Store{
		logs:     make(map[chat.ChatID][]chat.Entry),
		contacts: make(map[chat.ContactID]chat.Summary),
	}
}

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, a store.Append) error {
	if err := a.Check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	log := s.logs[a.Chat]
	switch last := int64(len(log)); {
	case last > a.After:
		return &store.Conflict{Missed: log[a.After:last:last]}
	case last < a.After:
		return store.ErrConflict
	}
	if len(a.Entries) > 0 {
		s.logs[a.Chat] = append(log, a.Entries...)
	}
	for _, c := range a.Summaries {
		s.contacts[c.Contact] = c
	}
	return nil
}

// log gives a chat's entries with after < Seq <= to.
func (s *Store) log(id chat.ChatID, after, to int64) ([]chat.Entry, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	log := s.logs[id]
	after, to = max(after, 0), min(to, int64(len(log)))
	if after >= to {
		return nil, nil
	}
	return log[after:to:to], nil
}

// Entries implements [store.Store].
func (s *Store) Entries(_ context.Context, id chat.ChatID, after int64, limit int) ([]chat.Entry, error) {
	log, err := s.log(id, after, math.MaxInt64)
	return log[:min(max(limit, 0), len(log))], err
}

// Items implements [store.Store].
func (s *Store) Items(_ context.Context, id chat.ChatID, q store.Query) ([]chat.Entry, error) {
	log, err := s.log(id, max(q.From, 1)-1, q.To)
	if err != nil {
		return nil, err
	}
	var items []chat.Entry
	for i := range log {
		if log[i].Visible() {
			items = append(items, log[i])
		}
	}
	n := min(max(q.Limit, 0), len(items))
	if q.Newest {
		return items[len(items)-n:], nil
	}
	return items[:n], nil
}

// SeqAt implements [store.Store].
func (s *Store) SeqAt(_ context.Context, id chat.ChatID, t time.Time) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, store.ErrClosed
	}
	for _, e := range slices.Backward(s.logs[id]) {
		if e.Visible() && !e.At.After(t) {
			return e.Seq, nil
		}
	}
	return 0, nil
}

// LastSeqs implements [store.Store].
func (s *Store) LastSeqs(_ context.Context, ids []chat.ChatID) (map[chat.ChatID]int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	seqs := make(map[chat.ChatID]int64)
	for _, id := range ids {
		if n := len(s.logs[id]); n > 0 {
			seqs[id] = int64(n)
		}
	}
	return seqs, nil
}

// Chats implements [store.Store].
func (s *Store) Chats(_ context.Context, after chat.ChatID, limit int) ([]chat.ChatID, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	order := func(a, b chat.ChatID) int { return bytes.Compare(a.UUID[:], b.UUID[:]) }
	all := slices.SortedFunc(maps.Keys(s.logs), order)
	all = slices.DeleteFunc(all, func(id chat.ChatID) bool { return order(id, after) <= 0 })
	return all[:min(max(limit, 0), len(all))], nil
}

// Contact implements [store.Store].
func (s *Store) Contact(_ context.Context, id chat.ContactID) (chat.Summary, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return chat.Summary{}, store.ErrClosed
	}
	c, ok := s.contacts[id]
	if !ok {
		return chat.Summary{}, store.ErrNotFound
	}
	return c, nil
}

// Due implements [store.Store].
func (s *Store) Due(_ context.Context, limit int) ([]store.Due, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	var all []store.Due
	for _, c := range s.contacts {
		if !c.Deadline.IsZero() && c.EndedAt.IsZero() {
			all = append(all, store.Due{Chat: c.Chat, At: c.Deadline})
		}
	}
	slices.SortFunc(all, func(a, b store.Due) int {
		return cmp.Or(a.At.Compare(b.At), slices.Compare(a.Chat.UUID[:], b.Chat.UUID[:]))
	})
	return all[:min(max(limit, 0), len(all))], nil
}

// Search implements [store.Store].
func (s *Store) Search(_ context.Context, q store.Search) (store.Found, error) {
	if err := q.Check(); err != nil {
		return store.Found{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return store.Found{}, store.ErrClosed
	}
	var all []chat.Summary
	for _, c := range s.contacts {
		if matches(&q, &c) {
			all = append(all, c)
		}
	}
	order := func(a, b store.Cursor) int {
		if q.Ascending {
			return a.Compare(b)
		}
		return b.Compare(a)
	}
	slices.SortFunc(all, func(a, b chat.Summary) int { return order(q.Cursor(&a), q.Cursor(&b)) })
	found := store.Found{Total: len(all)}
	if q.After != nil {
		all = slices.DeleteFunc(all, func(c chat.Summary) bool { return order(q.Cursor(&c), *q.After) <= 0 })
	}
	found.Contacts = all[:min(q.Limit, len(all))]
	return found, nil
}

// matches reports whether a contact is one of those that are wanted.
func matches(q *store.Search, c *chat.Summary) bool {
	at := q.By.Of(c)
	hasLabel := func(label string) bool { return strings.Contains(c.Labels, label) }
	for _, wanted := range q.Labels {
		if !slices.ContainsFunc(wanted, hasLabel) {
			return false
		}
	}
	return c.Instance == q.Instance && !at.IsZero() &&
		(q.From.IsZero() || !at.Before(q.From)) && (q.To.IsZero() || !at.After(q.To)) &&
		(q.Active == nil || *q.Active == c.EndedAt.IsZero()) &&
		oneOf(q.Agents, c.Agent) && oneOf(q.Queues, c.Queue) && oneOf(q.Names, c.Name) && oneOf(q.Methods, c.Method)
}

// oneOf reports whether a value is in the list; in an empty one everything is.
func oneOf[T comparable](list []T, value T) bool {
	return len(list) == 0 || slices.Contains(list, value)
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.closed = true
	s.logs, s.contacts = nil, nil
	return nil
}
