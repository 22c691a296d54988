package sqlstore

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writes is a committer that takes its time, and notes when it began to write how much.
// All lanes share one.
type writes struct {
	takes time.Duration
	zero  time.Time

	mu    sync.Mutex
	begun []begun
}

type begun struct {
	after time.Duration
	group int
}

func (w *writes) write(group []*batch) {
	w.mu.Lock()
	w.begun = append(w.begun, begun{time.Since(w.zero), len(group)})
	w.mu.Unlock()
	time.Sleep(w.takes)
	for _, b := range group {
		b.done <- nil
	}
}

func (w *writes) close() error { return nil }

// While commits are fast, one follows the other, with all that has come meanwhile; a slow
// one is not waited for.
func TestLanesOverlap(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		takes time.Duration
		want  []begun
	}{
		"fast": {3 * ms, []begun{{0, 1}, {3 * ms, 3}, {6 * ms, 3}, {9 * ms, 3}, {2 * overlap, 1}}},
		"slow": {25 * ms, []begun{{0, 1}, {overlap, 9}, {2 * overlap, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &writes{takes: c.takes, zero: time.Now()}
				s := start(&reader{}, &Options{Queue: 100}, func() error { return nil }, w, w, w)
				var all []*batch
				add := func() {
					b := &batch{done: make(chan error, 1)}
					all = append(all, b)
					s.queue <- b
					synctest.Wait()
				}
				add()
				for range 9 {
					time.Sleep(ms - 1) // not just when somebody is done
					add()
					time.Sleep(time.Nanosecond)
				}
				time.Sleep(overlap + ms)
				add()
				close(s.queue)
				for i, b := range all {
					if err := <-b.done; err != nil {
						t.Error(i, err)
					}
				}
				for _, l := range s.lanes {
					<-l.done
				}
				if !slices.Equal(w.begun, c.want) {
					t.Errorf("groups begun: %v, want %v", w.begun, c.want)
				}
				if n, m := s.tally.transactions.Load(), s.tally.appends.Load(); n != int64(len(w.begun)) || m != int64(len(all)) {
					t.Errorf("counted %d transactions and %d appends", n, m)
				}
			})
		})
	}
}
