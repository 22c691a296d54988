package socket

import (
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// kinds gives the kinds of a chat's entries from now on.
func (w *world) kinds(id chat.ChatID) <-chan chat.Kind {
	w.Helper()
	all := make(chan chat.Kind, 100)
	_, stop, err := w.node.Watch(w.Context(), id, func(n bus.Notice) {
		for i := range n.Entries {
			all <- n.Entries[i].Kind
		}
	})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(stop)
	return all
}

// wantKinds waits for entries.
func (w *world) wantKinds(from <-chan chat.Kind, want ...chat.Kind) {
	w.Helper()
	var got []chat.Kind
	for range want {
		select {
		case k := <-from:
			got = append(got, k)
		case <-time.After(patience):
		}
	}
	if !slices.Equal(got, want) {
		w.Fatalf("got the entries %v, want %v", got, want)
	}
}

// served starts a chat whose agents count as gone after a minute without websocket, and
// gives the customer, and an agent who has joined.
func (w *world) served() (customer, agent member) {
	w.Helper()
	customer = w.begin(chat.Settings{AgentGone: 60})
	agent = w.add(customer.chat, chat.Agent)
	w.do(customer.chat, chat.Connect{By: customer.participant})
	w.do(customer.chat, chat.Connect{By: agent.participant})
	return customer, agent
}

// The chat is told when an agent's last socket is gone, and when there is one again; not
// when one of two is gone (semantics.md 3.6).
func TestLost(t *testing.T) {
	w := newWorld(t, Config{ReportLost: true})
	_, agent := w.served()
	kinds := w.kinds(agent.chat)
	first, second := w.join(agent), w.join(agent)
	_ = first.Close()
	w.say(agent, "still here")
	second.wantItems("still here")
	_ = second.Close()
	w.wantKinds(kinds, chat.KindMessage, chat.KindLost)
	third := w.join(agent)
	w.wantKinds(kinds, chat.KindFound)
	third.send(`{"topic":"aws/unsubscribe","content":{"topics":["aws/chat"]}}`)
	w.wantKinds(kinds, chat.KindLost)
	third.want(`{"topic":"aws/unsubscribe","content":{"status":"success","topics":["aws/chat"]}}`)
	w.clock.Advance(time.Minute + time.Second)
	w.do(agent.chat, chat.Tick{})
	w.wantKinds(kinds, chat.KindLeft, chat.KindEnded)
}

// Another node lost its last socket of an agent who has one here: the chat is told so.
func TestLostElsewhere(t *testing.T) {
	w := newWorld(t, Config{ReportLost: true})
	customer, agent := w.served()
	a := w.join(agent)
	kinds := w.kinds(agent.chat)
	w.do(agent.chat, chat.Lost{By: agent.participant})
	w.wantKinds(kinds, chat.KindLost, chat.KindFound)
	a.ping()

	other := w.add(customer.chat, chat.Agent) // who has none here
	w.do(other.chat, chat.Connect{By: other.participant})
	w.do(other.chat, chat.Lost{By: other.participant})
	w.wantKinds(kinds, chat.KindAdded, chat.KindContact, chat.KindInvited, chat.KindJoined, chat.KindFound, chat.KindLost)
	w.say(customer, "hello")
	w.wantKinds(kinds, chat.KindMessage)
	a.wantItems("participant.invited", "participant.joined", "hello")
}

// A node has died. When the customer comes to this one, the chat is told that the agent has no
// websocket, who comes back in time or doesn't; not that one who never had one hasn't.
func TestLostWithItsNode(t *testing.T) {
	w := newWorld(t, Config{ReportLost: true})
	customer, agent := w.served()
	other := w.add(customer.chat, chat.Agent)
	w.do(other.chat, chat.Connect{By: other.participant, Via: chat.ViaRequest})
	kinds := w.kinds(customer.chat)
	c := w.join(customer)
	w.wantKinds(kinds, chat.KindLost)
	second := w.join(customer)
	w.join(agent)
	w.wantKinds(kinds, chat.KindFound)
	w.say(other, "here")
	w.wantKinds(kinds, chat.KindMessage)
	c.wantItems("here")
	second.wantItems("here")
}

// Nothing is told where nothing would come of it, nor when the server is being shut down:
// its clients come back.
func TestLostIsNotTold(t *testing.T) {
	for name, tell := range map[string]bool{"by default": false, "while draining": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Config{ReportLost: tell})
			_, agent := w.served()
			a := w.join(agent)
			kinds := w.kinds(agent.chat)
			if tell {
				w.drain()
			} else {
				_ = a.Close()
			}
			for deadline := time.Now().Add(patience); w.hub(agent.chat) != nil; runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Fatal("the socket is not gone")
				}
			}
			w.say(agent, "next")
			w.wantKinds(kinds, chat.KindMessage)
		})
	}
}

// That it could not be told is logged.
func TestLostFails(t *testing.T) {
	log := &lines{}
	w := newWorld(t, Config{ReportLost: true, Log: slog.New(slog.NewTextHandler(log, nil))})
	_, agent := w.served()
	a := w.join(agent)
	w.store.mode.Store(fails)
	_ = a.Close()
	for deadline := time.Now().Add(patience); !log.has("could not be stored"); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("nothing was logged")
		}
	}
	if line := log.find(t, "could not be stored"); !strings.Contains(line, agent.participant.String()) {
		t.Errorf("who it is about is missing in: %s", line)
	}
	w.store.mode.Store(works)
}
