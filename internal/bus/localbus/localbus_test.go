package localbus

import (
	"slices"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/bustest"
)

func TestBus(t *testing.T) {
	bustest.Run(t, func(*testing.T) bus.Bus { return New() })
}

// TestLosesNothing has many who publish to many: everybody gets everything, once,
// and in the order of each publisher.
func TestLosesNothing(t *testing.T) {
	const publishers, each, subscribers = 8, 500, 5
	b, id := New(), bustest.NewChat()
	var inboxes [subscribers]*bustest.Inbox
	for i := range inboxes {
		inboxes[i] = bustest.NewInbox()
		if _, err := b.Subscribe(id, inboxes[i].Receive); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for p := range int64(publishers) {
		wg.Go(func() {
			for i := range int64(each) {
				b.Publish(bustest.Notice(id, p*each+i))
			}
		})
	}
	wg.Wait()
	// Who delivers another's notice does so before its own Publish returns, so all has
	// come.
	for _, in := range inboxes {
		got := in.Seqs()
		if len(got) != publishers*each {
			t.Fatalf("%d notices came; want %d", len(got), publishers*each)
		}
		slices.SortStableFunc(got, func(a, b int64) int { return int(a/each - b/each) })
		for i, seq := range got {
			if seq != int64(i) {
				t.Fatalf("of publisher %d, %d came where %d was published", i/each, seq, i)
			}
		}
	}
}

// TestDeliveredWhenPublished: with one goroutine, Publish is a call.
func TestDeliveredWhenPublished(t *testing.T) {
	b, id, in := New(), bustest.NewChat(), bustest.NewInbox()
	if _, err := b.Subscribe(id, in.Receive); err != nil {
		t.Fatal(err)
	}
	for seq := range int64(3) {
		b.Publish(bustest.Notice(id, seq))
	}
	if got := in.Seqs(); !slices.Equal(got, []int64{0, 1, 2}) {
		t.Errorf("%v came; want all that was published", got)
	}
}

// TestPanic: a receiver that panics does so where it can be caught, and goes on.
func TestPanic(t *testing.T) {
	b, id, in := New(), bustest.NewChat(), bustest.NewInbox()
	if _, err := b.Subscribe(id, func(n bus.Notice) {
		if n.Entries[0].Seq == 1 {
			panic("receiver")
		}
		in.Receive(n)
	}); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not reach the publisher")
			}
		}()
		b.Publish(bustest.Notice(id, 1))
	}()
	b.Publish(bustest.Notice(id, 2))
	in.Wait(t, 2)
}

// TestForgets: what was cancelled takes no memory.
func TestForgets(t *testing.T) {
	b, id := New(), bustest.NewChat()
	for range 3 {
		cancel, err := b.Subscribe(id, func(bus.Notice) {})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			cancel()
			cancel()
		}()
	}
	for range 3 {
		cancel, err := b.Subscribe(bustest.NewChat(), func(bus.Notice) {})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	if n := len(b.subs); n != 1 {
		t.Errorf("the bus remembers %d chats; want the one with subscriptions", n)
	}
}
