// Package localbus is the bus of a single process: Publish calls the receivers.
package localbus

import (
	"errors"
	"sync"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// Bus is a [bus.Bus] within one process. It loses and repeats nothing, and keeps the
// order in which a goroutine publishes. A notice has been received when Publish
// returns, unless the receiver is busy: then whoever keeps it busy delivers it next.
// So receivers may publish, subscribe and cancel.
type Bus struct {
	mu     sync.RWMutex
	subs   map[chat.ChatID][]*subscription
	closed bool
}

var _ bus.Bus = (*Bus)(nil)

// New gives a bus without subscriptions.
func New() *Bus { return &Bus{subs: make(map[chat.ChatID][]*subscription)} }

var errClosed = errors.New("localbus: closed")

// Publish implements [bus.Bus].
func (b *Bus) Publish(n bus.Notice) {
	b.mu.RLock()
	subs := b.subs[n.Chat]
	b.mu.RUnlock()
	for _, s := range subs {
		s.deliver(n)
	}
}

// Subscribe implements [bus.Bus].
func (b *Bus) Subscribe(id chat.ChatID, receive func(bus.Notice)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	s := &subscription{receive: receive}
	// A new slice each time: Publish ranges over the old one without the lock.
	b.subs[id] = append(append([]*subscription(nil), b.subs[id]...), s)
	return func() { b.cancel(id, s) }, nil
}

func (b *Bus) cancel(id chat.ChatID, s *subscription) {
	s.end()
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []*subscription
	for _, other := range b.subs[id] {
		if other != s {
			rest = append(rest, other)
		}
	}
	if len(rest) == 0 {
		delete(b.subs, id)
		return
	}
	b.subs[id] = rest
}

// Close implements [bus.Bus].
func (b *Bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, subs := range b.subs {
		for _, s := range subs {
			s.end()
		}
	}
	clear(b.subs)
	return nil
}

// subscription calls its receiver from one goroutine at a time, and holds no lock
// while it does.
type subscription struct {
	receive func(bus.Notice)

	mu      sync.Mutex
	waiting []bus.Notice // for the goroutine that is calling
	calling bool
	ended   bool
}

// deliver calls receive, or leaves the notice to the goroutine that is doing so.
func (s *subscription) deliver(n bus.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.calling {
		s.waiting = append(s.waiting, n)
		return
	}
	s.calling = true
	defer func() { s.calling = false }()
	if len(s.waiting) > 0 { // since the receiver panicked
		s.waiting = append(s.waiting, n)
		n, s.waiting = s.waiting[0], s.waiting[1:]
	}
	for s.call(n); len(s.waiting) > 0; s.call(n) {
		n, s.waiting = s.waiting[0], s.waiting[1:]
	}
	s.waiting = nil
}

// call calls receive without the lock, which it takes again even if receive panics.
func (s *subscription) call(n bus.Notice) {
	s.mu.Unlock()
	defer s.mu.Lock()
	s.receive(n)
}

// end makes the call that has begun, if any, the last one.
func (s *subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.waiting = true, nil
}
