// Package localbus is the bus of a single process: Publish calls the receivers.
package localbus

import (
	"errors"
	"sync"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// Bus is a [bus.Bus] within one process. It loses nothing.
type Bus struct {
	mu     sync.RWMutex
	subs   map[chat.ChatID][]*subscription
	closed bool
}

type subscription struct {
	mu      sync.Mutex // one call of receive at a time
	receive func(bus.Notice)
	gone    bool // guarded by Bus.mu
}

// New gives a bus without subscriptions.
func New() *Bus { return &Bus{subs: make(map[chat.ChatID][]*subscription)} }

var errClosed = errors.New("localbus: closed")

// Publish implements [bus.Bus].
func (b *Bus) Publish(n bus.Notice) {
	b.mu.RLock()
	subs := b.subs[n.Chat]
	b.mu.RUnlock()
	for _, s := range subs {
		b.deliver(s, n)
	}
}

func (b *Bus) deliver(s *subscription, n bus.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.mu.RLock()
	gone := s.gone
	b.mu.RUnlock()
	if !gone {
		s.receive(n)
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
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.gone {
		return
	}
	s.gone = true
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
			s.gone = true
		}
	}
	clear(b.subs)
	return nil
}
