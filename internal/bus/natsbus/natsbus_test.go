package natsbus

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/nats-io/nats.go"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/bustest"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
)

func TestOneNode(t *testing.T) {
	s := natstest.Start(t, "")
	bustest.Run(t, func(t *testing.T) bus.Bus { return open(t, Options{URLs: []string{s.URL}}) })
}

func TestTwoNodes(t *testing.T) {
	s := natstest.Start(t, "")
	bustest.Run(t, func(t *testing.T) bus.Bus {
		return pair{t, open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}})}
	})
}

// Each node gets what both publish, once, and in the order of the publisher.
func TestExchange(t *testing.T) {
	const each = 500
	s := natstest.Start(t, "")
	a, b, id := open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}}), bustest.NewChat()
	atA, atB := bustest.NewInbox(), bustest.NewInbox()
	subscribe(t, a, b, id, atA.Receive)
	subscribe(t, b, a, id, atB.Receive)
	var want []int64
	for i := range int64(each) {
		a.Publish(bustest.Notice(id, i+1))
		b.Publish(bustest.Notice(id, 1_000_000+i))
		want = append(want, i+1, 1_000_000+i)
	}
	for _, in := range []*bustest.Inbox{atA, atB} {
		in.Wait(t, want...)
		got := in.Seqs()
		if len(got) != len(want) {
			t.Errorf("%d came, want %d", len(got), len(want))
		}
		last := map[bool]int64{}
		for _, seq := range got {
			if of := seq < 1_000_000; seq <= last[of] {
				t.Errorf("%d came after %d", seq, last[of])
			} else {
				last[of] = seq
			}
		}
	}
}

// Those who share NATS and not the prefix hear nothing of each other.
func TestPrefix(t *testing.T) {
	s := natstest.Start(t, "")
	a, b := open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}})
	other, id := open(t, Options{URLs: []string{s.URL}, Prefix: "parley.other"}), bustest.NewChat()
	in := newCounter()
	subscribe(t, b, a, id, in.receive)
	await(t, other, true)
	other.Publish(bustest.Notice(id, 1))
	reach(t, other, other)
	a.Publish(bustest.Notice(id, 2))
	in.await(t, 1, 0, 2)
}

// What is too large comes as the news that there is something.
func TestTooLarge(t *testing.T) {
	s := natstest.Start(t, "max_payload: 2000")
	a, b, id := open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}}), bustest.NewChat()
	in, own := newCounter(), newCounter()
	subscribe(t, b, a, id, in.receive)
	subscribe(t, a, b, id, own.receive)
	a.Publish(large(id, 1, 100))
	in.await(t, 1, 0, 1)
	n := large(id, 2, 2000)
	n.Signals = typing(id, time.Now()).Signals
	a.Publish(n)
	in.await(t, 1, 1, 2)
	a.Publish(bustest.Notice(id, 3))
	in.await(t, 2, 1, 3)
	own.await(t, 3, 1, 3) // on its own node, nothing is
	if s := a.Stats(); s.Dropped != 0 {
		t.Errorf("%+v, want nothing dropped", s)
	}
}

// A signal that is late by the receiver's clock is worth nothing, and what comes with
// it is.
func TestLateSignals(t *testing.T) {
	now := time.Now()
	clock := clockwork.NewFakeClockAt(now)
	s := natstest.Start(t, "")
	a, b := open(t, Options{URLs: []string{s.URL}, Clock: clockwork.NewFakeClockAt(now)}), open(t, Options{URLs: []string{s.URL}, Clock: clock})
	id, in := bustest.NewChat(), newCounter()
	subscribe(t, b, a, id, in.receive)
	a.Publish(typing(id, now))
	in.await(t, 0, 1, 0)
	clock.Advance(signalLife + time.Second)
	a.Publish(typing(id, now))
	n := bustest.Notice(id, 1)
	n.Signals = append(typing(id, now).Signals, typing(id, now.Add(time.Minute)).Signals...)
	a.Publish(n)
	in.await(t, 1, 2, 1)
}

// NATS is not asked for a chat that nobody wants any more.
func TestUnsubscribes(t *testing.T) {
	s := natstest.Start(t, "")
	a, b, id := open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}}), bustest.NewChat()
	c := dial(t, s)
	in := newCounter()
	cancel := subscribe(t, b, a, id, in.receive)
	again := subscribe(t, b, a, id, in.receive)
	cancel()
	cancel()
	a.Publish(bustest.Notice(id, 1))
	in.await(t, 1, 0, 1)
	again()
	reach(t, a, b) // shares a batch with the cancellation
	reach(t, a, b)
	_, err := c.Request("parley.test.chat."+subject(id), nil, patience)
	if !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a request on the chat's subject: %v, want that nobody has subscribed", err)
	}
	if len(b.wanted) != 0 {
		t.Errorf("the bus remembers %d chats", len(b.wanted))
	}
}

func dial(t *testing.T, s *natstest.Server) *nats.Conn {
	t.Helper()
	c, err := nats.Connect(s.URL, nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Whatever others publish on our subjects, the bus goes on; who has learned of a
// version it doesn't know looks into the store.
func TestStrangeMessages(t *testing.T) {
	s := natstest.Start(t, "")
	a, b, id := open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}}), bustest.NewChat()
	in := newCounter()
	subscribe(t, b, a, id, in.receive)
	c := dial(t, s)
	to := "parley.test.chat." + subject(id)
	for _, data := range []string{"", "short", "\x01\xff\xff\xff\xff\xff\xff\xff\xff{}", "\x01\x00\x00\x00\x00\x00\x00\x00\x00{"} {
		if err := c.Publish(to, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Publish(to, append(head(99, 7), "in a language of the future"...)); err != nil {
		t.Fatal(err)
	}
	in.await(t, 0, 0, 7)
	if got := b.Stats().Damaged; got != 4 {
		t.Errorf("%d messages are damaged, want 4", got)
	}
}

// In the end the log says once what went through, if anything did.
func TestClosedBus(t *testing.T) {
	s := natstest.Start(t, "")
	var busy, idle book
	a, b := open(t, Options{URLs: []string{s.URL}, Log: busy.logger()}), open(t, Options{URLs: []string{s.URL}, Log: idle.logger()})
	await(t, b, true)
	reach(t, a, open(t, Options{URLs: []string{s.URL}}))
	for _, bus := range []*Bus{a, a, b} {
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	}
	busy.says(t, fmt.Sprintf(`"the bus is closed" sent=%d dropped=0 received=0 slow=0 damaged=0`, a.Stats().Sent), 1)
	idle.says(t, "the bus is closed", 0)
}
