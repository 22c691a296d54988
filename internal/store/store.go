// Package store is the contract of the place where chats are kept.
//
// A store is the only arbiter of a chat's order: [Store.Append] succeeds only if
// the entries follow the last stored one (compare-and-swap), and returns only
// when they are durable. Everything else the system knows is derived from what a
// store holds. The implementations are memstore and sqlstore; package storetest
// is the suite that each of them passes.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// The errors that callers tell apart. Any other error means that the store could
// not do its work, and after an Append that its outcome is unknown: the entries may
// or may not be stored, but never a part of them.
var (
	// ErrConflict: the chat's last entry is not the one the caller expected.
	// Nothing was stored.
	ErrConflict = errors.New("store: the chat has moved on")
	// ErrNotFound: there is no such contact.
	ErrNotFound = errors.New("store: not found")
	// ErrBusy: too much is waiting to be written; nothing was stored. Try later.
	ErrBusy = errors.New("store: too busy")
	// ErrClosed: the store was closed; nothing was stored.
	ErrClosed = errors.New("store: closed")
)

// Conflict is an [ErrConflict] of a store that had at hand what the caller lacks, which
// so need not be read: the entries that follow Append.After, the oldest first, one at
// least. There may be more.
type Conflict struct{ Missed []chat.Entry }

// Error says what ErrConflict says.
func (c *Conflict) Error() string { return ErrConflict.Error() }

// Is makes it an ErrConflict.
func (c *Conflict) Is(target error) bool { return target == ErrConflict }

// Append is a batch of entries for one chat, to be stored whole or not at all.
type Append struct {
	Chat chat.ChatID
	// After is the Seq of the last entry the caller knows; 0 for a new chat.
	After int64
	// Entries have Seq After+1, After+2 and so on, and ids that no others have: a store
	// may tell by them what became of a batch when it has lost a connection. There may
	// be no Entries if there are Summaries.
	Entries []chat.Entry
	// Summaries replace the rows of their contacts in the same transaction. They are
	// of different contacts of the chat.
	Summaries []chat.Summary
}

// Check reports what is malformed about a batch: a mistake of the caller, not of
// its data. Every implementation calls it first, so that nothing malformed gets near
// the other batches.
func (a *Append) Check() error {
	switch {
	case a.After < 0:
		return fmt.Errorf("store: Append.After is %d; it must be the Seq of the chat's last entry, or 0", a.After)
	case len(a.Entries) == 0 && len(a.Summaries) == 0:
		return errors.New("store: Append has neither Entries nor Summaries; it must have one of them")
	}
	for i := range a.Summaries {
		s := &a.Summaries[i]
		if s.Chat != a.Chat {
			return fmt.Errorf("store: Append.Summaries[%d].Chat is %s; it must be Append.Chat, %s", i, s.Chat, a.Chat)
		}
		for j := range i {
			if a.Summaries[j].Contact == s.Contact {
				return fmt.Errorf("store: Append.Summaries[%d] is of the same contact as Summaries[%d]; there must be one row for each", i, j)
			}
		}
	}
	for i := range a.Entries {
		if got, want := a.Entries[i].Seq, a.After+int64(i)+1; got != want {
			return fmt.Errorf("store: Append.Entries[%d].Seq is %d; it must be %d", i, got, want)
		}
	}
	return nil
}

// Due is a chat whose deadline is near or past.
type Due struct {
	Chat chat.ChatID
	At   time.Time
}

// Query selects items of a chat's transcript: at most Limit visible entries with
// From <= Seq <= To, the newest ones if Newest is set, else the oldest ones. They are
// returned in ascending order of Seq in either case. A Limit below 1 selects nothing.
type Query struct {
	From, To int64
	Newest   bool
	Limit    int
}

// Store keeps chats. All methods are safe for concurrent use. Times are UTC and have
// whole milliseconds; ids, texts and times come back exactly as they were stored, but
// empty maps and slices may come back as nil. Texts are valid UTF-8 without NUL: that
// is decided before a store is asked. What was appended and what is returned may
// share memory with the store: neither is changed afterwards.
type Store interface {
	// Append stores a batch durably. It returns ErrConflict, perhaps as a *Conflict, if
	// After is not the Seq of the chat's last entry, which holds for a batch without
	// Entries too.
	// Of the batches with the same After that are appended to a chat at the same
	// time, one with Entries at most succeeds. A batch that can't be stored (a row
	// too large, say) or that [Append.Check] refuses harms no other batch. Append
	// honours ctx until the batch is handed over to be written, and then waits for
	// the outcome.
	Append(ctx context.Context, a Append) error

	// Entries returns up to limit entries with Seq > after, in ascending order.
	// None means that there are no more, that the chat does not exist, or that
	// limit is below 1.
	Entries(ctx context.Context, id chat.ChatID, after int64, limit int) ([]chat.Entry, error)

	// Items returns the part of the transcript that q selects.
	Items(ctx context.Context, id chat.ChatID, q Query) ([]chat.Entry, error)

	// SeqAt returns the Seq of the newest visible entry whose At is not after t, or
	// 0 if there is none.
	SeqAt(ctx context.Context, id chat.ChatID, t time.Time) (int64, error)

	// LastSeqs returns the Seq of the last entry of each of the chats that has entries
	// and a contact's row. It costs little for each of them, and there may be many.
	LastSeqs(ctx context.Context, ids []chat.ChatID) (map[chat.ChatID]int64, error)

	// Chats returns the chats that have entries and an id greater than after, in
	// ascending order of their ids, at most limit of them. It is for whoever copies or
	// checks a whole store.
	Chats(ctx context.Context, after chat.ChatID, limit int) ([]chat.ChatID, error)

	// Contact returns a contact's row, or ErrNotFound.
	Contact(ctx context.Context, id chat.ContactID) (chat.Summary, error)

	// Due returns the chats whose current contact has a deadline, past or not, the
	// earliest first, at most limit of them. Contacts that have ended, and with them
	// those that were transferred, don't count.
	Due(ctx context.Context, limit int) ([]Due, error)

	// Search finds contacts by their rows. It refuses what [Search.Check] refuses.
	Search(ctx context.Context, s Search) (Found, error)

	// Close waits for the batches handed over, then releases everything. Later
	// calls of any method return ErrClosed.
	Close() error
}
