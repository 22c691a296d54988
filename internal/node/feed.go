package node

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// refillPause is how long a feed waits after the store failed it.
const refillPause = time.Second

// feed puts a chat's notices into order: watchers get each entry once, in the order
// of Seq, nothing left out, whatever the bus does to the notices.
type feed struct {
	known atomic.Int64 // the highest Seq heard of

	mu       sync.Mutex
	begun    bool  // last counts
	last     int64 // Seq of the last entry the watchers got
	filling  bool  // a goroutine reads what was missed
	watchers map[*watcher]struct{}
}

type watcher struct{ receive func(bus.Notice) }

// begin says which entry the chat had when it was loaded; earlier ones are not news.
func (f *feed) begin(seq int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begun {
		f.begun, f.last = true, seq
	}
}

// Watch calls receive with what is new in a chat from now on: entries in the order
// of Seq, each once, none missing; signals as they come. Calls come one at a time;
// receive must not block, nor call the node. An entry that is already stored but
// still on its way to this node may be among the first. stop ends it; after stop
// returns there is no further call.
func (n *Node) Watch(ctx context.Context, id chat.ChatID, receive func(bus.Notice)) (stop func(), err error) {
	l, err := n.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	defer n.release(l)
	if err := n.refresh(ctx, l); err != nil {
		return nil, err
	}
	if !l.chat.Started() {
		return nil, ErrNotFound
	}
	l.refs.Add(1)
	w := &watcher{receive}
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	if l.feed.watchers == nil {
		l.feed.watchers = make(map[*watcher]struct{})
	}
	l.feed.watchers[w] = struct{}{}
	return sync.OnceFunc(func() {
		l.feed.mu.Lock()
		delete(l.feed.watchers, w)
		l.feed.mu.Unlock()
		l.refs.Add(-1)
	}), nil
}

// receive takes a notice from the bus.
func (n *Node) receive(l *live, b bus.Notice) {
	f := &l.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.take(b.Entries) && !f.filling {
		f.filling = true
		n.wg.Go(func() { n.fill(n.ctx, l) })
	}
	if len(b.Signals) > 0 {
		f.hand(bus.Notice{Chat: b.Chat, Signals: b.Signals})
	}
}

// take hands on the entries that come next and reports whether some are missing
// before them.
func (f *feed) take(entries []chat.Entry) (gap bool) {
	if len(entries) == 0 {
		return false
	}
	if top := entries[len(entries)-1].Seq; top > f.known.Load() {
		f.known.Store(top)
	}
	if !f.begun {
		return false // the chat is being loaded, and with it these
	}
	for len(entries) > 0 && entries[0].Seq <= f.last {
		entries = entries[1:]
	}
	if len(entries) == 0 {
		return false
	}
	if entries[0].Seq > f.last+1 {
		return true
	}
	f.last = entries[len(entries)-1].Seq
	f.hand(bus.Notice{Entries: entries})
	return false
}

func (f *feed) hand(b bus.Notice) {
	for w := range f.watchers {
		w.receive(b)
	}
}

// fill reads what was missed from the store until nothing is missing.
func (n *Node) fill(ctx context.Context, l *live) {
	f := &l.feed
	for {
		f.mu.Lock()
		after := f.last
		if after >= f.known.Load() || ctx.Err() != nil {
			f.filling = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		entries, err := n.store.Entries(ctx, l.id, after, loadPage)
		if err != nil || len(entries) == 0 {
			n.log.Warn("missed entries can't be read yet", "chat", l.id, "after", after, "err", err)
			n.pause(ctx, refillPause)
			continue
		}
		f.mu.Lock()
		f.take(entries)
		f.mu.Unlock()
	}
}

// pause waits, by the node's clock.
func (n *Node) pause(ctx context.Context, d time.Duration) {
	select {
	case <-n.clock.After(d):
	case <-ctx.Done():
	}
}
