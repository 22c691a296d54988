// Package bustest is the suite that every [bus.Bus] passes.
//
// A bus may lose, repeat and reorder notices. The suite publishes little, so that a
// bus has no reason to lose any of it, and takes no offence at repetitions.
package bustest

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// Patience is how long a notice may be under way, on a machine that has much else to do.
const Patience = time.Minute

// Run tests a bus. open gives one without subscriptions, which the suite closes.
func Run(t *testing.T, open func(t *testing.T) bus.Bus) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, bus.Bus)
	}{
		{"everybody", everybody},
		{"content", content},
		{"chats apart", chatsApart},
		{"one call at a time", oneCallAtATime},
		{"cancel", cancels},
		{"cancel from within", cancelFromWithin},
		{"cancel under load", cancelUnderLoad},
		{"publish from within", publishFromWithin},
		{"subscribe from within", subscribeFromWithin},
		{"close", closes},
		{"close from within", closeFromWithin},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			t.Cleanup(func() { b.Close() })
			c.run(t, b)
		})
	}
}

// NewChat makes an id no other chat has.
func NewChat() chat.ChatID { return chat.ChatID{ID: chat.ID{UUID: uuid.Must(uuid.NewV7())}} }

// Notice makes a notice with one entry.
func Notice(id chat.ChatID, seq int64) bus.Notice {
	return bus.Notice{Chat: id, Entries: []chat.Entry{{
		Seq: seq, ID: id.ID, At: time.Date(2026, 11, 23, 9, 30, 0, 123e6, time.UTC), Kind: chat.KindMessage,
		Contact: id.FirstContact(), By: &chat.Author{Role: chat.Agent, Name: "Bøb"},
		Content: &chat.Content{Type: chat.TypePlain, Text: "hi 🦉"},
	}}}
}

// Inbox is a receiver that keeps what it gets.
type Inbox struct {
	mu      sync.Mutex
	notices []bus.Notice
	changed chan struct{}
}

// NewInbox gives an empty one.
func NewInbox() *Inbox { return &Inbox{changed: make(chan struct{}, 1)} }

// Receive is for Subscribe.
func (in *Inbox) Receive(n bus.Notice) {
	in.mu.Lock()
	in.notices = append(in.notices, n)
	in.mu.Unlock()
	select {
	case in.changed <- struct{}{}:
	default:
	}
}

// Seqs gives what came, in order of arrival.
func (in *Inbox) Seqs() []int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	var all []int64
	for _, n := range in.notices {
		for i := range n.Entries {
			all = append(all, n.Entries[i].Seq)
		}
	}
	return all
}

// Wait waits until the entries have come, in whatever order.
func (in *Inbox) Wait(t *testing.T, want ...int64) {
	t.Helper()
	deadline := time.After(Patience)
	for {
		missing := 0
		got := in.Seqs()
		for _, seq := range want {
			if !slices.Contains(got, seq) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		select {
		case <-in.changed:
		case <-deadline:
			t.Fatalf("after %v, %v have come; want %v", Patience, got, want)
		}
	}
}

func subscribe(t *testing.T, b bus.Bus, id chat.ChatID, receive func(bus.Notice)) (cancel func()) {
	t.Helper()
	cancel, err := b.Subscribe(id, receive)
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	return cancel
}

// wait waits for a channel to be closed.
func wait(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(Patience):
		t.Fatalf("%s did not happen within %v", what, Patience)
	}
}

// everybody: each subscription of the chat gets each notice.
func everybody(t *testing.T, b bus.Bus) {
	id := NewChat()
	b.Publish(Notice(id, 1)) // to nobody
	inboxes := []*Inbox{NewInbox(), NewInbox(), NewInbox()}
	for _, in := range inboxes {
		subscribe(t, b, id, in.Receive)
	}
	for seq := int64(2); seq <= 10; seq++ {
		b.Publish(Notice(id, seq))
	}
	for _, in := range inboxes {
		in.Wait(t, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	}
}

// oneCallAtATime: calls for a subscription do not overlap, whoever publishes.
func oneCallAtATime(t *testing.T, b bus.Bus) {
	const publishers, each = 8, 20
	id, in := NewChat(), NewInbox()
	var calls atomic.Int32
	subscribe(t, b, id, func(n bus.Notice) {
		if calls.Add(1) > 1 {
			t.Error("receive was called while a call was going on")
		}
		in.Receive(n)
		calls.Add(-1)
	})
	var want []int64
	var wg sync.WaitGroup
	for p := range int64(publishers) {
		for i := range int64(each) {
			want = append(want, p*each+i)
		}
		wg.Go(func() {
			for i := range int64(each) {
				b.Publish(Notice(id, p*each+i))
			}
		})
	}
	wg.Wait()
	in.Wait(t, want...)
}

// chatsApart: a subscription gets the notices of its chat only.
func chatsApart(t *testing.T, b bus.Bus) {
	const chats = 10
	ids := make([]chat.ChatID, chats)
	inboxes := make([]*Inbox, chats)
	for i := range ids {
		ids[i], inboxes[i] = NewChat(), NewInbox()
		subscribe(t, b, ids[i], inboxes[i].Receive)
	}
	for seq := int64(1); seq <= 3; seq++ {
		for _, id := range ids {
			b.Publish(Notice(id, seq))
		}
	}
	for i, in := range inboxes {
		in.Wait(t, 1, 2, 3)
		in.mu.Lock()
		for _, n := range in.notices {
			if n.Chat != ids[i] {
				t.Errorf("a subscription of chat %s got a notice of %s", ids[i], n.Chat)
			}
		}
		in.mu.Unlock()
	}
}
