package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/client/internal/throttle"
)

func TestTyping(t *testing.T) {
	var ty throttle.Typing
	start := time.Unix(0, 0)
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {0, false}, {9 * time.Second, false}, {10 * time.Second, true}, {15 * time.Second, false}, {20 * time.Second, true}} {
		if got := ty.Begin(start.Add(step.after)); got != step.want {
			t.Errorf("after %v: %t", step.after, got)
		}
	}
	if ty.Failed(); !ty.Begin(start.Add(21 * time.Second)) {
		t.Error("what has failed is not tried again")
	}
}

// record has receipts kept instead of sent, with the time since the start.
type record struct {
	start time.Time
	sent  []string
	fail  error
}

// place has the messages that are called by a number in its order, and no others.
func place(message string) string {
	if message == "" || message[0] < '0' || message[0] > '9' {
		return ""
	}
	return message
}

// hangs is a context's key: what is sent with it takes for ever.
type hangs struct{}

func (r *record) send(ctx context.Context, read bool, message string) error {
	if ctx.Value(hangs{}) != nil {
		<-ctx.Done()
		return ctx.Err()
	}
	kind := "delivered"
	if read {
		kind = "read"
	}
	r.sent = append(r.sent, fmt.Sprint(time.Since(r.start), " ", kind, " ", message))
	return r.fail
}

func (r *record) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if !slices.Equal(r.sent, want) {
		t.Errorf("sent %q, want %q", r.sent, want)
	}
}

// receipts runs a test in a bubble in which no time is really waited for.
func receipts(t *testing.T, test func(*testing.T, *throttle.Receipts, *record)) {
	synctest.Test(t, func(t *testing.T) {
		rec := &record{start: time.Now()}
		test(t, throttle.NewReceipts(clockwork.NewRealClock(), rec.send, place), rec)
		synctest.Wait()
	})
}

func TestWindow(t *testing.T) {
	receipts(t, func(t *testing.T, r *throttle.Receipts, rec *record) {
		ctx := t.Context()
		for i, m := range []string{"m1", "m2", "m3", "m3"} {
			time.Sleep(time.Second)
			go func() {
				if err := r.Read(ctx, m); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}()
		}
		time.Sleep(time.Minute)
		rec.expect(t, "1s read m1", "6s read m3") // the newest stands for m2
		if err := r.Read(ctx, "m2"); err != nil {
			t.Error(err)
		}
		rec.expect(t, "1s read m1", "6s read m3")
	})
}

// Of the messages whose place is known the newest stands for the others, whoever calls
// first.
func TestNewest(t *testing.T) {
	receipts(t, func(t *testing.T, r *throttle.Receipts, rec *record) {
		go r.Read(t.Context(), "1")
		for _, m := range []string{"3", "4", "2"} {
			time.Sleep(time.Second)
			go r.Read(t.Context(), m)
			go r.Delivered(t.Context(), "1"+m)
		}
		time.Sleep(time.Minute)
		rec.expect(t, "0s read 1", "5s read 4", "5s delivered 14")
		go r.Read(t.Context(), "5")
		time.Sleep(time.Second)
		go r.Read(t.Context(), "6")
		time.Sleep(time.Second)
		go r.Read(t.Context(), "m") // whose place nobody knows
		time.Sleep(time.Minute)
		rec.expect(t, "0s read 1", "5s read 4", "5s delivered 14", "1m3s read 5", "1m8s read m")
	})
}

func TestReadStandsForDelivered(t *testing.T) {
	receipts(t, func(t *testing.T, r *throttle.Receipts, rec *record) {
		ctx := t.Context()
		go r.Delivered(ctx, "m1")
		time.Sleep(200 * time.Millisecond)
		go r.Read(ctx, "m1")
		time.Sleep(time.Minute)
		rec.expect(t, "200ms read m1")
		r.Delivered(ctx, "m1")
		rec.expect(t, "200ms read m1")

		go r.Delivered(ctx, "m2")
		time.Sleep(time.Second)
		go r.Delivered(ctx, "m3") // waits for the next window
		time.Sleep(time.Second)
		go r.Read(ctx, "m3") // and is overtaken there
		time.Sleep(time.Second)
		go r.Delivered(ctx, "m4") // and is said with it
		time.Sleep(time.Minute)
		rec.expect(t, "200ms read m1", "1m0.8s delivered m2", "1m5.8s read m3", "1m5.8s delivered m4")
	})
}

func TestFailure(t *testing.T) {
	receipts(t, func(t *testing.T, r *throttle.Receipts, rec *record) {
		ctx := t.Context()
		rec.fail = errors.New("no")
		if err := r.Read(ctx, "m1"); !errors.Is(err, rec.fail) {
			t.Errorf("got %v", err)
		}
		rec.fail = nil
		if err := r.Read(ctx, "m1"); err != nil {
			t.Error(err)
		}
		rec.expect(t, "0s read m1", "5s read m1")
	})
}

func TestGivingUp(t *testing.T) {
	receipts(t, func(t *testing.T, r *throttle.Receipts, rec *record) {
		ctx, cancel := context.WithCancel(t.Context())
		r.Read(ctx, "m1")
		go r.Read(ctx, "m2")
		go r.Delivered(ctx, "m3")
		time.Sleep(time.Second)
		cancel() // nobody waits for m2 any more
		time.Sleep(time.Minute)
		rec.expect(t, "0s read m1")
		r.Read(t.Context(), "m2") // so it can be marked again
		rec.expect(t, "0s read m1", "1m1s read m2")
	})
}

// Whoever sends for others and gives up leaves it to them. Which of two it is is left
// to chance, so both are tried.
func TestSenderGivesUp(t *testing.T) {
	for range 20 {
		receipts(t, func(t *testing.T, r *throttle.Receipts, rec *record) {
			r.Read(t.Context(), "m1")
			ctx, cancel := context.WithCancel(context.WithValue(t.Context(), hangs{}, true))
			go r.Read(ctx, "m2")
			time.Sleep(time.Second)
			var second error
			go func() { second = r.Read(t.Context(), "m3") }()
			time.Sleep(5 * time.Second) // if it is the first who sends, it hangs
			cancel()
			time.Sleep(time.Minute)
			synctest.Wait()
			if second != nil || len(rec.sent) != 2 || !strings.HasSuffix(rec.sent[1], "read m3") {
				t.Errorf("got %v, and sent %q", second, rec.sent)
			}
		})
	}
}
