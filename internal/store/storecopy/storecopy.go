// Package storecopy moves all chats from one store to another, of whatever kind, and
// proves that they have arrived.
package storecopy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

const (
	// chatPage is how many chats are listed at a time, entryPage how many entries are
	// read and written at a time.
	chatPage, entryPage = 256, 512
	// workers is how many chats are under way at once, so that they share commits.
	workers = 32
)

// Tally is how far a copy or a comparison has come, or what it has led to.
type Tally struct {
	// Chats and Entries were read and are in both stores.
	Chats, Entries int64
	// Written are those of the Entries that were not there before.
	Written int64
	// Digest is of all entries, chat by chat; Compare sets it.
	Digest Digest
}

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String gives it in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Copy copies what the second store lacks. It may be interrupted at any time and begun
// again. Nobody may change the stores meanwhile; progress is told from time to time how
// far it is. It refuses a second store that has chats of its own, before it writes
// anything, and chats that have gone on differently.
func Copy(ctx context.Context, from, to store.Store, progress func(Tally)) (Tally, error) {
	var t Tally
	var mu sync.Mutex
	if err := strangers(ctx, from, to); err != nil {
		return t, err
	}
	err := each(ctx, from, func(ctx context.Context, ids []chat.ChatID) error {
		there, err := to.LastSeqs(ctx, ids)
		if err != nil {
			return err
		}
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(workers)
		for _, id := range ids {
			g.Go(func() error {
				n, err := copyChat(ctx, from, to, id, there[id])
				if err != nil {
					return fmt.Errorf("chat %s: %w", id, err)
				}
				mu.Lock()
				defer mu.Unlock()
				t.Chats++
				t.Entries += n
				t.Written += n - min(n, there[id])
				return nil
			})
		}
		err = g.Wait()
		progress(t)
		return err
	})
	return t, err
}

// strangers returns an error if the copy has a chat that the original lacks.
func strangers(ctx context.Context, from, to store.Store) error {
	return each(ctx, to, func(ctx context.Context, ids []chat.ChatID) error {
		known, err := from.LastSeqs(ctx, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, ok := known[id]; !ok {
				return errStranger(id)
			}
		}
		return nil
	})
}

// ErrStranger is of a destination that has other chats than the original.
var ErrStranger = errors.New("is in the copy only; copy to an empty destination")

func errStranger(id chat.ChatID) error { return fmt.Errorf("chat %s: %w", id, ErrStranger) }

// each calls f with all chats of a store, page by page in the order of their ids.
func each(ctx context.Context, s store.Store, f func(context.Context, []chat.ChatID) error) error {
	var after chat.ChatID
	for {
		ids, err := s.Chats(ctx, after, chatPage)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := f(ctx, ids); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// Chats calls f with all chats of a store, some at the same time. Nobody may change the
// store meanwhile. It stops at the first error, and names the chat.
func Chats(ctx context.Context, s store.Store, f func(context.Context, *chat.Chat) error) error {
	return each(ctx, s, func(ctx context.Context, ids []chat.ChatID) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(workers)
		for _, id := range ids {
			g.Go(func() error {
				c, err := load(ctx, s, id)
				if err == nil {
					err = f(ctx, c)
				}
				if err != nil {
					return fmt.Errorf("chat %s: %w", id, err)
				}
				return nil
			})
		}
		return g.Wait()
	})
}

// load makes a chat of its entries.
func load(ctx context.Context, s store.Store, id chat.ChatID) (*chat.Chat, error) {
	c := chat.New(id)
	for {
		page, err := s.Entries(ctx, id, c.Seq, entryPage)
		if err != nil || len(page) == 0 {
			return c, err
		}
		c.Apply(page...)
	}
}

// copyChat copies the entries after the first there, of which it only makes the chat, and
// the rows of its contacts, which follow from the entries. It gives how many entries the
// chat has.
func copyChat(ctx context.Context, from, to store.Store, id chat.ChatID, there int64) (int64, error) {
	c := chat.New(id)
	for {
		page, err := from.Entries(ctx, id, c.Seq, entryPage)
		if err != nil {
			return 0, err
		}
		if len(page) == 0 {
			if c.Seq < there {
				return 0, fmt.Errorf("the copy has %d entries and the original %d: it has gone on by itself; empty the destination", there, c.Seq)
			}
			return c.Seq, nil
		}
		before := c.Seq
		c.Apply(page...)
		if c.Seq <= there {
			continue
		}
		a := store.Append{Chat: id, After: max(before, there), Summaries: c.Summaries()}
		a.Entries = page[a.After-before:]
		if err := to.Append(ctx, a); err != nil {
			return 0, err
		}
	}
}

// Compare reads both stores. It gives an error that names the first difference, if there
// is one, and else what both have.
func Compare(ctx context.Context, from, to store.Store, progress func(Tally)) (Tally, error) {
	var t Tally
	whole := sha256.New()
	var last chat.ChatID
	err := each(ctx, from, func(ctx context.Context, ids []chat.ChatID) error {
		copied, err := to.Chats(ctx, last, len(ids))
		if err != nil {
			return err
		}
		if err := sameChats(ids, copied); err != nil {
			return err
		}
		results := make([]result, len(ids))
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(workers)
		for i, id := range ids {
			g.Go(func() (err error) {
				if results[i], err = compareChat(ctx, from, to, id); err != nil {
					return fmt.Errorf("chat %s: %w", id, err)
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for _, r := range results {
			t.Chats++
			t.Entries += r.entries
			whole.Write(r.digest[:])
		}
		last = ids[len(ids)-1]
		progress(t)
		return nil
	})
	if err != nil {
		return t, err
	}
	t.Digest = Digest(whole.Sum(nil))
	if more, err := to.Chats(ctx, last, 1); err != nil {
		return t, err
	} else if len(more) > 0 {
		return t, errStranger(more[0])
	}
	return t, nil
}

// sameChats compares pages of two lists.
func sameChats(ids, copied []chat.ChatID) error {
	for i, id := range ids {
		switch {
		case i == len(copied) || bytes.Compare(id.UUID[:], copied[i].UUID[:]) < 0:
			return fmt.Errorf("chat %s: is not in the copy; copy again", id)
		case id != copied[i]:
			return errStranger(copied[i])
		}
	}
	return nil
}

// result is what a chat has come to.
type result struct {
	entries int64
	digest  Digest
}

// compareChat compares a chat's entries by their digest, and its contacts' rows.
func compareChat(ctx context.Context, from, to store.Store, id chat.ChatID) (result, error) {
	original, rows, err := readChat(ctx, from, id)
	if err != nil {
		return result{}, err
	}
	copied, _, err := readChat(ctx, to, id)
	switch {
	case err != nil:
		return result{}, err
	case original.entries != copied.entries:
		return result{}, fmt.Errorf("the original has %d entries, the copy %d; copy again while no server runs", original.entries, copied.entries)
	case original.digest != copied.digest:
		return result{}, fmt.Errorf("its %d entries have the digest %s, and in the copy %s; copy to an empty destination", original.entries, original.digest, copied.digest)
	}
	for _, row := range rows {
		switch got, err := to.Contact(ctx, row.Contact); {
		case err != nil:
			return result{}, fmt.Errorf("contact %s: %w", row.Contact, err)
		case got != row:
			return result{}, fmt.Errorf("contact %s: its row is %+v; it must be %+v", row.Contact, got, row)
		}
	}
	return original, nil
}

// readChat reads a whole chat, and gives the rows of its contacts too.
func readChat(ctx context.Context, s store.Store, id chat.ChatID) (result, []chat.Summary, error) {
	c := chat.New(id)
	sum := sha256.New()
	sum.Write(id.UUID[:])
	for {
		page, err := s.Entries(ctx, id, c.Seq, entryPage)
		if err != nil {
			return result{}, nil, err
		}
		if len(page) == 0 {
			return result{c.Seq, Digest(sum.Sum(nil))}, c.Summaries(), nil
		}
		c.Apply(page...)
		for i := range page {
			e := &page[i]
			body, err := json.Marshal(e, json.Deterministic(true))
			if err != nil {
				return result{}, nil, err
			}
			head := binary.BigEndian.AppendUint64(e.ID.UUID[:16:16], uint64(e.Seq))
			head = binary.BigEndian.AppendUint64(head, uint64(e.At.UnixMilli()))
			head = binary.BigEndian.AppendUint64(head, uint64(len(body)))
			sum.Write(head)
			sum.Write(body)
		}
	}
}
