package quota_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/quota"
)

func TestTake(t *testing.T) {
	clock := clockwork.NewFakeClock()
	l := quota.New(quota.Limits{
		Operations: map[string]quota.Rate{"Search": {PerSecond: 0.5, Burst: 1}},
		Default:    quota.Rate{PerSecond: 2, Burst: 5},
	}, clock)
	take := func(op string, want ...time.Duration) {
		t.Helper()
		for i, w := range want {
			if got := l.Take(op); got.Round(time.Millisecond) != w {
				t.Errorf("%s, call %d: wait %v, want %v", op, i, got, w)
			}
		}
	}
	const half = 500 * time.Millisecond
	take("Send", 0, 0, 0, 0, 0, half, half)
	take("Other", 0, 0, 0, 0, 0, half) // each has its own
	take("Search", 0, 2*time.Second)
	clock.Advance(300 * time.Millisecond)
	take("Send", 200*time.Millisecond) // what was refused doesn't count
	clock.Advance(200 * time.Millisecond)
	take("Send", 0, half)
	take("Search", 1500*time.Millisecond)
	clock.Advance(time.Hour)
	take("Send", 0, 0, 0, 0, 0, half) // it doesn't save up
	take("Search", 0, 2*time.Second)
}

// Whoever asks all the time gets no more than their share, whatever is rounded.
func TestTakeAllTheTime(t *testing.T) {
	clock := clockwork.NewFakeClock()
	l := quota.New(quota.Limits{Default: quota.Rate{PerSecond: 3, Burst: 1}}, clock)
	through := 0
	for range 3 * 1000 {
		if l.Take("x") == 0 {
			through++
		}
		clock.Advance(time.Second / 1000)
	}
	if through < 9 || through > 10 {
		t.Errorf("%d calls in 3 seconds, at 3 a second", through)
	}
}
