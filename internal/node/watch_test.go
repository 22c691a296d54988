package node_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

func TestWatch(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		first, second := w.watch(0, id), w.watch(1, id)
		w.do(0, id, say(jane, "hello", ""))
		w.do(1, id, typing(jane))
		third := w.watch(1, id)
		w.do(1, id, chat.Leave{By: jane}) // two entries
		for _, r := range []*watcher{first, second, third} {
			w.saw(r, id)
		}
		if first.signals != 1 || second.signals != 1 || third.signals != 0 {
			t.Errorf("%d, %d and %d signals, want 1, 1 and 0", first.signals, second.signals, third.signals)
		}
	})
}

func TestNoticesNameTheirChat(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.start()
		_, _, err := w.nodes[0].Watch(w.ctx, id, func(n bus.Notice) {
			if n.Chat != id {
				t.Errorf("a notice of chat %v, want %v", n.Chat, id)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		w.do(0, id, say(jane, "hello", ""))
		w.do(0, id, typing(jane))
	})
}

// Whatever the bus does, watchers get every entry once and in order, as soon as a
// later notice comes.
func TestFaultyBus(t *testing.T) {
	for seed := range uint64(30) {
		play(t, 3, func(w *world) {
			r := rand.New(rand.NewPCG(seed, 0))
			id, jane := w.start()
			watchers := []*watcher{w.watch(0, id), w.watch(1, id), w.watch(2, id)}
			var held []bus.Notice
			w.bus.onPublish(func(n bus.Notice) (all []bus.Notice) {
				switch r.IntN(5) {
				case 0: // lost
				case 1:
					held = append(held, n) // late
				case 2:
					all = append(slices.Clone(held), n) // among older ones
					held = nil
				case 3:
					all = []bus.Notice{n, n}
				default:
					all = []bus.Notice{n}
				}
				return all
			})
			for i := range 60 {
				w.do(r.IntN(3), id, say(jane, fmt.Sprint(i), ""))
			}
			w.bus.onPublish(nil)
			w.do(0, id, say(jane, "last", ""))
			synctest.Wait()
			for _, watcher := range watchers {
				w.saw(watcher, id)
			}
		})
	}
}

// Those who watch on the node that does the work depend on no bus.
func TestOwnWatchersNeedNoBus(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		own, other := w.watch(0, id), w.watch(1, id)
		w.bus.onPublish(drop)
		w.do(0, id, say(jane, "hello", ""))
		w.saw(own, id)
		if len(other.got()) != 0 {
			t.Error("the bus delivers what it drops")
		}
		w.do(1, id, say(jane, "it finds the gap when it writes", ""))
		w.saw(other, id)
	})
}

// What is stored while a chat is loaded is either loaded with it or told to watchers.
func TestNoticeWhileLoading(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		w.store.onRead(func(string) error {
			w.store.onRead(nil)
			w.do(0, id, say(jane, "before the read", ""))
			return nil
		})
		r := w.watch(1, id)
		w.do(0, id, say(jane, "watched", ""))
		w.saw(r, id)
	})
	play(t, 2, func(w *world) {
		id, jane := w.start()
		w.store.onceRead(func(string) {
			w.store.onceRead(nil)
			w.do(0, id, say(jane, "after the read", ""))
		})
		r := w.watch(1, id)
		r.from--
		synctest.Wait()
		w.saw(r, id)
	})
}

func TestFillWaitsForTheStore(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		w.watch(0, id) // so that it reads nothing before it writes
		r := w.watch(1, id)
		unheard := func(n int) {
			w.bus.onPublish(drop)
			for range n {
				w.do(0, id, say(jane, "unheard", ""))
			}
			w.bus.onPublish(nil)
			w.do(0, id, say(jane, "heard", ""))
			synctest.Wait()
		}
		unheard(2*node.LoadPage + 5)
		w.saw(r, id)

		w.store.onRead(failing("Entries"))
		had := len(r.got())
		unheard(1)
		w.pass(node.RetryPause)
		unheard(0)
		if got := len(r.got()); got != had {
			t.Errorf("%d entries came over a gap", got-had)
		}
		release, reads := make(chan struct{}), 0
		w.store.onRead(func(string) error { reads++; <-release; return nil })
		w.pass(node.RetryPause)
		unheard(1)
		if reads != 1 {
			t.Errorf("%d reads at once, want 1", reads)
		}
		close(release)
		synctest.Wait()
		w.saw(r, id)
	})
}

// Nobody reads for those who have gone.
func TestFillEndsWithTheLastWatcher(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		w.watch(0, id)
		r := w.watch(1, id)
		w.bus.onPublish(drop)
		w.do(0, id, say(jane, "unheard", ""))
		w.bus.onPublish(nil)
		reads := 0
		w.store.onRead(func(string) error { reads++; return errDisk })
		w.do(0, id, say(jane, "heard", ""))
		synctest.Wait()
		r.stop()
		w.pass(node.RetryPause)
		w.pass(node.RetryPause)
		if reads != 1 || len(r.got()) != 0 {
			t.Errorf("%d reads and %d entries, want 1 and none", reads, len(r.got()))
		}
	})
}

// A notice of entries that nobody stored is disbelieved, and costs one read, whether
// anybody watches or not.
func TestNoticeOfNothing(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.start()
		r := w.watch(0, id)
		reads := 0
		w.store.onRead(func(string) error { reads++; return nil })
		nothing := bus.Notice{Chat: id, Entries: []chat.Entry{{Seq: 99}}}
		w.bus.Publish(nothing)
		synctest.Wait()
		for range 5 {
			w.pass(node.RetryPause)
			w.do(0, id, say(jane, "hello", ""))
		}
		w.saw(r, id)
		r.stop()
		w.bus.Publish(nothing)
		w.bus.Publish(bus.Notice{Chat: id})
		for range 5 {
			w.do(0, id, say(jane, "hello", ""))
		}
		if reads != 2 {
			t.Errorf("the store was read %d times for two notices", reads)
		}
	})
}

func TestStopInsideTraffic(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		var wg sync.WaitGroup
		for n := range w.nodes {
			wg.Go(func() {
				for i := range 100 {
					if _, err := w.nodes[n].Do(w.ctx, id, say(jane, fmt.Sprint(i), "")); err != nil {
						t.Error(err)
					}
				}
			})
			for range 4 {
				wg.Go(func() {
					for range 20 {
						last, stopped := int64(0), false
						_, stop, err := w.nodes[n].Watch(w.ctx, id, func(b bus.Notice) {
							for _, e := range b.Entries {
								if stopped || last != 0 && e.Seq != last+1 {
									t.Errorf("Seq %d after %d, stopped: %t", e.Seq, last, stopped)
								}
								last = e.Seq
							}
						})
						if err != nil {
							t.Error(err)
							return
						}
						stop()
						stopped = true
						stop()
					}
				})
			}
		}
		wg.Wait()
		for n := range w.nodes {
			if got := w.nodes[n].Waiting(id); got != 0 {
				t.Errorf("node %d: %d references are left", n, got)
			}
		}
	})
}

// Many may watch one chat; that leaves room for those who talk.
func TestManyWatchers(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.start()
		var all []*watcher
		for range 2 * node.MaxWaiting {
			all = append(all, w.watch(0, id))
		}
		w.do(0, id, say(jane, "hello", ""))
		for _, r := range all {
			w.saw(r, id)
			r.stop()
		}
		if got := w.nodes[0].Waiting(id); got != 0 {
			t.Errorf("%d references are left", got)
		}
	})
}

func TestWatchFails(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.start()
		r := &watcher{}
		w.bus.refusing = true
		if _, _, err := w.nodes[0].Watch(w.ctx, id, r.receive); err != errDisk {
			t.Errorf("the bus refuses: %v", err)
		}
		w.bus.refusing = false
		w.store.onRead(failing("Entries"))
		if _, _, err := w.nodes[0].Watch(w.ctx, id, r.receive); err != errDisk {
			t.Errorf("the store fails: %v", err)
		}
		w.store.onRead(nil)
		w.do(0, id, say(jane, "hello", ""))
		if len(r.got()) != 0 {
			t.Error("who failed to watch gets something")
		}
		again := w.watch(0, id)
		w.do(0, id, say(jane, "hello", ""))
		w.saw(again, id)
	})
}
