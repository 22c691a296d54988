package alarm

import (
	"testing"
	"time"
)

// rings reports whether the alarm rings, and has it stop.
func rings(a *Alarm) bool {
	select {
	case <-a.Rings():
		return true
	default:
		return false
	}
}

func TestAlarm(t *testing.T) {
	a := New()
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	a.Listen()
	a.Set(at(5))
	a.Set(at(7))
	a.Set(time.Time{})
	if got := a.Plan(at(6)); !got.Equal(at(5)) {
		t.Errorf("planned for %v although an earlier time was set", got)
	}
	if rings(a) {
		t.Error("it rings for what the plan knows")
	}
	a.Set(at(6))
	if rings(a) {
		t.Error("it rings for a later time")
	}
	a.Set(at(4))
	if !rings(a) {
		t.Error("it does not ring for an earlier time")
	}
	a.Listen()
	if got := a.Plan(at(9)); !got.Equal(at(9)) {
		t.Errorf("planned for %v, which was set before", got)
	}
}
