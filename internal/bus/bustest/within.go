package bustest

import (
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// content: a notice arrives as it was published.
func content(t *testing.T, b bus.Bus) {
	id := NewChat()
	want := Notice(id, 1)
	want.Seq = 2
	want.Entries = append(want.Entries, Notice(id, 2).Entries...)
	want.Signals = []chat.Signal{{ // a bus may drop a late one
		ID: id.ID, At: time.Now().Add(2 * Patience).UTC().Truncate(time.Millisecond), Contact: id.FirstContact(),
		By: chat.Author{ID: chat.ParticipantID(id), Role: chat.Customer, Name: "Ann"}, ContentType: chat.EventTyping,
	}}
	in := NewInbox()
	subscribe(t, b, id, in.Receive)
	b.Publish(want)
	in.Wait(t, 1, 2)
	if got := in.notices[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("the notice came as\n%+v\nwant\n%+v", got, want)
	}

	got := make(chan bus.Notice, 1)
	subscribe(t, b, id, func(n bus.Notice) {
		select {
		case got <- n:
		default: // a repetition
		}
	})
	want.Entries = nil // signals alone
	b.Publish(want)
	select {
	case n := <-got:
		if len(n.Entries) != 0 || !reflect.DeepEqual(n.Signals, want.Signals) {
			t.Errorf("signals alone came as %+v; want %+v", n, want)
		}
	case <-time.After(Patience):
		t.Error("signals alone did not come")
	}
}

// cancels: who has cancelled gets nothing more, and the others still do.
func cancels(t *testing.T, b bus.Bus) {
	id := NewChat()
	gone, stays := NewInbox(), NewInbox()
	cancel := subscribe(t, b, id, gone.Receive)
	subscribe(t, b, id, stays.Receive)
	b.Publish(Notice(id, 1))
	gone.Wait(t, 1)
	cancel()
	cancel()
	b.Publish(Notice(id, 2))
	stays.Wait(t, 1, 2)
	if got := gone.Seqs(); slices.Contains(got, 2) {
		t.Errorf("%v came; want nothing that was published after cancel", got)
	}
	again := NewInbox()
	subscribe(t, b, id, again.Receive)
	cancel() // means the old subscription still
	b.Publish(Notice(id, 3))
	again.Wait(t, 3)
	stays.Wait(t, 3)
}

// cancelFromWithin: a receiver may cancel itself and others.
func cancelFromWithin(t *testing.T, b bus.Bus) {
	id := NewChat()
	var calls atomic.Int32
	ready, done := make(chan struct{}), make(chan struct{})
	other, stays := NewInbox(), NewInbox()
	cancelOther := subscribe(t, b, id, other.Receive)
	var cancel func()
	cancel = subscribe(t, b, id, func(bus.Notice) {
		<-ready // cancel is set
		if calls.Add(1) > 1 {
			return
		}
		cancel()
		cancelOther()
		cancel()
		close(done)
	})
	close(ready)
	subscribe(t, b, id, stays.Receive)
	b.Publish(Notice(id, 1))
	wait(t, "cancel from within receive", done)
	stays.Wait(t, 1)
	b.Publish(Notice(id, 2))
	stays.Wait(t, 2)
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls came; want none after cancel from within the first", n)
	}
	if got := other.Seqs(); slices.Contains(got, 2) {
		t.Errorf("the other subscription, cancelled too, got %v", got)
	}
}

// cancelUnderLoad: subscriptions come and go while others publish, and each works.
func cancelUnderLoad(t *testing.T, b bus.Bus) {
	id := NewChat()
	stop := make(chan struct{})
	var publishers, subscribers sync.WaitGroup
	var seq atomic.Int64
	for range 4 {
		publishers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					b.Publish(Notice(id, seq.Add(1)))
				}
			}
		})
	}
	for range 4 {
		subscribers.Go(func() {
			for range 25 {
				came := make(chan struct{})
				var once sync.Once
				cancel, err := b.Subscribe(id, func(bus.Notice) { once.Do(func() { close(came) }) })
				if err != nil {
					t.Errorf("Subscribe: %v", err)
					return
				}
				select {
				case <-came:
				case <-time.After(Patience):
					t.Error("a new subscription got nothing")
				}
				cancel()
			}
		})
	}
	subscribers.Wait()
	close(stop)
	publishers.Wait()
}

// publishFromWithin: a receiver may publish, to its own chat and to another.
func publishFromWithin(t *testing.T, b bus.Bus) {
	one, other := NewChat(), NewChat()
	inOne, inOther := NewInbox(), NewInbox()
	subscribe(t, b, other, inOther.Receive)
	subscribe(t, b, one, func(n bus.Notice) {
		inOne.Receive(n)
		if seq := n.Entries[0].Seq; seq < 5 {
			b.Publish(Notice(one, seq+1))
			b.Publish(Notice(other, seq))
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Publish(Notice(one, 1))
	}()
	wait(t, "Publish from within receive", done)
	inOne.Wait(t, 1, 2, 3, 4, 5)
	inOther.Wait(t, 1, 2, 3, 4)
}

// subscribeFromWithin: a receiver may subscribe, to its own chat too.
func subscribeFromWithin(t *testing.T, b bus.Bus) {
	id, in := NewChat(), NewInbox()
	var once sync.Once
	done := make(chan struct{})
	subscribe(t, b, id, func(bus.Notice) {
		once.Do(func() {
			if _, err := b.Subscribe(id, in.Receive); err != nil {
				t.Errorf("Subscribe: %v", err)
			}
			close(done)
		})
	})
	go b.Publish(Notice(id, 1))
	wait(t, "Subscribe from within receive", done)
	b.Publish(Notice(id, 2))
	in.Wait(t, 2)
}

// closes: nothing comes any more, and nothing breaks.
func closes(t *testing.T, b bus.Bus) {
	id, in := NewChat(), NewInbox()
	cancel := subscribe(t, b, id, in.Receive)
	b.Publish(Notice(id, 1))
	in.Wait(t, 1)
	if err := b.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	b.Publish(Notice(id, 2))
	cancel()
	if _, err := b.Subscribe(id, in.Receive); err == nil {
		t.Error("Subscribe succeeded after Close")
	}
	b.Publish(Notice(id, 3))
	if got := in.Seqs(); slices.Contains(got, 2) || slices.Contains(got, 3) {
		t.Errorf("%v came; want nothing after Close", got)
	}
}

// closeFromWithin: a receiver may close the bus.
func closeFromWithin(t *testing.T, b bus.Bus) {
	id := NewChat()
	var once sync.Once
	done := make(chan struct{})
	subscribe(t, b, id, func(bus.Notice) {
		once.Do(func() {
			if err := b.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			close(done)
		})
	})
	go b.Publish(Notice(id, 1))
	wait(t, "Close from within receive", done)
}
