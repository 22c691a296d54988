package main

import (
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"
)

// haste is how many seconds of a hastyClock a second takes: nobody has to wait two minutes
// for the shortest timer that a client can set.
const haste = 30

// hastyClock runs faster than the machine's, so that all deadlines of chats come sooner.
// What a server does by the machine's own time, such as waiting for a database, it does
// not change.
type hastyClock struct {
	clockwork.Clock
	began time.Time     // when it showed the same time as the machine's, but for off
	off   time.Duration // by how much it is wrong
}

// newHastyClock makes a clock that begins a week early, and so is behind the machine's for
// more than five hours: by the clock of the store of files, which is the machine's, what
// was just uploaded must not be old.
func newHastyClock() hastyClock {
	return hastyClock{clockwork.NewRealClock(), time.Now(), -7 * 24 * time.Hour}
}

// String is what parseClock reads, in another process.
func (c hastyClock) String() string { return fmt.Sprint(c.began.UnixMilli(), " ", int64(c.off)) }

func parseClock(how string) hastyClock {
	c := hastyClock{Clock: clockwork.NewRealClock()}
	var began int64
	if _, err := fmt.Sscan(how, &began, &c.off); err != nil {
		panic(err)
	}
	c.began = time.UnixMilli(began)
	return c
}

// Now implements [clockwork.Clock], and so do the other methods.
func (c hastyClock) Now() time.Time {
	return c.began.Add(c.off + haste*c.Clock.Since(c.began))
}

func (c hastyClock) Since(t time.Time) time.Duration        { return c.Now().Sub(t) }
func (c hastyClock) Until(t time.Time) time.Duration        { return t.Sub(c.Now()) }
func (c hastyClock) Sleep(d time.Duration)                  { c.Clock.Sleep(d / haste) }
func (c hastyClock) After(d time.Duration) <-chan time.Time { return c.Clock.After(d / haste) }
func (c hastyClock) NewTimer(d time.Duration) clockwork.Timer {
	return hastyTimer{c.Clock.NewTimer(d / haste)}
}

func (c hastyClock) AfterFunc(d time.Duration, f func()) clockwork.Timer {
	return hastyTimer{c.Clock.AfterFunc(d/haste, f)}
}

func (c hastyClock) NewTicker(d time.Duration) clockwork.Ticker {
	return hastyTicker{c.Clock.NewTicker(max(d/haste, 1))}
}

type hastyTimer struct{ clockwork.Timer }

func (t hastyTimer) Reset(d time.Duration) bool { return t.Timer.Reset(d / haste) }

type hastyTicker struct{ clockwork.Ticker }

func (t hastyTicker) Reset(d time.Duration) { t.Ticker.Reset(max(d/haste, 1)) }
