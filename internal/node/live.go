package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

	chat      *chat.Chat
	summaries []chat.Summary // the rows that the store has with these entries
	stale     bool           // the store may have entries that chat lacks
	unsure    bool           // and maybe nobody was told of them
	unsub     func()         // ends the bus subscription; nil while there is none
	ours      int64          // the Seq of the last entry that this node has appended
	lost      time.Time      // when another node was last found to be faster, or to take its turn

	refs atomic.Int32 // who has or waits for the turn, or watches; the chat stays while there are any
	used atomic.Int64 // when it was last released, in Unix milliseconds; 0 if it is not known to exist
	feed feed
}

// acquire waits for the turn at a chat, which may be unknown or old: no longer than the
// limit, if there is one.
func (n *Node) acquire(ctx context.Context, id chat.ChatID, limit time.Duration) (*live, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil, errClosed
	}
	l := n.chats[id]
	if l == nil {
		l = &live{id: id, turn: make(chan struct{}, 1), chat: chat.New(id), stale: true, feed: feed{more: make(chan struct{}, 1)}}
		l.turn <- struct{}{}
		n.chats[id] = l
	}
	waiting := l.refs.Add(1)
	n.mu.Unlock()
	err := ErrBusy
	if waiting <= maxWaiting {
		err = n.await(ctx, l, limit)
	}
	if err != nil {
		n.unref(l)
		return nil, err
	}
	return l, nil
}

// await takes the turn, unless ctx or the node ends first, or it takes too long.
func (n *Node) await(ctx context.Context, l *live, limit time.Duration) error {
	select {
	case <-l.turn: // mostly; so ctx need not make a channel
		return nil
	default:
	}
	// Neither a clock that is turned nor a machine that stands still for long makes anybody
	// late: who has the turn stands still, too.
	const parts = 10
	var part <-chan time.Time
	if limit > 0 {
		ticker := time.NewTicker(limit / parts)
		defer ticker.Stop()
		part = ticker.C
	}
	for left := parts; ; {
		select {
		case <-l.turn:
			return nil
		case <-part:
			if left--; left == 0 {
				return fmt.Errorf("%w: others have the chat for %v", ErrBusy, limit)
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ctx.Done():
			return errClosed
		}
	}
}

// release gives the turn back.
func (n *Node) release(l *live) {
	if l.chat.Started() {
		l.used.Store(n.clock.Now().UnixMilli())
	}
	l.turn <- struct{}{}
	n.unref(l)
}

// unref gives a reference back. A chat that is not known to exist is forgotten with
// its last one.
func (n *Node) unref(l *live) {
	if l.refs.Add(-1) == 0 && l.used.Load() == 0 {
		n.forget(l)
	}
}

// forget takes a chat out of memory unless somebody wants it.
func (n *Node) forget(l *live) {
	n.mu.Lock()
	gone := l.refs.Load() == 0 && n.chats[l.id] == l
	if gone {
		delete(n.chats, l.id)
	}
	n.mu.Unlock()
	if gone && l.unsub != nil {
		l.unsub() // nobody can get at l any more
	}
}

// sweep forgets the chats nobody has used for a while.
func (n *Node) sweep(idle time.Duration) {
	before := n.clock.Now().Add(-idle).UnixMilli()
	var old []*live
	n.mu.Lock()
	for _, l := range n.chats {
		if l.used.Load() <= before {
			old = append(old, l)
		}
	}
	n.mu.Unlock()
	for _, l := range old {
		n.forget(l)
	}
}

// subscribe has the bus tell of the chat. What came before, only the store knows: the
// chat is to be refreshed next.
func (n *Node) subscribe(l *live) error {
	if l.unsub != nil {
		return nil
	}
	cancel, err := n.bus.Subscribe(l.id, func(b bus.Notice) { n.receive(l, b) })
	if err != nil {
		return err
	}
	l.unsub = cancel
	return nil
}

// current reports whether the chat is, as far as this node has heard, what the store
// has. A notice may have been lost all the same. Without a subscription it hears
// nothing, and a read costs less than a conflict.
func (l *live) current() bool {
	return l.unsub != nil && !l.stale && l.chat.Started() && l.feed.known.Load() <= l.chat.Seq
}

// refresh brings the chat up to what the store has. A node that is alone knows, unless it
// has just begun with the chat, or does not know what became of an append.
func (n *Node) refresh(ctx context.Context, l *live) error {
	if n.alone && !l.stale {
		return nil
	}
	l.stale = true
	heard := l.feed.known.Load()
	for l.stale {
		entries, err := n.store.Entries(ctx, l.id, l.chat.Seq, loadPage)
		if err != nil {
			return busy(err)
		}
		if len(entries) > 0 {
			l.apply(entries)
			l.summaries = l.chat.Summaries()
			n.tell(l, entries, nil, l.unsure)
		}
		l.stale = len(entries) == loadPage
	}
	l.unsure = false
	n.disbelieve(l, heard, l.chat.Seq)
	return nil
}

// tell passes on what is new: to this node's watchers, who so depend on no bus, and
// if everybody is to know, to the bus.
func (n *Node) tell(l *live, entries []chat.Entry, signals []chat.Signal, everybody bool) {
	if len(entries) > 0 {
		n.receive(l, bus.Notice{Chat: l.id, Entries: entries})
	}
	if everybody {
		n.bus.Publish(bus.Notice{Chat: l.id, Seq: l.chat.Seq, Entries: entries, Signals: signals})
	}
}

// commit makes an outcome durable, then part of the chat, then known. It writes the
// rows that change; force, that of the current contact even if it seems unchanged: a
// tick that came too early moves the stored deadline.
func (n *Node) commit(ctx context.Context, l *live, out chat.Outcome, force bool) error {
	if len(out.Entries) > 0 || force {
		a := store.Append{Chat: l.id, After: l.chat.Seq, Entries: out.Entries}
		rows := l.chat.SummariesAfter(out.Entries)
		switch {
		case rows == nil && force:
			rows = l.chat.Summaries()
		case rows == nil:
			rows = l.summaries
		}
		for _, row := range rows {
			if force && row.Contact == l.chat.Contact || !slices.Contains(l.summaries, row) {
				a.Summaries = append(a.Summaries, row)
			}
		}
		if err := n.append(ctx, l, a); err != nil {
			return err
		}
		l.apply(out.Entries)
		l.ours, l.summaries = l.chat.Seq, rows
		for _, row := range a.Summaries {
			n.alarm.Set(row.Deadline)
		}
	}
	l.chat.Keep(out)
	if len(out.Entries)+len(out.Signals) > 0 {
		n.tell(l, out.Entries, out.Signals, true)
	}
	for _, job := range out.Jobs {
		n.work(l.id, job)
	}
	return nil
}

// append stores a batch. After an error that leaves the outcome open, the chat is
// read again before anything else is decided: by the next caller, and in any case
// by resolve.
func (n *Node) append(ctx context.Context, l *live, a store.Append) error {
	err := n.store.Append(ctx, a)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrBusy):
		return busy(err)
	}
	if errors.Is(err, store.ErrConflict) {
		if c := (*store.Conflict)(nil); errors.As(err, &c) {
			n.tell(l, c.Missed, nil, false)
		}
		l.lost = time.Now()
		l.stale = !n.absorb(l) // what the store has told, or the bus meanwhile
		return err
	}
	l.stale = true
	if !l.unsure {
		l.unsure = true
		l.refs.Add(1)
		n.behind(func() { n.resolve(l) })
	}
	return err
}

// resolve finds out what became of an append with an open outcome, so that those who
// watch are told.
func (n *Node) resolve(l *live) {
	defer n.unref(l)
	for n.ctx.Err() == nil {
		err := n.View(n.ctx, l.id, func(*chat.Chat) error { return nil })
		if err == nil || errors.Is(err, ErrNotFound) {
			return
		}
		n.pause(retryPause)
	}
}
