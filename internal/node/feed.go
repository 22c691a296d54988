package node

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// feed puts a chat's notices into order: watchers get each entry once, in the order
// of Seq, nothing left out, whatever the bus does to the notices.
type feed struct {
	known  atomic.Int64  // the highest Seq heard of
	more   chan struct{} // has one when known has grown
	has    atomic.Int64  // the Seq of the last entry that the chat has
	lookAt atomic.Int64  // when lookOut is to ask the store, in Unix milliseconds; 0 without watchers

	mu       sync.Mutex
	last     int64 // Seq of the last entry the watchers have; counts while there are any
	filling  bool  // a goroutine reads what they missed
	watchers map[*watcher]struct{}
	ahead    []chat.Entry // the next ones that the chat lacks, as far as they were heard
}

// maxAhead bounds how many entries are kept for a chat that lacks them: memory, for chats
// that others talk in.
const maxAhead = 16

type watcher struct{ receive func(bus.Notice) }

// Watch calls receive with what is new in a chat from now on: entries in the order
// of Seq, each once, none missing; signals as they come. Calls come one at a time;
// receive must not block, nor call the node or stop. The first entry is the one after
// the Seq that is returned, which is less than the chat's where something that is
// already stored is still on its way to this node. stop ends it; after stop returns
// there is no further call. Nor is there after [Node.Close].
func (n *Node) Watch(ctx context.Context, id chat.ChatID, receive func(bus.Notice)) (after int64, stop func(), err error) {
	l, err := n.acquire(ctx, id, turnWithin)
	if err != nil {
		return 0, nil, err
	}
	defer n.release(l)
	if err := n.subscribe(l); err != nil {
		return 0, nil, err
	}
	if err := n.refresh(ctx, l); err != nil {
		return 0, nil, err
	}
	if !l.chat.Started() {
		return 0, nil, ErrNotFound
	}
	w := &watcher{receive}
	after = n.join(l, w)
	return after, sync.OnceFunc(func() { n.part(l, w) }), nil
}

// Missed reads a chat's entries after one Seq, up to another that is known to be
// stored: for whoever began to watch too late.
func (n *Node) Missed(ctx context.Context, id chat.ChatID, after, upTo int64) (missed []chat.Entry, err error) {
	for after < upTo {
		page, err := n.store.Entries(ctx, id, after, int(min(upTo-after, loadPage)))
		if err != nil {
			return nil, busy(err)
		}
		if len(page) == 0 {
			return nil, ErrNotFound
		}
		missed = append(missed, page...)
		after = page[len(page)-1].Seq
	}
	return missed, nil
}

// SeqAt gives the Seq of a chat's newest visible entry that is not later than t, 0 if there
// is none.
func (n *Node) SeqAt(ctx context.Context, id chat.ChatID, t time.Time) (int64, error) {
	seq, err := n.seqAt(ctx, id, t)
	return seq, busy(err)
}

// join lets a watcher have what comes after an entry, whose Seq it gives: the last that
// the other watchers have, or of the chat as it was loaded. All watchers together hold
// one reference to the chat.
func (n *Node) join(l *live, w *watcher) (after int64) {
	f := &l.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.watchers) == 0 {
		l.refs.Add(1)
		f.last = l.chat.Seq
		f.watchers = make(map[*watcher]struct{})
		f.lookSoon(n.clock.Now())
	}
	f.watchers[w] = struct{}{}
	n.catchUp(l) // what was heard of since the chat was loaded was told to nobody
	return f.last
}

func (n *Node) part(l *live, w *watcher) {
	f := &l.feed
	f.mu.Lock()
	delete(f.watchers, w)
	last := len(f.watchers) == 0
	if last {
		f.lookAt.Store(0)
	}
	f.mu.Unlock()
	if last {
		n.unref(l)
	}
}

// close lets all watchers go.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.watchers)
}

// receive takes a notice, from the bus or from this node itself.
func (n *Node) receive(l *live, b bus.Notice) {
	f := &l.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hear(b.Seq)
	f.take(l.id, b.Entries)
	n.catchUp(l)
	if len(b.Signals) > 0 {
		f.hand(bus.Notice{Chat: l.id, Signals: b.Signals})
	}
}

// take hands on the entries that come next. Those with others missing before them
// are only remembered to exist.
func (f *feed) take(id chat.ChatID, entries []chat.Entry) {
	if len(entries) == 0 {
		return
	}
	top := entries[len(entries)-1].Seq
	f.hear(top)
	f.keep(entries)
	if had := f.last + 1 - entries[0].Seq; len(f.watchers) > 0 && had >= 0 && top > f.last {
		f.last = top
		f.hand(bus.Notice{Chat: id, Entries: entries[had:]})
	}
}

// keep remembers what others have appended, so that it need not be read before the next
// command. With a gap in it, or when it gets too much, it is.
func (f *feed) keep(entries []chat.Entry) {
	next := f.has.Load() + 1
	if n := len(f.ahead); n > 0 && f.ahead[n-1].Seq >= next {
		next = f.ahead[n-1].Seq + 1
	} else {
		f.ahead = nil
	}
	had := next - entries[0].Seq
	switch {
	case had < 0 || had >= int64(len(entries)):
	case len(f.ahead)+len(entries)-int(had) > maxAhead:
		f.ahead = nil
	default:
		f.ahead = append(f.ahead, entries[had:]...)
	}
}

// absorb brings the chat up to what others have told of it, which is in the store. It
// reports whether there was anything.
func (n *Node) absorb(l *live) bool {
	f := &l.feed
	f.mu.Lock()
	ahead := f.ahead
	f.ahead = nil
	f.mu.Unlock()
	for len(ahead) > 0 && ahead[0].Seq <= l.chat.Seq {
		ahead = ahead[1:]
	}
	if len(ahead) == 0 || ahead[0].Seq != l.chat.Seq+1 || !l.chat.Started() {
		return false
	}
	l.apply(ahead)
	l.summaries = l.chat.Summaries()
	return true
}

// apply moves the chat on.
func (l *live) apply(entries []chat.Entry) {
	l.chat.Apply(entries...)
	l.feed.has.Store(l.chat.Seq)
}

// hear remembers that there is an entry.
func (f *feed) hear(seq int64) {
	if seq > f.known.Load() {
		f.known.Store(seq)
		select {
		case f.more <- struct{}{}:
		default:
		}
	}
}

func (f *feed) hand(b bus.Notice) {
	for w := range f.watchers {
		w.receive(b)
	}
}

// missing reports whether the watchers lack entries that were heard of.
func (f *feed) missing() bool { return len(f.watchers) > 0 && f.last < f.known.Load() }

// catchUp has the missing entries read, if there are any. It is called with mu held.
func (n *Node) catchUp(l *live) {
	if f := &l.feed; f.missing() && !f.filling {
		f.filling = true
		n.behind(func() { n.fill(l) })
	}
}

// fill reads what was missed from the store until nothing is missing.
func (n *Node) fill(l *live) {
	f := &l.feed
	for {
		f.mu.Lock()
		after, heard := f.last, f.known.Load()
		f.filling = f.missing() && n.ctx.Err() == nil
		again := f.filling
		f.mu.Unlock()
		if !again {
			return
		}
		entries, err := n.store.Entries(n.ctx, l.id, after, loadPage)
		switch {
		case err != nil:
			n.log.Warn("missed entries can't be read yet", "chat", l.id, "after", after, "err", err)
			n.pause(retryPause)
		case len(entries) == 0:
			n.disbelieve(l, heard, after)
		default:
			f.mu.Lock()
			f.take(l.id, entries)
			f.mu.Unlock()
		}
	}
}

// disbelieve forgets a notice of entries that the store, asked later, does not have
// after seq. The store is right.
func (n *Node) disbelieve(l *live, heard, seq int64) {
	if heard > seq && l.feed.known.CompareAndSwap(heard, seq) {
		n.log.Warn("the bus told of entries that the store does not have", "chat", l.id, "heard", heard, "stored", seq)
	}
}

// pause waits, by the node's clock.
func (n *Node) pause(d time.Duration) {
	timer := n.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
	case <-n.ctx.Done():
	}
}
