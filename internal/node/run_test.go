package node_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store"
)

// ended wants the chat to have ended once, at a time and for a cause; or not, if the
// cause is empty.
func (w *world) ended(id chat.ChatID, after time.Duration, cause chat.Cause) {
	w.Helper()
	ends := 0
	for _, e := range w.log(id) {
		if e.Kind != chat.KindEnded {
			continue
		}
		ends++
		if e.Cause != cause || e.At.Sub(dawn).Truncate(time.Second) != after {
			w.Errorf("ended after %v with %s, want %v with %q", e.At.Sub(dawn), e.Cause, after, cause)
		}
	}
	if want := min(1, len(cause)); ends != want {
		w.Errorf("%d ends, want %d", ends, want)
	}
}

func TestDeadlines(t *testing.T) {
	play(t, 1, func(w *world) {
		w.run()
		absent, _ := w.begin()
		id, jane := w.start()
		r := w.watch(0, id)
		w.pass(chat.ConnectWithin - time.Millisecond)
		w.ended(absent, 0, "")
		w.pass(time.Millisecond)
		w.ended(absent, chat.ConnectWithin, chat.CauseNotConnected)
		w.pass(chat.DefaultMinutes*time.Minute - chat.ConnectWithin - time.Millisecond)
		w.do(0, id, say(jane, "still there", ""))
		w.ended(id, 0, "")
		w.pass(time.Millisecond)
		w.ended(id, chat.DefaultMinutes*time.Minute, chat.CauseExpired)
		w.saw(r, id)
	})
}

// Nobody keeps deadlines here, so the command itself finds what is due.
func TestLateTickHelpsNobody(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.begin()
		w.pass(chat.ConnectWithin)
		_, err := w.nodes[0].Do(w.ctx, id, chat.Connect{By: jane})
		if refused, ok := errors.AsType[*chat.Refusal](err); !ok || refused.Reason != chat.Ended {
			w.Errorf("a customer who is late: %v, want a refusal: the chat has ended", err)
		}
		w.ended(id, chat.ConnectWithin, chat.CauseNotConnected)
	})
}

// stallingClock leaps when it is read for the nth time, as it does for a process that was
// stopped there.
type stallingClock struct {
	*clockwork.FakeClock
	reads *int
	leap  time.Duration
}

func (c stallingClock) Now() time.Time {
	if *c.reads--; *c.reads == 0 {
		c.Advance(c.leap)
	}
	return c.FakeClock.Now()
}

// Wherever a node stalls while a deadline passes, the command comes before or after it.
func TestDeadlinePassesMeanwhile(t *testing.T) {
	for nth := 1; nth <= 10; nth++ {
		play(t, 1, func(w *world) {
			id, jane := w.begin()
			reads := nth
			n := node.New(node.Config{Store: w.store, Bus: w.bus, Clock: stallingClock{clockwork.NewFakeClockAt(dawn), &reads, chat.ConnectWithin}})
			defer n.Close()
			_, _ = n.Do(w.ctx, id, chat.Connect{By: jane})
			for _, e := range w.log(id) {
				if e.Kind == chat.KindJoined && e.At.Sub(dawn) >= chat.ConnectWithin {
					t.Errorf("reading %d: she came at %v", nth, e.At)
				}
			}
		})
	}
}

// Node 1 keeps what node 0 has set, a little later.
func TestDeadlineOfAnotherNode(t *testing.T) {
	play(t, 2, func(w *world) {
		go w.nodes[1].Run(w.ctx)
		synctest.Wait()
		set := settings
		set.Minutes = 1
		id, jane, err := w.nodes[0].Start(w.ctx, set, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		w.do(0, id, chat.Connect{By: jane})
		for range int(time.Minute / node.PollEvery) {
			w.ended(id, 0, "")
			w.pass(node.PollEvery)
		}
		w.ended(id, time.Minute, chat.CauseExpired)
	})
}

// A deadline that passed while no node ran is kept at once, and by one of all nodes.
func TestDeadlinesOfTheNight(t *testing.T) {
	play(t, 3, func(w *world) {
		var all []chat.ChatID
		for range 700 {
			id, _ := w.begin()
			all = append(all, id)
		}
		w.pass(time.Hour)
		w.run()
		for _, id := range all {
			w.ended(id, time.Hour, chat.CauseNotConnected)
			if n := len(w.log(id)); n != 2 {
				t.Fatalf("%d entries, want 2", n)
			}
		}
		if due, err := w.store.Due(w.ctx, 1); err != nil || len(due) != 0 {
			t.Errorf("still due: %v, %v", due, err)
		}
	})
}

func TestTickOnTwoNodes(t *testing.T) {
	play(t, 2, func(w *world) {
		id, _ := w.begin()
		w.pass(chat.ConnectWithin)
		w.store.next(after(func() { w.do(1, id, chat.Tick{}) }))
		if out := w.do(0, id, chat.Tick{}); len(out.Entries) != 0 {
			t.Errorf("the second tick does %v", out.Entries)
		}
		w.ended(id, chat.ConnectWithin, chat.CauseNotConnected)
	})
}

func TestDeadlineOnFailingStore(t *testing.T) {
	for name, fail := range map[string]func(*world){
		"due":  func(w *world) { w.store.onRead(failing("Due")) },
		"read": func(w *world) { w.store.onRead(failing("Entries")) },
		"lost": func(w *world) { w.store.next(lost, lost) },
		"liar": func(w *world) { w.store.next(liar) },
		"busy": func(w *world) { w.store.next(says(store.ErrBusy)) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 1, func(w *world) {
				id, _ := w.begin()
				r := w.watch(0, id)
				w.run()
				fail(w)
				w.pass(chat.ConnectWithin)
				w.store.onRead(nil)
				w.pass(node.RetryPause)
				w.pass(node.RetryPause)
				if log := w.log(id); len(log) != 2 || log[1].Cause != chat.CauseNotConnected {
					t.Errorf("%d entries", len(log))
				}
				w.saw(r, id)
			})
		})
	}
}

// A store that is away for long is told of once.
func TestDeadlineOnFailingStoreSaidOnce(t *testing.T) {
	play(t, 1, func(w *world) {
		w.store.onRead(failing("Due"))
		w.run()
		for range 5 {
			w.pass(node.RetryPause)
		}
		if n := strings.Count(w.said.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d lines; want one:\n%s", n, &w.said)
		}
	})
}

// A deadline that is set while Run looks at the others is not missed: neither one
// that comes before all it sees, nor one that comes when it looks no more.
func TestDeadlineSetMeanwhile(t *testing.T) {
	play(t, 1, func(w *world) {
		w.pass(3 * time.Second) // off the poll
		release := make(chan struct{})
		w.store.onceRead(func(what string) {
			if what == "Due" {
				<-release
			}
		})
		w.run()
		set := settings
		set.Minutes = 1
		id, jane, err := w.nodes[0].Start(w.ctx, set, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		w.do(0, id, chat.Connect{By: jane})
		w.pass(time.Minute - node.PollEvery + time.Second) // it took that long
		w.store.onceRead(nil)
		close(release)
		synctest.Wait()
		w.pass(node.PollEvery - time.Second)
		w.ended(id, 3*time.Second+time.Minute, chat.CauseExpired)
	})
}

// The stored deadline may be earlier than the chat's; the tick then moves it.
func TestEarlyTickMovesTheDeadline(t *testing.T) {
	play(t, 1, func(w *world) {
		id, _ := w.begin()
		sum, err := w.store.Contact(w.ctx, id.FirstContact())
		if err != nil {
			t.Fatal(err)
		}
		right := sum.Deadline
		sum.Deadline = dawn.Add(time.Second)
		if err := w.store.Store.Append(w.ctx, store.Append{Chat: id, After: 1, Summaries: []chat.Summary{sum}}); err != nil {
			t.Fatal(err)
		}
		w.run()
		w.pass(time.Second)
		if sum, err = w.store.Contact(w.ctx, id.FirstContact()); err != nil || !sum.Deadline.Equal(right) {
			t.Errorf("deadline %v, %v, want %v", sum.Deadline, err, right)
		}
		w.ended(id, 0, "")
		w.pass(right.Sub(dawn) - time.Second)
		w.ended(id, chat.ConnectWithin, chat.CauseNotConnected)
	})
}

func TestSweep(t *testing.T) {
	play(t, 1, func(w *world) {
		w.run()
		watched, jane := w.start()
		r := w.watch(0, watched)
		left, _ := w.start()
		w.watch(0, left).stop()
		used, joe := w.start()
		w.start()
		if got := w.nodes[0].InMemory(); got != 4 {
			t.Fatalf("%d chats in memory, want 4", got)
		}
		for range 2 * node.KeepIdle / node.PollEvery {
			w.do(0, used, typing(joe))
			w.pass(node.PollEvery)
		}
		if got, subs := w.nodes[0].InMemory(), w.bus.subscriptions(); got != 2 || subs != 1 {
			t.Errorf("%d chats in memory and %d subscriptions, want 2 and 1", got, subs)
		}
		w.do(0, watched, say(jane, "hello", ""))
		w.saw(r, watched)
		r.stop()
		for range 2 * node.KeepIdle / node.PollEvery {
			w.pass(node.PollEvery)
		}
		if got, subs := w.nodes[0].InMemory(), w.bus.subscriptions(); got != 0 || subs != 0 {
			t.Errorf("%d chats in memory and %d subscriptions, want none", got, subs)
		}
		w.do(0, watched, say(jane, "loaded again", ""))
	})
}

// Close waits for what is under way, sends away who waits, and leaves nothing; play
// would find a goroutine.
func TestClose(t *testing.T) {
	play(t, 1, func(w *world) {
		n := w.nodes[0]
		running := make(chan struct{})
		go func() { n.Run(w.ctx); close(running) }()
		id, jane := w.start()
		r := w.watch(0, id)
		w.store.next(liar)
		w.store.onRead(failing("Entries"))
		w.fails(0, id, say(jane, "in doubt", ""), errDisk) // has a goroutine find out
		w.store.onRead(nil)

		release := make(chan struct{})
		w.store.next(after(func() { <-release }))
		var wg sync.WaitGroup
		wg.Go(func() { w.do(0, id, say(jane, "under way", "")) })
		synctest.Wait()
		wg.Go(func() {
			if _, err := n.Do(w.ctx, id, say(jane, "waits", "")); err == nil || errors.Is(err, node.ErrBusy) {
				t.Errorf("waiting while the node closes: %v", err)
			}
		})
		closed := make(chan struct{})
		synctest.Wait()
		go func() { n.Close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close does not wait for the store")
		default:
		}
		<-running
		close(release)
		wg.Wait()
		<-closed
		if len(w.log(id)) != 4 {
			t.Errorf("%d entries, want 4", len(w.log(id)))
		}
		w.saw(r, id)
		if _, err := n.Do(w.ctx, id, chat.Stop{}); err == nil {
			t.Error("a closed node does something")
		}
		if _, _, err := n.Watch(w.ctx, id, r.receive); err == nil {
			t.Error("a closed node lets watch")
		}
		if n.InMemory() != 0 || w.bus.subscriptions() != 0 {
			t.Errorf("%d chats and %d subscriptions are left", n.InMemory(), w.bus.subscriptions())
		}
		w.addNode(0)
		w.do(1, id, say(jane, "another node goes on", ""))
		r.stop()
		n.Close()
	})
}

func TestCloseWaitsForItsReaders(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		w.watch(0, id)
		w.watch(1, id)
		w.bus.onPublish(drop)
		w.do(0, id, say(jane, "unheard", ""))
		w.bus.onPublish(nil)
		release := make(chan struct{})
		w.store.onRead(func(string) error { <-release; return nil })
		w.do(0, id, say(jane, "heard", "")) // node 1 reads what it missed
		synctest.Wait()
		var open sync.WaitGroup
		closed := false
		open.Go(func() { w.nodes[1].Close(); closed = true })
		synctest.Wait()
		if closed {
			t.Error("Close does not wait for what reads")
		}
		close(release)
		open.Wait()
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	play(t, 1, func(w *world) {
		ctx, cancel := context.WithCancel(w.ctx)
		done := make(chan struct{})
		go func() { w.nodes[0].Run(ctx); close(done) }()
		synctest.Wait()
		w.store.onRead(func(string) error { return ctx.Err() })
		cancel()
		<-done
		w.nodes[0].Run(ctx)
	})
}
