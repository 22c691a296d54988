package node

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// live is a chat in this node's memory. Whoever has received from turn owns the
// fields below it until they give turn back.
type live struct {
	id   chat.ChatID
	turn chan struct{}

	chat    *chat.Chat // nil until loaded
	summary chat.Summary
	stale   bool // the store has entries that chat lacks
	unsure  bool // and maybe nobody was told of them

	refs    atomic.Int32 // who holds or waits for it; it stays in memory while there are any
	used    atomic.Int64 // when it was last released, in Unix milliseconds
	feed    feed
	unsubFn func()
}

// drop ends the bus subscription.
func (l *live) drop() {
	if l.unsubFn != nil {
		l.unsubFn()
	}
}

// acquire waits for the turn at a chat, which may not be loaded yet.
func (n *Node) acquire(ctx context.Context, id chat.ChatID) (*live, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	l := n.chats[id]
	if l == nil {
		l = &live{id: id, turn: make(chan struct{}, 1)}
		l.turn <- struct{}{}
		n.chats[id] = l
	}
	waiting := l.refs.Add(1)
	n.mu.Unlock()
	if waiting > maxWaiting {
		l.refs.Add(-1)
		return nil, ErrBusy
	}
	select {
	case <-l.turn:
		return l, nil
	case <-ctx.Done():
		l.refs.Add(-1)
		return nil, ctx.Err()
	}
}

// release gives the turn back. A chat that does not exist is forgotten at once.
func (n *Node) release(l *live) {
	l.used.Store(n.clock.Now().UnixMilli())
	unknown := l.chat == nil || !l.chat.Started()
	l.turn <- struct{}{}
	if l.refs.Add(-1) == 0 && unknown {
		n.forget(l)
	}
}

// forget takes a chat out of memory unless somebody wants it.
func (n *Node) forget(l *live) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.refs.Load() > 0 || n.chats[l.id] != l {
		return
	}
	delete(n.chats, l.id)
	l.drop()
}

// sweep forgets the chats nobody has used for a while.
func (n *Node) sweep(idle time.Duration) {
	before := n.clock.Now().Add(-idle).UnixMilli()
	var old []*live
	n.mu.Lock()
	for _, l := range n.chats {
		if l.refs.Load() == 0 && l.used.Load() < before {
			old = append(old, l)
		}
	}
	n.mu.Unlock()
	for _, l := range old {
		n.forget(l)
	}
}

// refresh brings the chat up to what the store has, if there is reason to think
// that it has more.
func (n *Node) refresh(ctx context.Context, l *live) error {
	first := l.chat == nil
	if !first && !l.stale && l.feed.known.Load() <= l.chat.Seq {
		return nil
	}
	if l.unsubFn == nil {
		// Before the first read, so that no notice is missed in between.
		cancel, err := n.bus.Subscribe(l.id, func(b bus.Notice) { n.receive(l, b) })
		if err != nil {
			return err
		}
		l.unsubFn = cancel
	}
	if first {
		l.chat = chat.New(l.id)
	}
	from := l.chat.Seq
	for {
		entries, err := n.store.Entries(ctx, l.id, l.chat.Seq, loadPage)
		if err != nil {
			if first {
				l.chat = nil
			}
			return err
		}
		l.chat.Apply(entries...)
		if !first && len(entries) > 0 {
			n.tell(l, bus.Notice{Chat: l.id, Entries: entries})
		}
		if len(entries) < loadPage {
			break
		}
	}
	if first {
		l.feed.begin(l.chat.Seq)
	}
	if l.chat.Started() && (first || l.chat.Seq > from) {
		l.summary = l.chat.Summary()
	}
	l.stale, l.unsure = false, false
	return nil
}

// tell passes on entries that were found in the store: to this node's watchers, and
// to everybody if this node may have stored them without saying so.
func (n *Node) tell(l *live, b bus.Notice) {
	if l.unsure {
		n.bus.Publish(b)
		return
	}
	n.receive(l, b)
}

// commit makes an outcome durable, then part of the chat, then known. force writes
// the summary even if it seems unchanged: a tick that came too early moves the
// stored deadline.
func (n *Node) commit(ctx context.Context, l *live, out chat.Outcome, force bool) error {
	if len(out.Entries) == 0 && !force {
		l.chat.Keep(out)
		if len(out.Signals) > 0 {
			n.bus.Publish(bus.Notice{Chat: l.id, Signals: out.Signals})
		}
		return nil
	}
	a := store.Append{Chat: l.id, After: l.chat.Seq, Entries: out.Entries}
	summary := l.chat.SummaryAfter(out.Entries)
	if force || summary != l.summary {
		a.Summary = &summary
	}
	if err := n.append(ctx, l, a); err != nil {
		return err
	}
	l.chat.Apply(out.Entries...)
	l.summary = summary
	if a.Summary != nil {
		n.alarm.set(summary.Deadline)
	}
	if len(out.Entries) > 0 {
		n.bus.Publish(bus.Notice{Chat: l.id, Entries: out.Entries, Signals: out.Signals})
	}
	return nil
}

// append stores a batch. After an error that leaves the outcome open, the chat is
// read again before anything else is decided, by the next caller or by Run.
func (n *Node) append(ctx context.Context, l *live, a store.Append) error {
	err := n.store.Append(ctx, a)
	switch {
	case err == nil, errors.Is(err, store.ErrConflict):
		return err
	case errors.Is(err, store.ErrBusy):
		return ErrBusy
	}
	l.stale, l.unsure = true, true
	n.alarm.doubt(l.id)
	return err
}
