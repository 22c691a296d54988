package node_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

var (
	oneSeed = flag.Int64("seed", -1, "simulate this seed alone")
	seeds   = flag.Int64("seeds", 500, "how many seeds to simulate")
)

// TestSimulation has clients talk, by chance, to three nodes whose clocks differ and
// leap and that stand still for a while, on a store and a bus that fail, and then
// compares what they were told and what watchers saw with the log. Every other seed has
// a bus that nodes know to be lossy. To see a failure again:
// go test -run Simulation -seed N
func TestSimulation(t *testing.T) {
	first, end := int64(0), *seeds
	if *oneSeed >= 0 {
		first, end = *oneSeed, *oneSeed+1
	}
	for seed := first; seed < end && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("this was -seed %d", seed)
				}
			})
			s := newSim(t, seed)
			for range 80 {
				s.step()
			}
			s.heal()
			s.check()
		})
	}
}

// sim is a world where chance rules. Only the goroutine of the test draws lots, so
// that a seed is the same run each time.
type sim struct {
	*world
	*rand.Rand
	chats    []*simChat
	held     []bus.Notice // late ones
	readable int          // the step from which on the store can be read
	frozen   int          // the node whose process is stopped; -1 if none is
	thaw     int          // the step at which it goes on
	missed   time.Duration
	steps    int
	now      time.Duration
}

type simChat struct {
	id       chat.ChatID
	people   []chat.ParticipantID
	messages []chat.ID
	requests []*request
	watchers []*simWatcher
	due      int64 // the entry that watchers must have got in the end
}

// request is what a client wants; it repeats it with the same ClientToken until it
// gets an answer, and sometimes after that.
type request struct {
	cmd      chat.Command
	since    time.Duration
	answered bool
	id       chat.ID
	at       time.Time
}

type simWatcher struct {
	*watcher
	node   *node.Node
	parted bool

	after  int64 // where it began
	opened int64 // from where on it has all
	missed []chat.Entry
}

func newSim(t *testing.T, seed int64) *sim {
	s := &sim{world: newWorld(t, 0), Rand: rand.New(rand.NewPCG(uint64(seed), 1)), frozen: -1}
	for range 3 {
		skew := time.Duration(s.IntN(240_000)-120_000) * time.Millisecond
		if seed%2 == 0 {
			s.addNode(skew)
		} else {
			s.addLossyNode(skew)
		}
	}
	s.run()
	for i := range 2 {
		set := settings
		set.Minutes = 5 + s.IntN(40) // more than the clocks differ
		set.Flow.Steps = []chat.Step{{Say: "welcome"}}
		id, jane, err := s.nodes[s.IntN(3)].Start(s.ctx, set, nil, fmt.Sprint("start", i))
		again, same, err2 := s.nodes[s.IntN(3)].Start(s.ctx, set, nil, fmt.Sprint("start", i))
		if err != nil || err2 != nil || id != again || jane != same {
			t.Fatalf("starts: %v, %v", err, err2)
		}
		if !s.chance(4) {
			s.do(s.IntN(3), id, chat.Connect{By: jane})
		}
		s.chats = append(s.chats, &simChat{id: id, people: []chat.ParticipantID{jane}})
	}
	return s
}

// chance is true in one of n cases.
func (s *sim) chance(n int) bool { return s.IntN(n) == 0 }

func (s *sim) step() {
	s.steps++
	c, n := s.chats[s.IntN(2)], s.IntN(3)
	s.breakBus()
	s.breakNodes()
	if n == s.frozen {
		n = (n + 1) % 3 // clients give up on it
	}
	if s.chance(30) {
		s.readable = s.steps + s.IntN(4)
		s.store.onRead(failing("Entries"))
	}
	if s.steps >= s.readable {
		s.store.onRead(nil)
	}
	switch {
	case s.chance(8):
		s.comeOrGo(c, n)
	case s.chance(40):
		s.restart(n)
	}
	ctx, cancel := context.WithCancel(context.WithValue(s.ctx, drawn{}, true))
	s.store.next(s.fault(c, n+1, cancel), s.fault(c, n+2, cancel))
	s.request(ctx, c, n)
	s.store.next()
	cancel()
	d := time.Duration(s.IntN(1500)) * time.Millisecond
	if s.chance(10) {
		d = time.Duration(s.IntN(120)) * time.Second
	}
	s.now += d
	for i, c := range s.clocks { // one after the other, so that it is always the same
		if i == s.frozen {
			s.missed += d
			continue
		}
		c.Advance(d)
		synctest.Wait()
	}
}

// request has a client ask, or ask again, on a node.
func (s *sim) request(ctx context.Context, c *simChat, n int) {
	r := &request{cmd: s.command(c), since: s.now}
	if len(c.requests) > 0 && s.chance(3) {
		old := c.requests[len(c.requests)-1-s.IntN(min(5, len(c.requests)))]
		if s.now-old.since < chat.TokenWindow/2 {
			r = old
		}
	}
	if !slices.Contains(c.requests, r) {
		c.requests = append(c.requests, r)
	}
	out, err := s.nodes[n].Do(ctx, c.id, r.cmd)
	switch {
	case err == nil:
	case reason(err) != 0, errors.Is(err, errDisk), errors.Is(err, node.ErrBusy), errors.Is(err, context.Canceled):
		return
	default:
		s.Fatalf("%T: %v", r.cmd, err)
	}
	switch r.cmd.(type) {
	case chat.SendMessage, chat.AddParticipant:
	default:
		return // has no ClientToken
	}
	if r.answered && (r.id != out.ID || !r.at.Equal(out.At)) {
		s.Fatalf("%+v was answered with %v %v, and then with %v %v", r.cmd, r.id, r.at, out.ID, out.At)
	}
	if _, said := r.cmd.(chat.SendMessage); said {
		c.messages = append(c.messages, out.ID)
	} else if !r.answered {
		c.people = append(c.people, chat.ParticipantID{ID: out.ID})
	}
	r.answered, r.id, r.at = true, out.ID, out.At
}

func (s *sim) command(c *simChat) chat.Command {
	by, token := c.people[s.IntN(len(c.people))], fmt.Sprint(c.id, len(c.requests))
	switch n := s.IntN(40); {
	case n < 4:
		return chat.Connect{By: by}
	case n < 7:
		return chat.AddParticipant{Role: chat.Agent, Name: "Joe", Token: token}
	case n < 10:
		return typing(by)
	case n < 14 && len(c.messages) > 0:
		id := c.messages[s.IntN(len(c.messages))]
		return chat.SendEvent{By: by, Type: chat.EventRead, Content: fmt.Sprintf(`{"messageId":"%v"}`, id)}
	case n < 15 && by != c.people[0] || n < 15 && s.chance(10):
		return chat.Leave{By: by}
	case n < 16:
		return chat.Tick{}
	case n < 17 && s.chance(8):
		return chat.Stop{}
	case n < 18:
		return chat.UpdateAttributes{Attributes: map[string]string{"k": token}}
	}
	return say(by, "hello", token)
}
