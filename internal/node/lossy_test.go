package node_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// lossyBus is a node's part of a bus. It can be cut off from the others, which it may
// notice or not.
type lossyBus struct {
	bus.Bus
	mu      sync.Mutex
	cut     bool
	well    bool
	changed chan struct{}
}

func newLossyBus(b bus.Bus) *lossyBus {
	return &lossyBus{Bus: b, well: true, changed: make(chan struct{})}
}

// lose cuts the bus off. It notices, or it doesn't.
func (b *lossyBus) lose(notices bool) { b.set(true, !notices) }

// mend has notices get through again.
func (b *lossyBus) mend() { b.set(false, true) }

func (b *lossyBus) set(cut, well bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = cut
	if b.well != well {
		b.well = well
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

func (b *lossyBus) Health() (bool, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.well, b.changed
}

func (b *lossyBus) isCut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cut
}

func (b *lossyBus) Publish(n bus.Notice) {
	if !b.isCut() {
		b.Bus.Publish(n)
	}
}

func (b *lossyBus) Subscribe(id chat.ChatID, receive func(bus.Notice)) (func(), error) {
	return b.Bus.Subscribe(id, func(n bus.Notice) {
		if !b.isCut() {
			receive(n)
		}
	})
}

// playLossy is play with a lossy bus for each node, all of which run.
func playLossy(t *testing.T, nodes int, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		for range nodes {
			w.addLossyNode(0)
		}
		w.run()
		story(w)
	})
}

func (w *world) addLossyNode(skew time.Duration) {
	b := newLossyBus(w.bus)
	w.lossy = append(w.lossy, b)
	w.addNodeOn(b, skew)
}

// looks counts how often the store is asked for last Seqs.
func (w *world) looks() *int {
	n := new(int)
	w.store.onRead(func(what string) error {
		if what == "LastSeqs" {
			*n++
		}
		return nil
	})
	return n
}

// What the bus loses with nothing after it comes all the same.
func TestLossWithoutLaterNotice(t *testing.T) {
	for name, c := range map[string]struct {
		lose  func(*lossyBus)
		bound time.Duration
	}{
		"unnoticed": {func(b *lossyBus) { b.lose(false) }, node.LookEvery},
		"noticed":   {func(b *lossyBus) { b.lose(true) }, node.LookOften},
		"and over":  {func(b *lossyBus) { b.lose(true) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			playLossy(t, 2, func(w *world) {
				id, jane := w.start()
				r := w.watch(1, id)
				for range 4 {
					w.pass(node.LookEvery) // nothing is new to it
				}
				c.lose(w.lossy[1])
				w.pass(2 * node.Wary)
				w.do(0, id, say(jane, "unheard", ""))
				if len(r.got()) != 0 {
					t.Error("a bus that was cut off delivers")
				}
				if name == "and over" {
					w.lossy[1].mend()
					synctest.Wait()
				}
				w.pass(c.bound)
				w.saw(r, id)
				w.lossy[1].mend()
				w.do(0, id, say(jane, "heard", ""))
				w.saw(r, id)
			})
		})
	}
}

// The others need a moment to be well again, and to know of a subscription. What they
// publish meanwhile comes a little later.
func TestLossJustAfter(t *testing.T) {
	playLossy(t, 2, func(w *world) {
		id, jane := w.start()
		w.lossy[1].lose(false)
		r := w.watch(1, id) // which nobody knows of
		w.do(0, id, say(jane, "unheard", ""))
		w.pass(node.LookOften)
		w.saw(r, id)
		w.lossy[1].lose(true)
		w.lossy[0].lose(true)
		synctest.Wait()
		w.lossy[1].mend()
		synctest.Wait() // it is wary from now on
		for range node.Wary/node.LookOften - 1 {
			w.do(0, id, say(jane, "still unheard", ""))
			w.pass(node.LookOften)
			w.saw(r, id)
		}
	})
}

// While the bus is away, what is decided is decided on what the store has: nobody sees
// somebody type who has left.
func TestDecidesWithoutBus(t *testing.T) {
	playLossy(t, 2, func(w *world) {
		id, jane := w.start()
		r := w.watch(1, id)
		w.do(1, id, typing(jane))
		w.lossy[1].lose(true)
		synctest.Wait()
		w.do(0, id, chat.Leave{By: jane})
		if out, err := w.nodes[1].Do(w.ctx, id, typing(jane)); reason(err) == 0 {
			t.Errorf("typing after leaving: %v, %v, want a refusal", out, err)
		}
		w.saw(r, id)
	})
}

// What costs something is bounded: a chat is looked up as often as said, many are
// looked up together, and those that nobody watches are not.
func TestLooksAreBounded(t *testing.T) {
	playLossy(t, 1, func(w *world) {
		const chats = node.LookPage + 10
		var last *watcher
		for range chats {
			id, _ := w.begin()
			last = w.watch(0, id)
		}
		w.begin() // unwatched
		looks := w.looks()
		for range 30 * time.Second / node.LookOften {
			w.pass(node.LookOften)
		}
		if most := 2 * 2 * int(30*time.Second/(node.LookEvery-node.Spread)); *looks == 0 || *looks > most {
			t.Errorf("%d questions in 30 s for %d chats, want at most %d", *looks, chats, most)
		}
		w.lossy[0].lose(true)
		synctest.Wait()
		*looks = 0
		w.pass(node.LookOften)
		if *looks != 2 {
			t.Errorf("%d questions for all chats, want 2", *looks)
		}
		last.stop()
	})
	playLossy(t, 1, func(w *world) {
		id, _ := w.start()
		w.watch(0, id).stop()
		looks := w.looks()
		w.lossy[0].lose(true)
		for range 10 {
			w.pass(node.LookEvery)
		}
		if *looks != 0 {
			t.Errorf("%d questions for a chat that nobody watches", *looks)
		}
	})
}

// A bus that loses nothing costs no question.
func TestNoLooksWithoutLoss(t *testing.T) {
	play(t, 1, func(w *world) {
		w.run()
		id, _ := w.start()
		w.watch(0, id)
		looks := w.looks()
		for range 10 {
			w.pass(node.LookEvery)
		}
		if *looks != 0 {
			t.Errorf("%d questions", *looks)
		}
	})
}

func TestLookOnFailingStore(t *testing.T) {
	playLossy(t, 2, func(w *world) {
		id, jane := w.start()
		r := w.watch(1, id)
		w.lossy[1].lose(true)
		synctest.Wait()
		w.store.onRead(failing("LastSeqs"))
		w.do(0, id, say(jane, "unheard", ""))
		for range 5 {
			w.pass(node.LookOften)
		}
		if len(r.got()) != 0 {
			t.Error("an entry came from nowhere")
		}
		w.store.onRead(nil)
		w.pass(node.LookOften)
		w.saw(r, id)
	})
}

// A notice may say that there is more than it carries.
func TestNoticeWithoutEntries(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		w.watch(0, id)
		r := w.watch(1, id)
		w.bus.onPublish(func(n bus.Notice) []bus.Notice {
			n.Entries = nil
			return []bus.Notice{n}
		})
		for i := range 3 {
			w.do(0, id, say(jane, fmt.Sprint(i), ""))
			synctest.Wait()
			w.saw(r, id)
		}
	})
}

// The deadlines that a node has set are kept when it is there no more, once, by one of
// the others, which all try.
func TestDeadlinesOutliveANode(t *testing.T) {
	play(t, 3, func(w *world) {
		w.run()
		type ending struct {
			id    chat.ChatID
			after time.Duration
		}
		var all []ending
		for i := range 20 {
			set := settings
			set.Minutes = 1 + i%4
			id, jane, err := w.nodes[0].Start(w.ctx, set, nil, "")
			if err != nil {
				t.Fatal(err)
			}
			w.do(0, id, chat.Connect{By: jane})
			all = append(all, ending{id, time.Duration(set.Minutes) * time.Minute})
		}
		dead := w.clocks[0] // its process is stopped: for it, time stands still
		w.clocks = w.clocks[1:]
		for range 5 * time.Minute / node.PollEvery {
			w.pass(node.PollEvery)
		}
		for _, e := range all {
			w.ended(e.id, e.after, chat.CauseExpired)
		}
		dead.Advance(5 * time.Minute) // it goes on, and finds nothing left to do
		synctest.Wait()
		for _, e := range all {
			w.ended(e.id, e.after, chat.CauseExpired)
		}
	})
}
