package node_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/natsbus"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store/memstore"
)

// natsWorld is three nodes on one store and a cluster of real NATS servers, in real
// time.
type natsWorld struct {
	*testing.T
	servers []*natstest.Server
	store   *memstore.Store
	nodes   []*node.Node
	buses   []*natsbus.Bus
	chats   []*natsChat
	news    chan struct{} // something was received
}

type natsChat struct {
	id       chat.ChatID
	jane     chat.ParticipantID
	watchers []*watcher // one on each node
}

func newNATSWorld(t *testing.T) *natsWorld {
	w := &natsWorld{T: t, servers: natstest.Cluster(t, 3), store: memstore.New(), news: make(chan struct{}, 1)}
	for i := range 3 {
		b, err := natsbus.New(natsbus.Options{URLs: natstest.URLs(w.servers), Prefix: "parley.test"})
		if err != nil {
			t.Fatal(err)
		}
		n := node.New(node.Config{Store: w.store, Bus: b, Clock: clockwork.NewRealClock()})
		ran := make(chan struct{})
		go func() { n.Run(t.Context()); close(ran) }()
		t.Cleanup(func() {
			n.Close()
			<-ran
			b.Close()
		})
		w.nodes, w.buses = append(w.nodes, n), append(w.buses, b)
		w.await(i, true)
	}
	for range 5 {
		id, jane, err := w.nodes[0].Start(t.Context(), settings, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		c := &natsChat{id: id, jane: jane}
		for _, n := range w.nodes {
			r := &watcher{}
			_, stop, err := n.Watch(t.Context(), id, func(b bus.Notice) {
				r.receive(b)
				select {
				case w.news <- struct{}{}:
				default:
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stop)
			c.watchers = append(c.watchers, r)
		}
		w.chats = append(w.chats, c)
		w.do(0, c, chat.Connect{By: jane})
	}
	return w
}

// await waits until a node's bus is well, or isn't.
func (w *natsWorld) await(n int, want bool) {
	w.Helper()
	late := time.After(3 * time.Minute)
	for {
		well, changed := w.buses[n].Health()
		if well == want {
			return
		}
		select {
		case <-changed:
		case <-late:
			w.Fatalf("the bus of node %d is well: %t", n, well)
		}
	}
}

func (w *natsWorld) do(n int, c *natsChat, cmd chat.Command) {
	if _, err := w.nodes[n].Do(w.Context(), c.id, cmd); err != nil {
		w.Errorf("node %d: %T: %v", n, cmd, err)
	}
}

// talk has people say something in all chats at the same time, each time on any node,
// while something happens.
func (w *natsWorld) talk(messages int, meanwhile func()) {
	var people sync.WaitGroup
	for _, c := range w.chats {
		for range 2 {
			people.Go(func() {
				for i := range messages {
					w.do(rand.IntN(3), c, say(c.jane, fmt.Sprint(i), ""))
				}
			})
		}
	}
	meanwhile()
	people.Wait()
}

// told waits until everybody who watches has everything, once and in order.
func (w *natsWorld) told() {
	w.Helper()
	late := time.After(3 * time.Minute)
	for _, c := range w.chats {
		log, err := w.store.Entries(w.Context(), c.id, 0, 1_000_000)
		if err != nil {
			w.Fatal(err)
		}
		for n, r := range c.watchers {
			for len(r.got()) < len(log)-1 { // they came after the first
				select {
				case <-w.news:
				case <-late:
					w.Fatalf("node %d has told of %d entries, want %d", n, len(r.got()), len(log)-1)
				}
			}
			for i, e := range r.got() {
				if e.Seq != int64(i)+2 || e.ID != log[i+1].ID {
					w.Fatalf("entry %d told by node %d has Seq %d", i, n, e.Seq)
				}
			}
		}
	}
}

// Whatever becomes of NATS, everybody gets everything, and no caller an error.
func TestNATSComesAndGoes(t *testing.T) {
	const messages = 100
	w := newNATSWorld(t)
	nothing := func() {}
	w.talk(messages, nothing)
	w.told()
	for _, s := range w.servers {
		w.talk(messages, s.Kill)
		w.told()
		w.talk(messages, s.Restart)
		w.told()
	}
	w.talk(messages, w.servers[0].Pause)
	w.told() // by reading the store, until nodes find out and leave the server
	w.servers[0].Resume()
	w.talk(messages, func() {
		for _, s := range w.servers {
			s.Kill()
		}
	})
	w.told()
	for n := range w.nodes {
		w.await(n, false)
	}
	w.talk(messages, nothing)
	w.told()
	for _, s := range w.servers {
		s.Restart()
	}
	for n := range w.nodes {
		w.await(n, true)
	}
	w.talk(messages, nothing)
	w.told()
}
