package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

func TestDrain(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	idle := w.dial(who)
	idle.ping()
	for i := range 100 {
		w.say(who, fmt.Sprint(i))
	}
	result := make(chan error)
	go func() { result <- w.server.Drain(context.Background()) }()
	for i := range 100 { // nothing that was queued is lost
		c.wantItems(fmt.Sprint(i))
	}
	c.wantClose(closeRestart)
	w.dial(who).wantRefused(closeRestart, "shut down") // idle keeps Drain waiting
	idle.wantClose(closeRestart)
	if err := <-result; err != nil {
		t.Error(err)
	}
	wantNoGoroutine(t)
	if s := w.server.Stats(); s.Open != 0 {
		t.Errorf("%+v", s)
	}
	w.say(who, "nobody hears it")
}

// A client that is just being let in when draining begins is told, and waited for.
func TestDrainWhileOpening(t *testing.T) {
	w := newWorld(t, Config{})
	opening, drained := make(chan struct{}), make(chan error, 1)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.server.ServeHTTP(&slowDoor{rw, opening, w.server}, r)
	}))
	defer front.Close()
	go func() {
		<-opening
		drained <- w.server.Drain(context.Background())
	}()
	url := w.url(w.start())
	c := w.dialURL("ws" + strings.TrimPrefix(front.URL, "http") + url[strings.Index(url, "?"):])
	c.wantClose(closeRestart)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	wantNoGoroutine(t)
}

// slowDoor hands a connection over only when the server drains.
type slowDoor struct {
	http.ResponseWriter
	opening chan struct{}
	server  *Server
}

func (d *slowDoor) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	close(d.opening)
	for {
		d.server.mu.Lock()
		draining := d.server.draining
		d.server.mu.Unlock()
		if draining {
			return http.NewResponseController(d.ResponseWriter).Hijack()
		}
		runtime.Gosched()
	}
}

func TestDrainCutsOff(t *testing.T) {
	w := newWorld(t, Config{QueueFrames: 1 << 20, QueueBytes: 1 << 30})
	who := w.start()
	deaf := w.join(who)
	body := strings.Repeat("x", 16_000)
	for range 1_000 {
		w.say(who, body)
	}
	w.dialURL(w.base) // one that is being refused
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.server.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantNoGoroutine(t)
	for {
		if _, err := deaf.read(); err != nil {
			break
		}
	}
}

func TestDrainOfNothing(t *testing.T) {
	w := newWorld(t, Config{})
	for range 2 {
		if err := w.server.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// A panic concerns only the socket that it happened on.
func TestPanic(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	good := w.join(who)
	good.wantItems("participant.joined")
	agent := w.dial(w.add(who.chat, chat.Agent))
	w.store.mode.Store(panics)
	agent.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
	agent.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`)
	w.store.mode.Store(works)
	agent.subscribe()
	good.wantItems("participant.joined")
	w.say(who, "on")
	good.wantItems("on")
}

// An entry that can't be shown is left out, and hurts nobody.
func TestBadEntry(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	w.hub(who.chat).receive(bus.Notice{Entries: []chat.Entry{{Kind: chat.KindReceipt}}})
	w.say(who, "on")
	c.wantItems("on")
}

func wantNoGoroutine(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	for _, f := range []string{"socket.(*socket).run", "socket.(*outbox).write"} {
		if strings.Contains(stacks, f) {
			t.Errorf("a goroutine is left:\n%s", stacks)
		}
	}
}

// A node that hands its clients over does so one after another, and lets those stay who
// come back to it.
func TestSpread(t *testing.T) {
	w := newWorld(t, Config{})
	var clients []*client
	for range 3 {
		clients = append(clients, w.join(w.start()))
	}
	spread := make(chan struct{})
	go func() {
		w.server.Spread(context.Background(), 3*time.Minute)
		close(spread)
	}()
	ends := make(chan error, len(clients))
	for _, c := range clients {
		go func() {
			for {
				if _, err := c.read(); err != nil {
					ends <- err
					return
				}
			}
		}()
	}
	for range clients {
		if err := w.clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
		if err := <-ends; !websocket.IsCloseError(err, closeRestart) {
			t.Error(err)
		}
	}
	<-spread
	late := w.join(w.start())
	late.wantItems("participant.joined")
	late.ping()
}
