package node

import (
	"context"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

const (
	// lookEvery is how often a watched chat is looked up in the store while the bus is
	// well: what was lost unnoticed, on the way from another node, say, is so late at
	// most.
	lookEvery = 5 * time.Second
	// lookOften is how often while the bus isn't, for wary after it changed, and once
	// after a chat is watched: it takes the other nodes a moment to be well too, and to
	// know of a subscription.
	lookOften = 500 * time.Millisecond
	wary      = 10 * time.Second
	// spread is by how much chats differ in lookEvery, so that they aren't all due at
	// the same time.
	spread = time.Second
	// lookPage is how many chats are looked up at a time; one look follows the other.
	lookPage = 512
)

// lookOut finds out what a lossy bus has lost when nothing comes after it, until ctx
// ends: it asks the store for the last Seq of the chats that are watched here. Another
// bus loses nothing, and is not looked after.
func (n *Node) lookOut(ctx context.Context) {
	lossy, ok := n.bus.(bus.Lossy)
	if !ok {
		return
	}
	well, changed := lossy.Health()
	var waryUntil time.Time
	failing := false
	for ctx.Err() == nil {
		n.deaf.Store(!well)
		now := n.clock.Now()
		err := n.look(ctx, n.due(now, !well || now.Before(waryUntil)))
		if err != nil && !failing && ctx.Err() == nil {
			n.log.Warn("the store can't be asked what the bus has lost; that will be tried again", "err", err)
		}
		failing = err != nil
		timer := n.clock.NewTimer(lookOften)
		select {
		case <-changed:
		case <-timer.Chan():
		case <-ctx.Done():
		}
		timer.Stop()
		select {
		case <-changed:
			waryUntil = n.clock.Now().Add(wary)
			well, changed = lossy.Health()
		default:
		}
	}
}

// due lists the watched chats whose time to be looked up has come, or all.
func (n *Node) due(now time.Time, all bool) (due []*live) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.chats {
		if at := l.feed.lookAt.Load(); at != 0 && (all || at <= now.UnixMilli()) {
			due = append(due, l)
		}
	}
	return due
}

// look has chats catch up with the store, if there is something new.
func (n *Node) look(ctx context.Context, chats []*live) error {
	for page := range slices.Chunk(chats, lookPage) {
		ids := make([]chat.ChatID, len(page))
		for i, l := range page {
			ids[i] = l.id
		}
		seqs, err := n.store.LastSeqs(ctx, ids)
		if err != nil {
			return err
		}
		now := n.clock.Now()
		for _, l := range page {
			n.receive(l, bus.Notice{Chat: l.id, Seq: seqs[l.id]})
			l.lookLater(now)
		}
	}
	return nil
}

// lookSoon has the chat looked up for its first watcher.
func (f *feed) lookSoon(now time.Time) { f.lookAt.Store(now.Add(lookOften).UnixMilli()) }

// lookLater has the chat looked up next when it is time, if somebody watches.
func (l *live) lookLater(now time.Time) {
	next := now.Add(lookEvery - spread*time.Duration(l.id.UUID[15])/256)
	if at := l.feed.lookAt.Load(); at != 0 {
		l.feed.lookAt.CompareAndSwap(at, next.UnixMilli())
	}
}
