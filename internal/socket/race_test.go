package socket

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/chat"
)

// Many send while many listen, come and go: whoever is subscribed sees each entry
// exactly once, in the order of the log, from the first one they see to the last.
func TestManySendersManySockets(t *testing.T) {
	const senders, each = 4, 60
	w := newWorld(t, Config{QueueFrames: 10_000})
	customer := w.start()
	people := []member{customer, w.add(customer.chat, chat.Agent), w.add(customer.chat, chat.Agent)}
	var listeners []*client
	for _, who := range people {
		listeners = append(listeners, w.join(who), w.join(who))
	}
	late := w.dial(people[0])

	var senderWG, listenerWG sync.WaitGroup
	seen := make([][]string, len(listeners)+1)
	listen := func(i int, c *client) {
		listenerWG.Go(func() { seen[i] = c.untilEnded() })
	}
	for i, c := range listeners {
		listen(i, c)
	}
	for i := range senders {
		senderWG.Go(func() {
			for j := range each {
				who := people[(i+j)%len(people)]
				out := w.say(who, fmt.Sprint(i, j))
				w.do(who.chat, chat.SendEvent{By: who.participant, Type: chat.EventTyping, Token: fmt.Sprint(out.ID)})
				if j == each/2 && i == 0 {
					late.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
					if _, err := late.read(); err != nil { // the reply: subscribed before the end
						t.Error(err)
					}
					listen(len(listeners), late)
				}
			}
		})
	}
	senderWG.Go(func() { // comes and goes
		for range 20 {
			c := w.join(people[1])
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(patience))
			for err := error(nil); err == nil; { // when the answer is here, there is room for another one
				_, err = c.read()
			}
		}
	})
	senderWG.Wait()
	w.do(customer.chat, chat.Stop{})
	listenerWG.Wait()

	log := w.delivered(customer.chat)
	for i, got := range seen {
		if len(got) == 0 || !slices.Equal(got, log[len(log)-len(got):]) {
			t.Errorf("listener %d saw %d entries, which are not the last of the %d in the log", i, len(got), len(log))
		}
	}
	for i := range listeners {
		if want := senders * each; len(seen[i]) < want {
			t.Errorf("listener %d saw %d entries, want %d", i, len(seen[i]), want)
		}
	}
}

// delivered gives the ids of the entries that sockets get.
func (w *world) delivered(id chat.ChatID) []string {
	all, err := w.store.Entries(context.Background(), id, 0, 100_000)
	if err != nil {
		w.Fatal(err)
	}
	var ids []string
	for i := range all {
		if all[i].Delivered() {
			ids = append(ids, all[i].ID.String())
		}
	}
	return ids
}

// untilEnded gives the ids of all items but signals, up to chat.ended.
func (c *client) untilEnded() []string {
	var ids []string
	for {
		text, err := c.read()
		if err != nil {
			c.Error(err)
			return nil
		}
		it, err := unwrap(text)
		switch {
		case err != nil, it.ContentType == chat.EventTyping:
			continue // a reply, or a signal
		}
		ids = append(ids, it.Id)
		if it.ContentType == chat.EventEnded {
			return ids
		}
	}
}

// Sockets of one chat are opened, subscribed, reset and drained all at once.
func TestComingAndGoing(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	people := []member{who}
	for range 5 {
		people = append(people, w.add(who.chat, chat.Agent))
	}
	first := w.join(who)
	first.wantItems("participant.joined")
	var wg sync.WaitGroup
	for _, p := range people {
		wg.Go(func() {
			for i := range 15 {
				c := w.dial(p)
				c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
				if i%2 == 0 {
					_, _ = c.read()
				}
				if i%3 == 0 {
					_ = c.NetConn().(*net.TCPConn).SetLinger(0) // a reset, not a good-bye
				}
				_ = c.Close()
				if i == 5 { // few enough for no write to seem stuck
					w.server.sweep(w.clock.Now())
				}
				_ = w.server.Stats()
			}
		})
	}
	wg.Wait()
	w.say(who, "still here")
	for short(first.item()) != "still here" {
	}
	w.drain()
	wantNoGoroutine(t)
	if n := len(w.server.hubs) + len(w.server.open) + len(w.server.refused); n != 0 {
		t.Errorf("%d things are left", n)
	}
}
