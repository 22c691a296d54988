package natsbus

import (
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/bustest"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
)

// Without NATS a node is by itself; when NATS is there, so are the others, and each
// change is said once.
func TestLossAndReturn(t *testing.T) {
	s := natstest.Start(t, "")
	s.Kill()
	said, id, in := new(book), bustest.NewChat(), newCounter()
	a, b := open(t, Options{URLs: []string{s.URL}, Log: said.logger()}), open(t, Options{URLs: []string{s.URL}})
	if well, _ := a.Health(); well {
		t.Error("the bus is well without NATS")
	}
	if _, err := a.Subscribe(id, in.receive); err != nil {
		t.Fatal(err)
	}
	a.Publish(bustest.Notice(id, 1))
	in.await(t, 1, 0, 1)
	said.await(t, "NATS can't be reached")
	for round := range 3 {
		s.Restart()
		await(t, a, true)
		await(t, b, true)
		reach(t, a, b)
		reach(t, b, a)
		b.Publish(bustest.Notice(id, int64(2*round+2))) // by the first subscription
		in.await(t, 2*round+2, 0, int64(2*round+2))
		s.Kill()
		await(t, a, false)
		await(t, b, false)
		a.Publish(bustest.Notice(id, int64(2*round+3)))
		in.await(t, 2*round+3, 0, int64(2*round+3))
	}
	said.says(t, "NATS is connected", 1)
	// On a busy machine it may seem to be lost more often.
	if lost, back := said.count("NATS is lost"), said.count("NATS is back"); lost < 3 || back != lost-1 {
		t.Errorf("NATS is said to be lost %d times, and back %d times; want 3 and 2", lost, back)
	}
}

// What is published while a node has no connection comes when it has one again.
func TestShortOutage(t *testing.T) {
	s := natstest.Cluster(t, 2)
	a, b, id := open(t, Options{URLs: []string{s[0].URL}}), open(t, Options{URLs: []string{s[1].URL}}), bustest.NewChat()
	in := newCounter()
	subscribe(t, b, a, id, in.receive)
	_, changed := a.Health()
	s[0].Kill()
	select {
	case <-changed:
	case <-time.After(patience):
		t.Fatal("the bus does not notice")
	}
	a.Publish(bustest.Notice(id, 5))
	in.await(t, 1, 0, 5)
}

// Whichever servers of a cluster fail, one is enough.
func TestFailover(t *testing.T) {
	s := natstest.Cluster(t, 3)
	a, b := open(t, Options{URLs: natstest.URLs(s)}), open(t, Options{URLs: natstest.URLs(s)})
	talk := func() {
		t.Helper()
		reach(t, a, b)
		reach(t, b, a)
	}
	talk()
	for i, last := range s {
		one, other := s[(i+1)%3], s[(i+2)%3]
		one.Kill()
		talk()
		if i == 0 {
			other.Pause()
			talk()
			other.Resume()
			talk()
		}
		other.Kill()
		talk()
		one.Restart()
		other.Restart()
		talk()
		last.Kill()
		talk()
		last.Restart()
	}
}

// A server that hangs blocks nobody. What can't wait any longer is dropped and counted.
func TestHangingServer(t *testing.T) {
	const surplus = 100
	s := natstest.Start(t, "")
	a, b, id := open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}}), bustest.NewChat()
	reach(t, a, b)
	s.Pause()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for a.Stats().Dropped < surplus {
			a.Publish(large(id, 1, 5000))
			cancel, err := a.Subscribe(bustest.NewChat(), func(bus.Notice) {})
			if err != nil {
				t.Error(err)
				return
			}
			cancel()
		}
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("Publish waits for a server that hangs")
	}
	await(t, a, false)
	s.Resume()
	await(t, a, true)
	reach(t, a, b)
}

// A node that does not keep up is told that it misses something.
func TestTooSlow(t *testing.T) {
	said := new(book)
	s := natstest.Start(t, "")
	a, b, id := open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}, Log: said.logger()}), bustest.NewChat()
	busy, release, last := make(chan struct{}, 1), make(chan struct{}), newCounter()
	subscribe(t, b, a, id, func(n bus.Notice) {
		select {
		case busy <- struct{}{}:
			<-release
		default:
		}
		last.receive(bus.Notice{Seq: n.Seq})
	})
	_, changed := b.Health()
	a.Publish(bustest.Notice(id, 1))
	<-busy
	more := time.NewTicker(10 * time.Millisecond) // not so fast that the queue overflows
	defer more.Stop()
	for slow, late := false, time.After(patience); !slow; {
		for range maxArrived / 2 {
			a.Publish(bustest.Notice(id, 2))
		}
		select {
		case <-more.C:
		case <-changed:
			slow = true
		case <-late:
			t.Fatal("the bus does not say that notices were lost")
		}
	}
	if well, _ := b.Health(); !well || b.Stats().Slow == 0 {
		t.Errorf("the bus is well: %t; %+v", well, b.Stats())
	}
	close(release)
	reach(t, a, b)
	a.Publish(bustest.Notice(id, 3))
	last.await(t, 0, 0, 3)
	said.says(t, "this node is too slow", 1)
}

// Close sends what is queued, and ends also when there is no NATS.
func TestClose(t *testing.T) {
	s := natstest.Start(t, "")
	a, b, id := open(t, Options{URLs: []string{s.URL}}), open(t, Options{URLs: []string{s.URL}}), bustest.NewChat()
	in := newCounter()
	subscribe(t, b, a, id, in.receive)
	for seq := range int64(1000) {
		a.Publish(bustest.Notice(id, seq+1))
	}
	a.Close()
	in.await(t, 1000, 0, 1000)
	<-a.done
	s.Kill()
	b.Close()
	b.Close()
	<-b.done
	<-open(t, Options{URLs: []string{s.URL}}).closed()
}

// closed closes the bus, and is closed when its goroutine has ended.
func (b *Bus) closed() <-chan struct{} {
	b.Close()
	return b.done
}
