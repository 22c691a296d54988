package node_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store"
)

func TestDo(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.start()
		w.pass(time.Second)
		out := w.do(0, id, say(jane, "hello", ""))
		want := dawn.Add(time.Second)
		if len(out.Entries) != 1 || !out.At.Equal(want) || out.ID != out.Entries[0].ID {
			t.Errorf("outcome %+v, want one entry at %v", out, want)
		}
		if sec, nsec := out.ID.Time().UnixTime(); !time.Unix(sec, nsec).Equal(want) || out.ID.Version() != 7 {
			t.Errorf("%v is not a UUIDv7 of %v", out.ID, want)
		}
		nobody := chat.ParticipantID{ID: node.NewID(dawn)}
		if _, err := w.nodes[0].Do(w.ctx, id, say(nobody, "boo", "")); reason(err) != chat.UnknownParticipant {
			t.Errorf("an unknown participant: %v", err)
		}
		if n := len(w.log(id)); n != 3 {
			t.Errorf("%d entries, want 3", n)
		}
	})
}

func TestUnknownChatsStayNowhere(t *testing.T) {
	play(t, 1, func(w *world) {
		n, id := w.nodes[0], chat.ChatID{ID: node.NewID(dawn)}
		w.fails(0, id, chat.Stop{}, node.ErrNotFound)
		if err := n.View(w.ctx, id, nil); err != node.ErrNotFound {
			t.Errorf("View: %v", err)
		}
		if _, _, err := n.Watch(w.ctx, id, nil); err != node.ErrNotFound {
			t.Errorf("Watch: %v", err)
		}
		if _, err := n.Find(w.ctx, id.FirstContact()); err != node.ErrNotFound {
			t.Errorf("Find: %v", err)
		}
		if _, err := n.Transcript(w.ctx, id, chat.ParticipantID{}, node.Page{Limit: 1}); err != node.ErrNotFound {
			t.Errorf("Transcript: %v", err)
		}
		w.store.onRead(failing(""))
		w.fails(0, id, chat.Stop{}, errDisk)
		if n.InMemory() != 0 || w.bus.subscriptions() != 0 {
			t.Errorf("%d chats and %d subscriptions are left", n.InMemory(), w.bus.subscriptions())
		}
	})
}

// Somebody who gives up waiting for an unknown chat leaves nothing behind either.
func TestUnknownChatWithWaiters(t *testing.T) {
	play(t, 1, func(w *world) {
		n, id := w.nodes[0], chat.ChatID{ID: node.NewID(dawn)}
		release := make(chan struct{})
		w.store.onRead(func(string) error { <-release; return nil })
		go n.Do(w.ctx, id, chat.Stop{})
		synctest.Wait()
		ctx, cancel := context.WithCancel(w.ctx)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := n.Do(ctx, id, chat.Stop{}); err != context.Canceled {
				t.Errorf("the one who waited: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		close(release)
		synctest.Wait()
		if n.InMemory() != 0 {
			t.Error("the chat stays in memory")
		}
	})
}

func TestViewAndFind(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		for i, n := range w.nodes {
			found, err := n.Find(w.ctx, id.FirstContact())
			if err != nil || found != id {
				t.Errorf("node %d: Find = %v, %v", i, found, err)
			}
			err = n.View(w.ctx, id, func(c *chat.Chat) error {
				_, err := c.Admit(jane)
				return errors.Join(err, errDisk)
			})
			if !errors.Is(err, errDisk) || reason(err) != 0 {
				t.Errorf("node %d: View = %v", i, err)
			}
		}
		w.store.onRead(failing("Contact"))
		if _, err := w.nodes[0].Find(w.ctx, id.FirstContact()); err != errDisk {
			t.Errorf("Find on a failing store: %v", err)
		}
	})
}

// Two nodes that take turns hinder one another neither when they watch nor when they
// don't, and messages don't write the contact's row.
func TestOneAppendPerMessage(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		for i := range 40 {
			if i == 20 {
				w.watch(0, id)
				w.watch(1, id)
			}
			w.do(i%2, id, say(jane, "hello", ""))
		}
		for i, b := range w.store.batches {
			if b.After != int64(i) || b.Summaries != nil && i > 1 {
				t.Errorf("Append %d is after %d, with summaries %v", i, b.After, b.Summaries)
			}
		}
	})
}

func TestTypingIsRememberedInMemory(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.start()
		r := w.watch(0, id)
		cmd := chat.SendEvent{By: jane, Type: chat.EventTyping, Token: "token"}
		first := w.do(0, id, cmd)
		w.pass(time.Second)
		if again := w.do(0, id, cmd); again.ID != first.ID || !again.Repeated || r.signals != 1 {
			t.Errorf("typing again is %+v, with %d signals", again, r.signals)
		}
	})
}

// What a node has may be old though nobody told it: it asks before it says no, and
// before it shows a chat.
func TestNothingIsRefusedFromMemory(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.begin()
		w.watch(1, id)
		w.bus.onPublish(drop)
		w.do(0, id, chat.Connect{By: jane})
		w.do(1, id, typing(jane)) // refused if node 1 thought she wasn't there
		w.do(0, id, chat.Leave{By: jane})
		if _, err := w.nodes[1].Do(w.ctx, id, chat.Connect{By: jane}); reason(err) != chat.Ended {
			t.Errorf("connecting to an ended chat: %v", err)
		}
		id, jane = w.start()
		w.watch(1, id)
		w.do(0, id, chat.Leave{By: jane})
		err := w.nodes[1].View(w.ctx, id, func(c *chat.Chat) error { _, err := c.Admit(jane); return err })
		if reason(err) != chat.Ended {
			t.Errorf("View of an ended chat: %v", err)
		}
	})
}

// A node that is alone reads a chat once, and again when it doesn't know what became of an
// append.
func TestAloneReadsOnce(t *testing.T) {
	play(t, 0, func(w *world) {
		w.alone = true
		w.addNode(0)
		id, jane := w.start()
		reads := 0
		w.store.onRead(func(string) error { reads++; return nil })
		look := func() {
			t.Helper()
			if _, err := w.nodes[0].Admit(w.ctx, id, jane); err != nil {
				t.Fatal(err)
			}
		}
		look()
		r := w.watch(0, id)
		w.do(0, id, typing(jane))
		w.do(0, id, say(jane, "hello", ""))
		if _, err := w.nodes[0].Do(w.ctx, id, chat.SendEvent{By: jane}); reason(err) != chat.UnsupportedContentType {
			t.Errorf("an event without type: %v", err)
		}
		if look(); reads != 0 {
			t.Errorf("%d reads of what the node has written itself", reads)
		}
		w.store.next(liar)
		w.fails(0, id, say(jane, "hello", ""), errDisk)
		synctest.Wait()
		if w.saw(r, id); reads != 1 {
			t.Errorf("%d reads after an append with an open outcome", reads)
		}
		w.nodes[0].Close()
		w.nodes = nil
		w.addNode(0)
		if look(); reads != 2 {
			t.Errorf("%d reads, one of them by the next node", reads)
		}
	})
}

func TestLongChatIsLoadedWhole(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		for range node.LoadPage - 2 {
			w.do(0, id, say(jane, "again", ""))
		}
		w.do(1, id, say(jane, "exactly one page", ""))
		for range node.LoadPage {
			w.do(0, id, say(jane, "and again", ""))
		}
		last := w.do(1, id, say(jane, "last", ""))
		w.addNode(0)
		err := w.nodes[2].View(w.ctx, id, func(c *chat.Chat) error {
			if want := int64(2*node.LoadPage + 2); c.Seq != want || !c.Last.Equal(last.At) {
				t.Errorf("loaded up to %d, want %d", c.Seq, want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestSameTokenAtOnce(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		ids := make(chan chat.ID, 64)
		for i := range cap(ids) {
			go func() {
				out, err := w.nodes[i%2].Do(w.ctx, id, say(jane, "once", "token"))
				if err != nil {
					t.Error(err)
				}
				ids <- out.ID
			}()
		}
		first := <-ids
		for range cap(ids) - 1 {
			if got := <-ids; got != first {
				t.Fatalf("Ids %v and %v for one token", first, got)
			}
		}
		if n := len(w.log(id)); n != 3 {
			t.Errorf("%d entries, want 3", n)
		}
	})
}

func TestStartTwice(t *testing.T) {
	play(t, 2, func(w *world) {
		start := func(n int, set chat.Settings, token string) chat.ChatID {
			t.Helper()
			id, _, err := w.nodes[n].Start(w.ctx, set, nil, token)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		first := start(0, settings, "token")
		w.pass(24 * time.Hour)
		if start(1, settings, "token") != first {
			t.Error("another chat for the same ClientToken within 24 hours")
		}
		other := settings
		other.Instance = "another"
		if start(1, other, "token") == first || start(1, settings, "other") == first {
			t.Error("the same chat for another ClientToken or instance")
		}
		w.pass(time.Millisecond)
		second := start(1, settings, "token")
		if second == first || start(0, settings, "token") != second {
			t.Error("after 24 hours the ClientToken must stand for one new chat")
		}
		third, fourth := start(0, settings, ""), start(0, settings, "")
		if third == fourth {
			t.Error("the same chat without a ClientToken")
		}
	})
}

func TestRacingStarts(t *testing.T) {
	play(t, 2, func(w *world) {
		type started struct {
			chat chat.ChatID
			jane chat.ParticipantID
		}
		all := make(chan started, 50)
		for i := range cap(all) {
			go func() {
				id, jane, err := w.nodes[i%2].Start(w.ctx, settings, nil, "token")
				if err != nil {
					t.Error(err)
				}
				all <- started{id, jane}
			}()
		}
		first := <-all
		for range cap(all) - 1 {
			if got := <-all; got != first {
				t.Fatalf("%v and %v for one ClientToken", first, got)
			}
		}
		if n := len(w.log(first.chat)); n != 1 {
			t.Errorf("%d entries, want 1", n)
		}
	})
}

func TestFailingStart(t *testing.T) {
	for name, f := range map[string]fault{"lost": lost, "liar": liar} {
		t.Run(name, func(t *testing.T) {
			play(t, 2, func(w *world) {
				w.store.next(f)
				if _, _, err := w.nodes[0].Start(w.ctx, settings, nil, "token"); !errors.Is(err, errDisk) {
					t.Fatalf("Start: %v", err)
				}
				id, _, err := w.nodes[1].Start(w.ctx, settings, nil, "token")
				again, _, err2 := w.nodes[0].Start(w.ctx, settings, nil, "token")
				if err != nil || err2 != nil || id != again || len(w.log(id)) != 1 {
					t.Errorf("%v, %v and %v, %v with %d entries", id, err, again, err2, len(w.log(id)))
				}
			})
		})
	}
}

func TestContextEndsBeforeTheTurn(t *testing.T) {
	play(t, 1, func(w *world) {
		n := w.nodes[0]
		id, jane := w.start()
		ctx, cancel := context.WithCancel(w.ctx)
		release := make(chan struct{})
		w.store.next(after(func() { <-release }))
		go n.Do(w.ctx, id, say(jane, "slow", ""))
		synctest.Wait()
		done := make(chan error)
		go func() { _, err := n.Do(ctx, id, say(jane, "late", "")); done <- err }()
		synctest.Wait()
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("cancelled while waiting: %v", err)
		}
		if _, err := n.Do(ctx, id, say(jane, "later", "")); err != context.Canceled {
			t.Errorf("cancelled before: %v", err)
		}
		close(release)
		synctest.Wait()
		if got := len(w.log(id)); got != 3 {
			t.Errorf("%d entries, want 3", got)
		}
	})
}

func TestContextEndsInTheStore(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		ctx, cancel := context.WithCancel(w.ctx)
		// Handed over to be written: from there on the context doesn't count.
		w.store.next(func(_ context.Context, inner func() error) error {
			defer cancel()
			return inner()
		})
		out, err := w.nodes[0].Do(ctx, id, say(jane, "hello", "token"))
		if err != nil || ctx.Err() == nil {
			t.Fatalf("%v, %v", err, ctx.Err())
		}
		// Before it is handed over, nothing happens.
		ctx, cancel = context.WithCancel(w.ctx)
		w.store.next(after(cancel))
		if _, err := w.nodes[0].Do(ctx, id, say(jane, "never", "other")); err != context.Canceled {
			t.Fatal(err)
		}
		for n := range w.nodes {
			if again := w.do(n, id, say(jane, "hello", "token")); again.ID != out.ID || !again.At.Equal(out.At) {
				t.Errorf("node %d answers the retry with %v, want %v", n, again.ID, out.ID)
			}
		}
		if n := len(w.log(id)); n != 3 {
			t.Errorf("%d entries, want 3", n)
		}
	})
}

func TestFailingAppends(t *testing.T) {
	for name, c := range map[string]struct {
		fault  fault
		err    error
		stored int
	}{
		"lost":  {lost, errDisk, 0},
		"liar":  {liar, errDisk, 1},
		"busy":  {says(store.ErrBusy), node.ErrBusy, 0},
		"wraps": {says(fmt.Errorf("batch 7: %w", store.ErrBusy)), node.ErrBusy, 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 2, func(w *world) {
				id, jane := w.start()
				watchers := []*watcher{w.watch(0, id), w.watch(1, id)}
				w.store.next(c.fault)
				w.fails(0, id, say(jane, "hello", "token"), c.err)
				synctest.Wait()
				for _, r := range watchers {
					if len(r.got()) != c.stored {
						t.Fatalf("watchers got %d entries without a further call, want %d", len(r.got()), c.stored)
					}
				}
				out := w.do(0, id, say(jane, "hello", "token"))
				if again := w.do(1, id, say(jane, "hello", "token")); again.ID != out.ID {
					t.Error("two Ids for one message")
				}
				if log := w.log(id); len(log) != 3 || log[2].ID != out.ID {
					t.Errorf("%d entries, or not with the Id that was told", len(log))
				}
				for _, r := range watchers {
					w.saw(r, id)
				}
			})
		})
	}
}

// The store lies and can't be read for a while: whoever watches is told in the end,
// also on the other node, though nobody calls.
func TestOpenOutcomeIsResolved(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		here, there := w.watch(0, id), w.watch(1, id)
		w.store.next(liar)
		w.store.onRead(failing("Entries"))
		w.fails(0, id, say(jane, "hello", ""), errDisk)
		w.fails(0, id, say(jane, "hello", ""), errDisk)
		w.pass(node.RetryPause)
		if len(here.got())+len(there.got()) > 0 {
			t.Fatal("watchers got what can't be known yet")
		}
		w.store.onRead(nil)
		w.pass(node.RetryPause)
		w.saw(here, id)
		w.saw(there, id)
		here.stop()
		if got := w.nodes[0].Waiting(id); got != 0 {
			t.Errorf("%d references are left", got)
		}
	})
}

func TestTooManyConflicts(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane := w.start()
		var all []fault
		for range node.MaxAttempts {
			all = append(all, says(store.ErrConflict))
		}
		w.store.next(all...)
		w.fails(0, id, say(jane, "hello", ""), node.ErrBusy)
		w.store.next(all[1:]...)
		w.do(0, id, say(jane, "hello", ""))
	})
}

func TestTwoNodesOneOrder(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		watchers := []*watcher{w.watch(0, id), w.watch(1, id)}
		const each = 40
		var wg sync.WaitGroup
		for n := range w.nodes {
			wg.Go(func() {
				for i := range each {
					w.store.next(after(func() { // the other one is always faster
						w.do(1-n, id, say(jane, "in between", fmt.Sprint(n, i)))
					}))
					if _, err := w.nodes[n].Do(w.ctx, id, say(jane, fmt.Sprint(n, i), "")); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Wait() // the wish for a conflict is for one node at a time
		}
		if got, want := len(w.log(id)), 2+4*each; got != want {
			t.Errorf("%d entries, want %d", got, want)
		}
		for _, r := range watchers {
			w.saw(r, id)
		}
	})
}

func TestTooManyWaiting(t *testing.T) {
	play(t, 1, func(w *world) {
		n := w.nodes[0]
		id, jane := w.start()
		release := make(chan struct{})
		w.store.next(after(func() { <-release }))
		var wg sync.WaitGroup
		for i := range node.MaxWaiting {
			wg.Go(func() {
				if _, err := n.Do(w.ctx, id, say(jane, fmt.Sprint(i), "")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		w.fails(0, id, say(jane, "one too many", ""), node.ErrBusy)
		close(release)
		wg.Wait()
		if got, want := len(w.log(id)), 2+node.MaxWaiting; got != want {
			t.Errorf("%d entries, want %d", got, want)
		}
	})
}

// Who waits behind others for a store that hangs is not kept as long as all of them are
// together. What is remembered of a chat is there in the end, though.
func TestWaitingTooLong(t *testing.T) {
	play(t, 1, func(w *world) {
		n := w.nodes[0]
		id, jane := w.start()
		release := make(chan struct{})
		w.store.next(after(func() { <-release }))
		errs, recalled := make(chan error, 3), make(chan error, 1)
		do := func(text string) {
			_, err := n.Do(w.ctx, id, say(jane, text, ""))
			errs <- err
		}
		go do("hangs")
		synctest.Wait()
		go do("waits")
		go do("waits too")
		go func() { recalled <- n.Recall(w.ctx, id, func(*chat.Chat) error { return nil }) }()
		synctest.Wait()
		time.Sleep(node.TurnWithin)
		synctest.Wait()
		for range 2 {
			select {
			case err := <-errs:
				if !errors.Is(err, node.ErrBusy) {
					t.Errorf("%v; want %v", err, node.ErrBusy)
				}
			default:
				t.Error("it waits still")
			}
		}
		close(release)
		if err := errors.Join(<-errs, <-recalled); err != nil {
			t.Error(err)
		}
		if got := len(w.log(id)); got != 3 {
			t.Errorf("%d entries; want those of the start and one", got)
		}
	})
}

func TestTimeNeverRunsBack(t *testing.T) {
	play(t, 1, func(w *world) {
		w.addNode(-3 * time.Hour)
		w.addNode(3 * time.Minute)
		id, jane := w.start()
		for i := range 30 {
			w.do(i*7%3, id, say(jane, "tick", ""))
			if i%4 == 0 {
				w.pass(time.Millisecond)
			}
		}
		log := w.log(id)
		for i := 1; i < len(log); i++ {
			if !log[i].At.After(log[i-1].At) {
				t.Errorf("entry %d is of %v, the one before of %v", i+1, log[i].At, log[i-1].At)
			}
		}
	})
}
