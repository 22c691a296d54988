// Package throttle sends less than was asked for, as ChatJS does (semantics.md 3.12).
package throttle

import (
	"sync"
	"time"
)

// typingEvery is how often others are told of typing.
const typingEvery = 10 * time.Second

// Typing says when others are to be told that somebody is typing.
type Typing struct {
	mu   sync.Mutex
	next time.Time
}

// Begin reports whether it is time, and if so begins to wait again.
func (t *Typing) Begin(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.next) {
		return false
	}
	t.next = now.Add(typingEvery)
	return true
}

// Failed makes it time again: others were not told.
func (t *Typing) Failed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = time.Time{}
}
