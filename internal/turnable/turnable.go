// Package turnable has a clock that runs like another one and can be turned forward, so
// that nobody has to wait for what happens in an hour.
package turnable

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Clock is a [clockwork.Clock] that is ahead of another one. Its methods are safe for
// concurrent use.
type Clock struct {
	base clockwork.Clock

	mu     sync.Mutex
	ahead  time.Duration
	timers map[*timer]struct{} // those that run
}

// New makes a clock that runs like base.
func New(base clockwork.Clock) *Clock {
	return &Clock{base: base, timers: make(map[*timer]struct{})}
}

// Advance turns the clock forward, and says what time it is then. What was to happen
// until then happens now, at the new time and in no certain order. A negative d changes
// nothing.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = max(c.ahead, c.ahead+d) // too much for a Duration is less
	for t := range c.timers {
		t.arm()
	}
	return c.now()
}

func (c *Clock) now() time.Time { return c.base.Now().Add(c.ahead) }

// Now implements [clockwork.Clock], and so do the other methods.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

// Since is how long ago t was.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Until is how long it is until t.
func (c *Clock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// Sleep waits until the clock is d ahead of now.
func (c *Clock) Sleep(d time.Duration) { <-c.After(d) }

// After gives the channel of a new timer.
func (c *Clock) After(d time.Duration) <-chan time.Time { return c.NewTimer(d).Chan() }

// NewTimer makes a timer.
func (c *Clock) NewTimer(d time.Duration) clockwork.Timer { return c.start(d, 0, nil) }

// AfterFunc calls f, in a goroutine of its own, when the time has come.
func (c *Clock) AfterFunc(d time.Duration, f func()) clockwork.Timer { return c.start(d, 0, f) }

// NewTicker makes a ticker. However far the clock is turned, it ticks once for that.
func (c *Clock) NewTicker(d time.Duration) clockwork.Ticker {
	if d <= 0 {
		panic("turnable: a ticker must have a positive interval")
	}
	return ticker{c.start(d, d, nil)}
}

// timer is a timer or a ticker, by another clock's timer that is set anew whenever the
// clock is turned. All fields but the channel are guarded by the clock's mutex.
type timer struct {
	clock *Clock
	at    time.Time
	every time.Duration // of a ticker
	call  func()        // of AfterFunc
	ch    chan time.Time
	base  clockwork.Timer
}

func (c *Clock) start(d, every time.Duration, call func()) *timer {
	t := &timer{clock: c, every: every, call: call, ch: make(chan time.Time, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.set(d)
	return t
}

// set has the timer ring after d.
func (t *timer) set(d time.Duration) {
	t.at = t.clock.now().Add(d)
	t.clock.timers[t] = struct{}{}
	if t.base == nil {
		t.base = t.clock.base.AfterFunc(max(d, 0), t.ring)
		return
	}
	t.arm()
}

func (t *timer) arm() { t.base.Reset(max(t.at.Sub(t.clock.now()), 0)) }

// ring is called when the time may have come.
func (t *timer) ring() {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	switch _, runs := c.timers[t]; {
	case !runs:
		return // it was stopped, or has rung
	case now.Before(t.at):
		t.arm() // it was reset
		return
	case t.every > 0:
		t.at = now.Add(t.every)
		t.arm()
	default:
		delete(c.timers, t)
	}
	if t.call != nil {
		go t.call()
		return
	}
	select {
	case t.ch <- now:
	default: // nobody took the last one
	}
}

// Chan gives the channel on which the time is sent.
func (t *timer) Chan() <-chan time.Time { return t.ch }

// Stop ends the timer, and reports whether it ran. Afterwards nothing comes on its
// channel.
func (t *timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.stop()
}

func (t *timer) stop() bool {
	_, ran := t.clock.timers[t]
	delete(t.clock.timers, t)
	t.base.Stop()
	select {
	case <-t.ch:
	default:
	}
	return ran
}

// Reset has the timer ring after d, and reports whether it ran.
func (t *timer) Reset(d time.Duration) bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	ran := t.stop()
	if t.every > 0 {
		t.every = d
	}
	t.set(d)
	return ran
}

// ticker is a timer with a ticker's methods.
type ticker struct{ *timer }

// Stop ends the ticker.
func (t ticker) Stop() { t.timer.Stop() }

// Reset changes the interval, which must be positive.
func (t ticker) Reset(d time.Duration) { t.timer.Reset(d) }
