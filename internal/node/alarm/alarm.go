// Package alarm wakes somebody who waits until the earliest of several times, also when an
// earlier one becomes known meanwhile.
package alarm

import (
	"sync"
	"time"
)

// Alarm belongs to one goroutine that waits; others may set it.
type Alarm struct {
	ring chan struct{}

	mu   sync.Mutex
	next time.Time // when to look; zero if no time is known yet
}

// New makes an alarm that nobody has set.
func New() *Alarm { return &Alarm{ring: make(chan struct{}, 1)} }

// Listen begins to collect the times that are set from now on.
func (a *Alarm) Listen() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = time.Time{}
}

// Set says that there is something to do at a time; the zero time is none.
func (a *Alarm) Set(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.IsZero() || !a.next.IsZero() && !at.Before(a.next) {
		return
	}
	a.next = at
	select {
	case a.ring <- struct{}{}:
	default:
	}
}

// Plan says when to look: then, or earlier if a time was set since Listen. From now on
// an earlier one rings.
func (a *Alarm) Plan(then time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.ring:
	default:
	}
	if a.next.IsZero() || then.Before(a.next) {
		a.next = then
	}
	return a.next
}

// Rings yields when a time was set that is earlier than the one planned.
func (a *Alarm) Rings() <-chan struct{} { return a.ring }
