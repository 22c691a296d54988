package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/wire"
)

// patience is how long a test waits for what should come at once, and comes later on a busy
// machine.
const patience = 2 * time.Minute

// world is a server with sockets, on real TCP and under a clock that stands still.
type world struct {
	testing.TB
	clock  *clockwork.FakeClock
	store  *faulty
	node   *node.Node
	tokens *token.Keyring
	server *Server
	base   string
}

func newWorld(t testing.TB, c Config) *world {
	t.Helper()
	w := &world{TB: t, clock: clockwork.NewFakeClock(), store: &faulty{Store: memstore.New()}}
	w.node = node.New(node.Config{Store: w.store, Bus: localbus.New(), Clock: w.clock})
	var err error
	if w.tokens, err = token.NewKeyring(token.NewKey()); err != nil {
		t.Fatal(err)
	}
	c.Node, c.Tokens, c.Clock = w.node, w.tokens, w.clock
	w.server = New(c)
	front := httptest.NewServer(wrapped(w.server))
	w.base = "ws" + strings.TrimPrefix(front.URL, "http") + "/socket"
	t.Cleanup(func() {
		w.drain()
		front.Close()
		w.node.Close()
	})
	return w
}

// faulty is a store that can be told to fail.
type faulty struct {
	store.Store
	mode atomic.Int32
}

const (
	works int32 = iota
	fails
	panics
)

func (f *faulty) Append(ctx context.Context, a store.Append) error {
	switch f.mode.Load() {
	case fails:
		return errors.New("the disk is full")
	case panics:
		panic("the disk is on fire")
	}
	return f.Store.Append(ctx, a)
}

func (f *faulty) Entries(ctx context.Context, id chat.ChatID, after int64, limit int) ([]chat.Entry, error) {
	if f.mode.Load() == fails {
		return nil, errors.New("the disk is full")
	}
	return f.Store.Entries(ctx, id, after, limit)
}

// wrapped hides what a ResponseWriter can do, as middleware does.
func wrapped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "request-1")
		next.ServeHTTP(&writer{w}, r)
	})
}

type writer struct{ http.ResponseWriter }

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// drain cuts everything off.
func (w *world) drain() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.server.Drain(ctx)
}

// leap turns the clock, and has the time-outs kept once.
func (w *world) leap(d time.Duration) {
	w.clock.Advance(d)
	w.server.sweep(w.clock.Now())
}

// pass lets seconds go by, after what is on its way to clients was written: to a
// write that is under way they would seem long.
func (w *world) pass(seconds ticks) {
	w.Helper()
	w.settle(0)
	for range seconds {
		w.leap(time.Second)
	}
}

// settle waits until something is being written to so many sockets only.
func (w *world) settle(left int) {
	w.Helper()
	for deadline := time.Now().Add(patience); w.writing() > left; runtime.Gosched() {
		if time.Now().After(deadline) {
			w.Fatal("a write doesn't end")
		}
	}
}

// writing counts the sockets to which something is being written.
func (w *world) writing() int {
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	n := 0
	for _, list := range w.server.open {
		for _, k := range list {
			k.out.mu.Lock()
			if k.out.writing {
				n++
			}
			k.out.mu.Unlock()
		}
	}
	return n
}

// hub gives a chat's hub, nil if there is none.
func (w *world) hub(id chat.ChatID) *hub {
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	return w.server.hubs[id]
}

// start begins a chat and names its customer.
func (w *world) start(steps ...chat.Step) member {
	w.Helper()
	id, customer, err := w.node.Start(context.Background(), chat.Settings{
		Customer: chat.Author{Name: "Jane"}, Flow: chat.Flow{Steps: steps},
	}, nil, "")
	if err != nil {
		w.Fatal(err)
	}
	return member{id, customer}
}

func (w *world) do(id chat.ChatID, cmd chat.Command) chat.Outcome {
	w.Helper()
	out, err := w.node.Do(context.Background(), id, cmd)
	if err != nil {
		w.Fatalf("%T: %v", cmd, err)
	}
	return out
}

// add gives an agent a token.
func (w *world) add(id chat.ChatID, r chat.Role) member {
	w.Helper()
	out := w.do(id, chat.AddParticipant{Role: r, Name: "Bob"})
	return member{id, chat.ParticipantID{ID: out.ID}}
}

func (w *world) say(who member, text string) chat.Outcome {
	w.Helper()
	return w.do(who.chat, chat.SendMessage{By: who.participant, Content: chat.Content{Type: chat.TypePlain, Text: text}})
}

func (w *world) url(who member) string {
	return w.base + "?token=" + w.tokens.Mint(token.Socket, token.Claims{
		Chat: who.chat.UUID, Participant: who.participant.UUID, Expires: w.clock.Now().Add(token.ConnectWindow),
	})
}

// client is the other end of a socket.
type client struct {
	*world
	*websocket.Conn
}

func (w *world) dialURL(url string) *client {
	w.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close() })
	return &client{w, conn}
}

func (w *world) dial(who member) *client {
	w.Helper()
	return w.dialURL(w.url(who))
}

// join dials and subscribes.
func (w *world) join(who member) *client {
	w.Helper()
	c := w.dial(who)
	c.subscribe()
	return c
}

func (c *client) subscribe() {
	c.Helper()
	c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}`)
}

func (c *client) send(text string) {
	c.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.Fatal(err)
	}
}

func (c *client) read() (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	kind, b, err := c.ReadMessage()
	if err == nil && kind != websocket.TextMessage {
		return "", fmt.Errorf("a frame of type %d", kind)
	}
	return string(b), err
}

// want reads one frame.
func (c *client) want(text string) {
	c.Helper()
	got, err := c.read()
	if err != nil || got != text {
		c.Fatalf("got  %s, %v\nwant %s", got, err, text)
	}
}

// item reads one frame, which carries an item.
func (c *client) item() wire.Item {
	c.Helper()
	text, err := c.read()
	if err != nil {
		c.Fatal(err)
	}
	it, err := unwrap(text)
	if err != nil {
		c.Fatalf("%v: %s", err, text)
	}
	return it
}

func unwrap(frame string) (wire.Item, error) {
	var envelope struct {
		Content            string
		ContentType, Topic string
	}
	var it wire.Item
	if err := json.Unmarshal([]byte(frame), &envelope); err != nil {
		return it, err
	}
	if envelope.Topic != "aws/chat" || envelope.ContentType != "application/json" {
		return it, errors.New("not an item")
	}
	return it, json.Unmarshal([]byte(envelope.Content), &it)
}

// wantItems reads items and compares what they are in short: the last part of the
// event's type, or the message's content.
func (c *client) wantItems(want ...string) {
	c.Helper()
	for _, w := range want {
		it := c.item()
		if got := short(it); got != w {
			c.Fatalf("got item %q, want %q", got, w)
		}
	}
}

func short(it wire.Item) string {
	if it.Type == "MESSAGE" {
		return it.Content
	}
	return strings.TrimPrefix(it.ContentType, chat.EventPrefix)
}

// ping asks for the reply that comes after all that was queued until now: nothing
// else may come before it.
func (c *client) ping() {
	c.Helper()
	c.send(`{"topic":"aws/ping"}`)
	c.want(`{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}`)
}

// wantClose reads the end.
func (c *client) wantClose(code int) {
	c.Helper()
	text, err := c.read()
	var ce *websocket.CloseError
	if !errors.As(err, &ce) || ce.Code != code {
		c.Fatalf("got %q, %v; want close %d", text, err, code)
	}
}
