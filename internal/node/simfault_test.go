package node_test

import (
	"context"
	"slices"
	"testing/synctest"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store"
)

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
		return after(func() { s.request(s.ctx, c, other%3) })
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

// comeOrGo adds or stops a watcher.
func (s *sim) comeOrGo(c *simChat, n int) {
	if len(c.watchers) > 0 && s.chance(3) {
		w := c.watchers[s.IntN(len(c.watchers))]
		w.stop()
		w.parted = true
		return
	}
	w := &watcher{}
	stop, err := s.nodes[n].Watch(s.ctx, c.id, w.receive)
	if err != nil {
		return
	}
	w.stop, w.from = stop, int64(len(s.log(c.id)))
	c.watchers = append(c.watchers, &simWatcher{watcher: w, node: s.nodes[n]})
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
	s.nodes[n] = node.New(node.Config{Store: s.store, Bus: s.bus, Clock: s.clocks[n]})
	s.Cleanup(s.nodes[n].Close)
	go s.nodes[n].Run(s.ctx)
	synctest.Wait()
}

// heal ends all faults. One more notice is all that watchers need to find out what
// they missed.
func (s *sim) heal() {
	s.bus.onPublish(nil)
	s.store.onRead(nil)
	for range 4 {
		s.pass(node.PollEvery)
	}
	for _, c := range s.chats {
		s.do(0, c.id, chat.UpdateAttributes{Attributes: map[string]string{"k": "healed"}})
	}
	synctest.Wait()
}
