package socket

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/token"
)

func TestExpiry(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	url := w.url(who)
	w.clock.Advance(90 * time.Second) // the time runs from the making of the URL
	c := w.dialURL(url)
	c.subscribe()
	c.wantItems("participant.joined")
	for range 12 {
		w.leap(5 * time.Minute)
		c.ping()
	}
	w.leap(token.SocketLife - 12*5*time.Minute - 90*time.Second - time.Millisecond)
	c.ping()
	w.leap(time.Millisecond)
	c.wantClose(closeGoingAway)
}

// A clock that leaps doesn't make clients seem silent.
func TestLeap(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c, idle := w.join(who), w.dial(who)
	w.leap(token.SocketLife - time.Second)
	w.say(who, "hi")
	c.wantItems("participant.joined", "hi")
	idle.ping()
}

func TestSilence(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	const silent = 10 * 60
	w.pass(silent - 1)
	c.ping()
	w.say(who, "hi") // what the server sends doesn't count
	c.wantItems("hi")
	w.pass(silent - 1)
	c.pingByProtocol()
	w.pass(silent - 1)
	c.ping()
	w.pass(silent)
	c.wantClose(closeGoingAway)
}

// pingByProtocol sends a ping that is no text frame, as Android does, and waits for its pong.
func (c *client) pingByProtocol() {
	c.Helper()
	deadline := time.Now().Add(patience)
	if err := c.WriteControl(websocket.PingMessage, nil, deadline); err != nil {
		c.Fatal(err)
	}
	if err := c.NetConn().SetReadDeadline(deadline); err != nil {
		c.Fatal(err)
	}
	var pong [2]byte // read past the library, which answers with text frames only
	if _, err := io.ReadFull(c.NetConn(), pong[:]); err != nil || pong != [2]byte{0x8a, 0} {
		c.Fatalf("got % x, %v; want a pong", pong, err)
	}
}

func TestNeverSubscribed(t *testing.T) {
	w := newWorld(t, Config{})
	c := w.dial(w.start())
	c.ping() // now the server knows of it
	w.pass(100 - 1)
	c.ping()
	w.pass(1)
	c.wantClose(closeGoingAway)
}

// A client that doesn't answer the close frame is cut off.
func TestUnansweredClose(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	c.SetCloseHandler(func(int, string) error { return nil })
	w.do(who.chat, chat.Stop{})
	c.wantItems("participant.left", "chat.ended")
	w.leap(leaveAfter)
	c.wantClose(closeNormal)
	if n := w.server.Stats().Open; n != 1 {
		t.Fatalf("%d open", n)
	}
	w.pass(closeWithin)
	if _, err := c.NetConn().Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
}

func TestRun(t *testing.T) {
	w := newWorld(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		w.server.Run(ctx)
		close(done)
	}()
	if err := w.clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c := w.dial(w.start())
	c.ping()
	w.settle(0)
	for range subscribeWithin {
		w.clock.Advance(time.Second)
		if err := w.clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	c.wantClose(closeGoingAway)
	cancel()
	<-done
}
