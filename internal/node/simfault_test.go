package node_test

import (
	"context"
	"slices"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store"
)

// drawn marks the contexts of what the goroutine of the test does.
type drawn struct{}

// fault is what goes wrong in an Append, if anything; another node may be faster.
func (s *sim) fault(c *simChat, other int, cancel func()) fault {
	switch s.IntN(12) {
	case 0:
		return lost
	case 1:
		return liar
	case 2:
		return says(store.ErrBusy)
	case 3:
		return after(cancel)
	case 4:
		return func(_ context.Context, inner func() error) error { defer cancel(); return inner() }
	case 5, 6:
		if other%3 != s.frozen {
			return func(ctx context.Context, inner func() error) error {
				if ctx.Value(drawn{}) != nil { // and not a node's own, which came between
					s.request(context.WithoutCancel(ctx), c, other%3)
				}
				return inner()
			}
		}
	}
	return nil
}

func (s *sim) breakBus() {
	how := s.IntN(6)
	s.bus.onPublish(func(n bus.Notice) []bus.Notice {
		switch how {
		case 0:
			return nil
		case 1:
			s.held = append(s.held, n)
			return nil
		case 2:
			all := append([]bus.Notice{n, n}, s.held...)
			s.held = nil
			slices.Reverse(all)
			return all
		}
		return []bus.Notice{n}
	})
}

// breakNodes cuts a node off from the bus or joins it again, sets its clock, or has its
// process stop for some steps.
func (s *sim) breakNodes() {
	n := s.IntN(3)
	if len(s.lossy) > 0 && s.chance(10) {
		if b := s.lossy[n]; b.isCut() {
			b.mend()
		} else {
			b.lose(s.chance(2))
		}
		synctest.Wait()
	}
	if s.chance(20) && n != s.frozen {
		s.clocks[n].Advance(time.Duration(s.IntN(10_000)-5_000) * time.Millisecond)
		synctest.Wait()
	}
	switch {
	case s.frozen < 0 && s.chance(20):
		s.frozen, s.thaw = n, s.steps+s.IntN(15)
	case s.frozen >= 0 && s.steps >= s.thaw:
		s.goOn()
	}
}

// goOn has the stopped process go on, which finds that it is late.
func (s *sim) goOn() {
	if s.frozen >= 0 {
		s.clocks[s.frozen].Advance(s.missed)
		s.frozen, s.missed = -1, 0
		synctest.Wait()
	}
}

// comeOrGo adds or stops a watcher.
func (s *sim) comeOrGo(c *simChat, n int) {
	if len(c.watchers) > 0 && s.chance(3) {
		w := c.watchers[s.IntN(len(c.watchers))]
		w.stop()
		w.parted = true
		return
	}
	w := &watcher{}
	after, stop, err := s.nodes[n].Watch(s.ctx, c.id, w.receive)
	if err != nil {
		return
	}
	w.stop, w.from = stop, int64(len(s.log(c.id)))
	opened := s.Int64N(after + 1) // what a socket knows that was open before
	missed, err := s.nodes[n].Missed(s.ctx, c.id, opened, after)
	if err != nil {
		missed, opened = nil, after // its client asks again
	}
	c.watchers = append(c.watchers, &simWatcher{watcher: w, node: s.nodes[n], after: after, opened: opened, missed: missed})
}

// restart replaces a node.
func (s *sim) restart(n int) {
	old := s.nodes[n]
	old.Close()
	for _, c := range s.chats {
		for _, w := range c.watchers {
			w.parted = w.parted || w.node == old
		}
	}
	var b bus.Bus = s.bus
	if len(s.lossy) > 0 {
		b = s.lossy[n]
	}
	s.nodes[n] = node.New(node.Config{Store: s.store, Bus: b, Clock: s.clocks[n]})
	s.Cleanup(s.nodes[n].Close)
	go s.nodes[n].Run(s.ctx)
	synctest.Wait()
}

// heal ends all faults but a lossy bus, which may go on to lose everything: nodes make
// up for that in time. With the other bus, one more notice is all that watchers need to
// find out what they missed.
func (s *sim) heal() {
	s.goOn()
	s.bus.onPublish(nil)
	s.store.onRead(nil)
	for range 4 {
		s.pass(node.PollEvery)
	}
	bound := time.Duration(0)
	if len(s.lossy) > 0 {
		bound = s.loseForGood()
	}
	for _, c := range s.chats {
		s.do(0, c.id, chat.UpdateAttributes{Attributes: map[string]string{"k": "healed"}})
	}
	synctest.Wait()
	for _, c := range s.chats {
		c.due = int64(len(s.log(c.id)))
	}
	s.pass(bound)
}

// loseForGood leaves the bus in some state, and says in how long watchers must have
// everything all the same.
func (s *sim) loseForGood() time.Duration {
	bound := node.LookOften // if each node knows that it hears nothing
	for _, b := range s.lossy {
		switch s.IntN(4) {
		case 0:
			b.mend()
			bound = node.LookEvery // what another can't send
		case 1:
			b.lose(false)
			bound = node.LookEvery
		default:
			b.lose(true)
		}
	}
	synctest.Wait()
	return bound
}
