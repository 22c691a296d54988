package socket

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

func TestHappyPath(t *testing.T) { // semantics.md 14 A
	w := newWorld(t, Config{})
	customer := w.start(chat.Step{Say: "Welcome"}, chat.Step{Queue: "Basic"})
	c := w.join(customer)
	c.wantItems("participant.joined", "Welcome")

	agent := w.add(customer.chat, chat.Agent)
	a := w.join(agent)
	both := []*client{c, a}
	for _, k := range both {
		it := k.item()
		if short(it) != "participant.joined" || it.ParticipantRole != "AGENT" || it.InitialContactId != customer.chat.String() {
			t.Fatalf("got %+v", it)
		}
	}
	w.do(customer.chat, chat.SendEvent{By: customer.participant, Type: chat.EventTyping})
	out := w.say(customer, "hi")
	w.do(customer.chat, chat.SendEvent{By: agent.participant, Type: chat.EventRead, Content: fmt.Sprintf(`{"messageId":%q}`, out.ID)})
	for _, k := range both {
		k.wantItems("typing")
		if it := k.item(); it.Id != out.ID.String() || it.AbsoluteTime != wire.Time(out.At) || it.Content != "hi" {
			t.Errorf("got %+v", it)
		}
		it := k.item()
		if it.Type != "MESSAGEMETADATA" || it.MessageMetadata.Receipts[0].RecipientParticipantId != agent.participant.String() {
			t.Errorf("got %+v", it)
		}
	}
	w.do(customer.chat, chat.Leave{By: customer.participant})
	for _, k := range both {
		k.wantItems("participant.left", "chat.ended")
	}
	w.leap(5*time.Second - 1)
	c.ping()
	a.ping()
	w.leap(1)
	c.wantClose(closeNormal)
	a.wantClose(closeNormal)
}

// A signal that another node has let through before it knew of the end.
func TestNothingComesAfterTheEnd(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	w.do(who.chat, chat.Stop{})
	w.hub(who.chat).receive(bus.Notice{Signals: []chat.Signal{{By: chat.Author{ID: who.participant}, ContentType: chat.EventTyping}}})
	c.wantItems("participant.joined", "participant.left", "chat.ended")
	c.ping()
}

func TestEnvelope(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	out := w.say(who, "<b>\"é\u2028\\\n")
	item := fmt.Sprintf(`{\"AbsoluteTime\":\"%s\",\"Content\":\"<b>\\\"é`+"\u2028"+`\\\\\\n\",\"ContentType\":\"text/plain\",\"Id\":\"%s\",\"Type\":\"MESSAGE\",`+
		`\"ParticipantId\":\"%s\",\"DisplayName\":\"Jane\",\"ParticipantRole\":\"CUSTOMER\",\"InitialContactId\":\"%s\",\"ContactId\":\"%s\"}`,
		wire.Time(out.At), out.ID, who.participant, who.chat, who.chat)
	c.want(`{"content":"` + item + `","contentType":"application/json","topic":"aws/chat"}`)
}

func TestRotation(t *testing.T) { // semantics.md 14 B
	w := newWorld(t, Config{})
	who := w.start()
	first := w.join(who)
	first.wantItems("participant.joined")
	second := w.dial(who)
	second.ping()
	w.say(who, "1")
	first.wantItems("1")
	second.subscribe() // no second joined
	w.say(who, "2")
	first.wantItems("2")
	second.wantItems("1", "2")
	_ = first.Close()
	w.say(who, "3")
	second.wantItems("3")
	second.ping()
}

// A client that reads the transcript as soon as its socket is open has, with what comes on
// the socket, all there is, however long the server takes to come to its subscribe.
func TestNothingIsMissedBeforeTheSubscribe(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.begin(chat.Settings{ResponseMode: chat.Incremental, Flow: chat.Flow{Steps: []chat.Step{
		{Wait: chat.WaitAgent}, {Say: "for the agent", To: chat.ToAgent}, {Say: "One two.", Stream: chat.StreamSplit},
	}}})
	first := w.join(customer)
	first.wantItems("participant.joined")
	before := w.say(customer, "before")
	c := w.dial(customer)
	c.ping()
	w.join(w.add(customer.chat, chat.Agent))
	w.say(customer, "1")
	first.wantItems("before", "participant.joined", "One ", "two.", "One two.", "1")
	w.store.mode.Store(fails)
	c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`)
	w.store.mode.Store(works)
	w.say(customer, "2")
	c.subscribe()
	c.wantItems("participant.joined", "One ", "two.", "One two.", "1", "2")
	log, err := w.store.Entries(t.Context(), customer.chat, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(log, func(e chat.Entry) bool { return e.ID == before.ID })
	w.hub(customer.chat).receive(bus.Notice{Entries: log[i : i+1]}) // as if it were late
	c.ping()
	c.send(`{"topic":"aws/unsubscribe","content":{"topics":["aws/chat"]}}`)
	c.want(`{"topic":"aws/unsubscribe","content":{"status":"success","topics":["aws/chat"]}}`)
	w.say(customer, "not wanted")
	c.subscribe()
	w.say(customer, "3")
	c.wantItems("3")
}

// A client whose subscribe failed gives up after a while, and is subscribed all the same
// when the store is back.
func TestSubscribeIsMadeUpFor(t *testing.T) {
	const heartbeat, failed = `{"topic":"aws/heartbeat"}`, `{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`
	w := newWorld(t, Config{})
	customer := w.start()
	agent := w.join(w.add(customer.chat, chat.Agent))
	agent.wantItems("participant.joined")
	c := w.dial(customer)
	c.send(heartbeat)
	c.want(heartbeat) // not wanted yet
	w.store.mode.Store(fails)
	for range 5 {
		c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
		c.want(failed)
	}
	c.send(heartbeat)
	c.want(heartbeat)
	c.ping()
	w.store.mode.Store(works)
	c.send(heartbeat)
	c.want(heartbeat)
	c.want(`{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}`)
	c.wantItems("participant.joined")
	c.send(heartbeat)
	c.want(heartbeat)
	c.ping()

	late := w.dial(customer)
	w.store.mode.Store(fails)
	late.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
	late.want(failed)
	w.store.mode.Store(works)
	w.do(customer.chat, chat.Stop{})
	late.send(heartbeat)
	late.want(heartbeat)
	late.want(failed)
	w.leap(refusedFor)
	late.wantClose(closePolicy)
}

// A socket that is opened while the store is away, and subscribed later, gets what was said
// in between: its client has read the transcript before that.
func TestNothingIsMissedAfterAnOutage(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.start()
	agent := w.join(w.add(customer.chat, chat.Agent))
	agent.wantItems("participant.joined")
	w.join(customer).wantItems("participant.joined")
	w.say(customer, "before")
	agent.wantItems("participant.joined", "before")
	w.clock.Advance(time.Second)
	w.store.mode.Store(fails)
	c, idle := w.dial(customer), w.dial(customer)
	c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`)
	idle.send(`{"topic":"aws/unsubscribe","content":{"topics":["aws/chat"]}}`)
	idle.want(`{"topic":"aws/unsubscribe","content":{"status":"success","topics":["aws/chat"]}}`)
	w.store.mode.Store(works)
	w.clock.Advance(time.Second)
	w.say(customer, "meanwhile")
	c.send(`{"topic":"aws/heartbeat"}`)
	c.want(`{"topic":"aws/heartbeat"}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}`)
	c.wantItems("meanwhile")
	idle.subscribe()
	w.say(customer, "now")
	c.wantItems("now")
	idle.wantItems("now")
}

func TestReconnect(t *testing.T) { // semantics.md 14 D
	w := newWorld(t, Config{})
	who := w.start()
	other := w.join(w.add(who.chat, chat.Agent))
	other.wantItems("participant.joined")
	for i := range 3 {
		c := w.join(who)
		if i == 0 {
			c.wantItems("participant.joined") // once
			other.wantItems("participant.joined")
		}
		w.say(who, "on")
		c.wantItems("on")
		_ = c.NetConn().(*net.TCPConn).SetLinger(0) // a reset, not a good-bye
		_ = c.Close()
		w.say(who, "off")
		other.wantItems("on", "off")
	}
	other.ping()
}

func TestJoinOfTheLateSocketIsSeenByTheEarly(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.start()
	watcher := w.join(w.add(customer.chat, chat.Supervisor))
	watcher.ping() // nobody sees a supervisor who watches
	c := w.join(customer)
	c.wantItems("participant.joined")
	watcher.wantItems("participant.joined")
}

func TestWhoLeavesHearsOnlyOfTheEnd(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.start()
	c := w.join(customer)
	bot := w.add(customer.chat, chat.CustomBot)
	b := w.join(bot)
	c.wantItems("participant.joined", "participant.joined")
	b.wantItems("participant.joined")

	w.do(customer.chat, chat.Leave{By: bot.participant})
	w.say(customer, "they are gone")
	w.do(customer.chat, chat.SendEvent{By: customer.participant, Type: chat.EventTyping})
	c.wantItems("participant.left", "they are gone", "typing")
	b.wantItems("participant.left")
	b.ping()
	w.do(customer.chat, chat.Stop{})
	b.wantItems("participant.left", "chat.ended")
	w.leap(leaveAfter)
	b.wantClose(closeNormal)
}

func TestWithdrawnParticipantsSocketIsClosed(t *testing.T) {
	w := newWorld(t, Config{})
	customer := w.start()
	watching := w.add(customer.chat, chat.Supervisor)
	s := w.join(watching)
	w.do(customer.chat, chat.Leave{By: watching.participant})
	s.ping()
	w.leap(leaveAfter)
	s.wantClose(closeNormal)
}

func TestChatsAreApart(t *testing.T) {
	w := newWorld(t, Config{})
	a, b := w.start(), w.start()
	ca, cb := w.join(a), w.join(b)
	ca.wantItems("participant.joined")
	cb.wantItems("participant.joined")
	w.say(a, "for a")
	cb.ping()
	ca.wantItems("for a")
}

func TestHubsEnd(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	for range 3 {
		c := w.dial(who)
		c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
		c.send(`{"topic":"aws/unsubscribe","content":{"topics":["aws/chat"]}}`)
		for text := ""; !strings.Contains(text, "aws/unsubscribe"); {
			var err error
			if text, err = c.read(); err != nil {
				t.Fatal(err)
			}
		}
		c.ping()
		if w.hub(who.chat) != nil {
			t.Fatal("there is a hub that nobody needs")
		}
	}
}

// A client that stops reading is cut off; the others get everything meanwhile.
func TestSlowReader(t *testing.T) {
	w := newWorld(t, Config{QueueFrames: 8})
	who := w.start()
	good, slow := w.join(who), w.join(who)
	good.wantItems("participant.joined")
	body := strings.Repeat("x", 16_000)
	sent := 0
	for ; w.server.Stats().Slow == 0; sent++ {
		if sent == 10_000 {
			t.Fatal("the slow reader was not cut off")
		}
		w.say(who, fmt.Sprint(sent, " ", body))
		good.wantItems(fmt.Sprint(sent, " ", body))
	}
	w.say(who, "more")
	good.wantItems("more")
	for n := 0; ; n++ { // what it gets after all has no gap
		text, err := slow.read()
		if websocket.IsCloseError(err, closeTryAgain) {
			break
		}
		if err != nil || n == sent {
			t.Fatalf("after %d of %d: %v", n, sent, err)
		}
		if it, err := unwrap(text); err != nil || !strings.HasPrefix(it.Content, fmt.Sprint(n, " ")) {
			t.Fatalf("item %d is %.20q, %v", n, it.Content, err)
		}
	}
}

// The size of what waits is bounded too.
func TestLargeQueue(t *testing.T) {
	w := newWorld(t, Config{QueueBytes: 2_000})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	w.say(who, "fits")
	c.wantItems("fits")
	c.ping()
	w.say(who, strings.Repeat("x", 2_000))
	w.say(who, "comes too late")
	c.wantClose(closeTryAgain)
	if n := w.server.Stats().Slow; n != 1 {
		t.Errorf("%d slow readers", n)
	}
}

// One whose connection takes nothing at all any more is cut off by the clock.
func TestStuckWrite(t *testing.T) {
	w := newWorld(t, Config{QueueFrames: 1 << 20, QueueBytes: 1 << 30})
	who := w.start()
	good, stuck := w.join(who), w.join(who)
	good.wantItems("participant.joined")
	body := strings.Repeat("x", 16_000)
	for range 1_000 { // more than the kernel takes
		w.say(who, body)
		good.wantItems(body)
	}
	for range 1_000 {
		if w.server.Stats().Slow == 1 {
			break
		}
		good.ping()
		w.settle(1)
		for range writeWithin {
			w.leap(time.Second)
		}
	}
	if n := w.server.Stats().Slow; n != 1 {
		t.Fatalf("%d slow readers", n)
	}
	for {
		if _, err := stuck.read(); err != nil {
			break
		}
	}
	w.say(who, "on")
	good.wantItems("on")
}
