package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

var appendChecks = []check{
	{"append", appends},
	{"append conflict", conflicts},
	{"append malformed", malformed},
	{"append cancelled", cancelled},
	{"append race", race},
	{"append many chats", manyChats},
	{"append poison", poison},
}

// appends: batches of one and more follow each other, chats don't mix.
func appends(k *kit) {
	one, other := NewChat(), NewChat()
	var want []chat.Entry
	for _, n := range []int{1, 3, 1, 40} {
		a := Messages(one, int64(len(want)), n)
		k.append(a)
		want = append(want, a.Entries...)
		k.wantLog(one, want)
	}
	k.wantLog(other, nil)
	k.append(Messages(other, 0, 2))
	k.wantLog(other, Messages(other, 0, 2).Entries)
	k.wantLog(one, want)
}

// conflicts: a batch that doesn't follow the last entry leaves nothing behind.
func conflicts(k *kit) {
	id := NewChat()
	k.refused(Messages(id, 1, 1), store.ErrConflict)
	k.refused(Messages(id, math.MaxInt32, 2), store.ErrConflict)
	k.wantLog(id, nil)

	k.append(Messages(id, 0, 3))
	for _, after := range []int64{0, 1, 2, 4, 5, 1000} {
		k.refused(Messages(id, after, 1), store.ErrConflict)
		k.refused(Messages(id, after, 5), store.ErrConflict)
	}
	k.wantLog(id, Messages(id, 0, 3).Entries)
	k.append(Messages(id, 3, 1))
	k.wantLog(id, Messages(id, 0, 4).Entries)
}

// malformed: what Append.Check refuses is not stored, in no part.
func malformed(k *kit) {
	id := NewChat()
	k.append(Messages(id, 0, 1))
	twice := Messages(id, 1, 3)
	twice.Entries[2].Seq = 3
	gap := Messages(id, 1, 3)
	gap.Entries[1].Seq = 4
	early := Messages(id, 0, 2)
	early.After = 1
	for name, a := range map[string]store.Append{
		"the same Seq twice":              twice,
		"a gap":                           gap,
		"Entries that don't follow After": early,
		"a negative After":                {Chat: id, After: -1, Entries: Messages(id, -1, 1).Entries},
		"nothing in it":                   {Chat: id, After: 1},
		"the row of another chat in it":   {Chat: id, After: 1, Summaries: []chat.Summary{{Chat: NewChat()}}},
		"two rows of a contact":           {Chat: id, After: 1, Summaries: []chat.Summary{summary(id), summary(id)}},
	} {
		if err := k.store.Append(k.Context(), a); err == nil || errors.Is(err, store.ErrConflict) {
			k.Errorf("Append of a batch with %s = %v; want it refused as malformed", name, err)
		}
	}
	k.wantLog(id, Messages(id, 0, 1).Entries)
}

// cancelled: who has given up before the batch was handed over stores nothing.
func cancelled(k *kit) {
	id := NewChat()
	ctx, cancel := context.WithCancel(k.Context())
	cancel()
	if err := k.store.Append(ctx, Messages(id, 0, 1)); !errors.Is(err, context.Canceled) {
		k.Errorf("Append with a cancelled context = %v; want %v", err, context.Canceled)
	}
	k.wantLog(id, nil)
	k.append(Messages(id, 0, 1))
}

// race: of all who append the same Seq at the same time, exactly one wins.
func race(k *kit) {
	const writers, rounds = 16, 25
	id := NewChat()
	var wins [rounds]atomic.Value
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			name := fmt.Sprintf("writer %d", w)
			for seq := int64(1); seq <= rounds; {
				err := k.store.Append(k.Context(), Another(store.Append{
					Chat: id, After: seq - 1, Entries: []chat.Entry{Message(id, seq, name)},
				}))
				switch {
				case err == nil:
					if before := wins[seq-1].Swap(name); before != nil {
						k.Errorf("Seq %d was won by %v and by %s", seq, before, name)
					}
				case !errors.Is(err, store.ErrConflict):
					k.Errorf("Append: %v; want nil or %v", err, store.ErrConflict)
					return
				}
				seq++ // stored, or somebody else has stored it
			}
		})
	}
	wg.Wait()
	log := k.log(id)
	if len(log) != rounds {
		k.Fatalf("%d entries are stored; want %d", len(log), rounds)
	}
	for i := range log {
		if got, want := log[i].Content.Text, wins[i].Load(); log[i].Seq != int64(i+1) || got != want {
			k.Errorf("entry %d has Seq %d and is by %v; the winner was told %v", i, log[i].Seq, got, want)
		}
	}
}

// manyChats: chats that grow at the same time don't disturb each other.
func manyChats(k *kit) {
	const chats, rounds = 64, 8
	var ids [chats]chat.ChatID
	var wg sync.WaitGroup
	for i := range ids {
		ids[i] = NewChat()
		wg.Go(func() {
			for n := range int64(rounds) {
				if err := k.store.Append(k.Context(), Messages(ids[i], 2*n, 2)); err != nil {
					k.Errorf("Append: %v", err)
				}
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		k.wantLog(id, Messages(id, 0, 2*rounds).Entries)
	}
}

// poison: batches that conflict or are malformed harm none of those around them.
func poison(k *kit) {
	const chats = 48
	ids := make([]chat.ChatID, chats)
	var wg sync.WaitGroup
	for i := range ids {
		ids[i] = NewChat()
		wg.Go(func() {
			for _, after := range []int64{0, 2} {
				if err := k.store.Append(k.Context(), Messages(ids[i], after, 2)); err != nil {
					k.Errorf("Append: %v", err)
				}
			}
		})
		wg.Go(func() {
			bad := Messages(ids[i], 50, 3)
			k.refused(bad, store.ErrConflict)
			bad.Entries[2].Seq--
			if err := k.store.Append(k.Context(), bad); err == nil {
				k.Error("Append of the same Seq twice succeeded; want it refused")
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		k.wantLog(id, Messages(id, 0, 4).Entries)
	}
}
