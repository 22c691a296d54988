package turnable_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/turnable"
)

// rang reports whether something has come on a channel.
func rang(ch <-chan time.Time) bool {
	synctest.Wait()
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestRunsLikeItsBase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := turnable.New(clockwork.NewRealClock())
		begun := c.Now()
		if !begun.Equal(time.Now()) {
			t.Errorf("it is %v, not %v", begun, time.Now())
		}
		timer := c.NewTimer(time.Minute)
		time.Sleep(time.Minute - 1)
		if rang(timer.Chan()) {
			t.Error("the timer rang too early")
		}
		time.Sleep(time.Nanosecond)
		if !rang(timer.Chan()) || c.Since(begun) != time.Minute || c.Until(begun) != -time.Minute {
			t.Errorf("the timer did not ring, %v after it was set", c.Since(begun))
		}
		c.Sleep(time.Hour)
		<-c.After(time.Hour)
		<-c.After(-1)
		if got := time.Since(begun); got != 2*time.Hour+time.Minute {
			t.Errorf("after two hours of sleep it is %v later", got)
		}
	})
}

func TestAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := turnable.New(clockwork.NewRealClock())
		begun := c.Now()
		short, long := c.NewTimer(time.Minute), c.NewTimer(time.Hour)
		called := make(chan time.Time, 1)
		c.AfterFunc(2*time.Minute, func() { called <- c.Now() })
		if got := c.Advance(5 * time.Minute); !got.Equal(begun.Add(5*time.Minute)) || !c.Now().Equal(got) {
			t.Errorf("it is %v after five minutes", got.Sub(begun))
		}
		if !rang(short.Chan()) || !rang(called) || rang(long.Chan()) {
			t.Error("not those rang whose time has come")
		}
		time.Sleep(55*time.Minute - 1)
		if rang(long.Chan()) {
			t.Error("the long one rang too early")
		}
		time.Sleep(time.Nanosecond)
		if !rang(long.Chan()) || rang(short.Chan()) {
			t.Error("the long one did not ring, or the short one twice")
		}
		if got := c.Advance(-time.Hour); got.Before(begun.Add(time.Hour)) {
			t.Error("the clock was turned back")
		}
	})
}

func TestStopAndReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := turnable.New(clockwork.NewRealClock())
		timer := c.NewTimer(time.Minute)
		if !timer.Stop() || timer.Stop() {
			t.Error("Stop does not say whether the timer ran")
		}
		if c.Advance(time.Hour); rang(timer.Chan()) {
			t.Error("a stopped timer rang")
		}
		if timer.Reset(time.Minute) || !timer.Reset(3*time.Minute) {
			t.Error("Reset does not say whether the timer ran")
		}
		if c.Advance(2 * time.Minute); rang(timer.Chan()) {
			t.Error("the timer rang at the time that was set before")
		}
		c.Advance(time.Minute)
		synctest.Wait()
		if timer.Reset(time.Minute) || rang(timer.Chan()) { // what was not taken is gone
			t.Error("what rang before Reset is still there")
		}
		if time.Sleep(time.Minute); !rang(timer.Chan()) {
			t.Error("the timer did not ring")
		}
	})
}

func TestTicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := turnable.New(clockwork.NewRealClock())
		ticker := c.NewTicker(time.Minute)
		for range 3 {
			if time.Sleep(time.Minute); !rang(ticker.Chan()) {
				t.Error("no tick in a minute")
			}
		}
		if c.Advance(time.Hour); !rang(ticker.Chan()) || rang(ticker.Chan()) {
			t.Error("not one tick when the clock was turned")
		}
		ticker.Reset(time.Hour)
		if c.Advance(time.Minute); rang(ticker.Chan()) {
			t.Error("the interval is the old one")
		}
		if c.Advance(59 * time.Minute); !rang(ticker.Chan()) {
			t.Error("no tick in the new interval")
		}
		ticker.Stop()
		if c.Advance(time.Hour); rang(ticker.Chan()) {
			t.Error("a stopped ticker ticked")
		}
		defer func() {
			if recover() == nil {
				t.Error("a ticker without interval was made")
			}
		}()
		c.NewTicker(0)
	})
}

// A timer that is set to a later time while it is about to ring keeps the later one.
func TestResetWhileItRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := turnable.New(clockwork.NewRealClock())
		for range 1000 {
			timer := c.NewTimer(time.Second)
			go c.Advance(time.Second)
			timer.Reset(time.Minute)
			synctest.Wait()
			if rang(timer.Chan()) {
				t.Fatal("the timer rang at the time that was set before")
			}
			timer.Stop()
		}
	})
}
