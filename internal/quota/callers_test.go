package quota_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/quota"
)

func TestCallers(t *testing.T) {
	clock := clockwork.NewFakeClock()
	c := quota.NewCallers(quota.Rate{PerSecond: 0.1, Burst: 2}, clock)
	for i, want := range []time.Duration{0, 0, 10 * time.Second} {
		if got := c.Take("ann"); got != want {
			t.Errorf("Ann's call %d has to wait %v, want %v", i, got, want)
		}
	}
	if got := c.Take("bob"); got != 0 {
		t.Errorf("Bob has to wait %v for what Ann did", got)
	}
	c.Forget("ann")
	if got := c.Take("ann"); got != 0 {
		t.Errorf("forgotten, Ann has to wait %v", got)
	}
	clock.Advance(10 * time.Second)
	if got := c.Take("ann"); got != 0 {
		t.Errorf("later, Ann has to wait %v", got)
	}
}

// However many callers there are, their number is bounded, and those who have called too
// often are the last to be forgotten.
func TestManyCallers(t *testing.T) {
	clock := clockwork.NewFakeClock()
	c := quota.NewCallers(quota.Rate{PerSecond: 1, Burst: 2}, clock)
	for i := range 9999 {
		c.Take(strconv.Itoa(i))
	}
	clock.Advance(time.Second)
	for c.Take("ann") == 0 {
	}
	c.Take("one more") // and the full buckets are gone
	if c.Take("ann") == 0 {
		t.Error("Ann was forgotten")
	}
	for i := range 20000 {
		c.Take("again" + strconv.Itoa(i))
	}
	if c.Take("ann") != 0 {
		t.Error("nobody was forgotten")
	}
}
