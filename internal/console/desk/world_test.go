package desk_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/console/desk"
	"github.com/parley-chat/parley/internal/console/meter"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/store/memstore"
	"github.com/parley-chat/parley/internal/token"
)

var begin = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// people are the users of the tests. Bob and Sue serve support, Tom serves orders, Max
// looks after all of them. Passwords are ids.
const people = `
users:
  - {id: bob, name: Bob, password: bob}
  - {id: sue, name: Sue, password: sue}
  - {id: tom, name: Tom, password: tom}
  - {id: max, name: Max, role: supervisor, password: max}
queues:
  - {id: support, name: Support, users: [bob, sue]}
  - {id: orders, name: Orders, users: [tom]}
`

// world is a desk on a node with a store in memory.
type world struct {
	t      *testing.T
	clock  *clockwork.FakeClock
	node   *node.Node
	blobs  *served.Store
	tokens *token.Keyring
	desk   *desk.Desk
	http   http.Handler
}

func newWorld(t *testing.T, local bool, change ...func(*desk.Config)) *world {
	t.Helper()
	keys, err := token.NewKeyring([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	_, sections, err := config.Parse(strings.NewReader(people))
	if err != nil {
		t.Fatal(err)
	}
	c, err := center.New(sections, center.Options{
		Instance: center.Instance{ID: "i", AccountID: "000000000000"}, FlowID: "built-in", Queue: "support", Tokens: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clockwork.NewFakeClockAt(begin), tokens: keys}
	w.node = node.New(node.Config{Store: memstore.New(), Bus: localbus.New(), Clock: w.clock})
	t.Cleanup(w.node.Close)
	w.blobs = memblob.New(served.Config{Base: "https://chat.example.com", Tokens: keys, Clock: w.clock})
	dc := desk.Config{
		Node: w.node, Center: c, Tokens: keys, Clock: w.clock, Local: local, FlowID: "built-in", Attachments: true, Blobs: w.blobs,
		Meter: meter.New(), Sockets: func() int { return 7 },
	}
	for _, f := range change {
		f(&dc)
	}
	w.desk = desk.New(dc)
	w.http = restjson.Edge(w.desk, slog.New(slog.DiscardHandler), restjson.EdgeOptions{})
	return w
}

// start begins a chat that waits in a queue; its customer has said what is given.
func (w *world) start(name, queue string, said ...string) person {
	w.t.Helper()
	w.clock.Advance(time.Second)
	id, customer, err := w.node.Start(context.Background(), chat.Settings{
		Instance: "i", Customer: chat.Author{Name: name}, ContentTypes: []string{chat.TypePlain},
		Flow: chat.Flow{Steps: []chat.Step{{Say: "Welcome"}, {Queue: queue}}},
	}, nil, "")
	if err != nil {
		w.t.Fatal(err)
	}
	p := person{w, id, customer}
	p.connect()
	for _, text := range said {
		p.say(text)
	}
	return p
}

// person is somebody in a chat.
type person struct {
	w    *world
	chat chat.ChatID
	id   chat.ParticipantID
}

func (p person) do(cmd chat.Command) {
	p.w.t.Helper()
	if _, err := p.w.node.Do(context.Background(), p.chat, cmd); err != nil {
		p.w.t.Fatal(err)
	}
	p.w.desk.Forget()
}

func (p person) connect() { p.w.t.Helper(); p.do(chat.Connect{By: p.id, Via: chat.ViaRequest}) }

func (p person) say(text string) {
	p.w.t.Helper()
	p.do(chat.SendMessage{By: p.id, Content: chat.Content{Type: chat.TypePlain, Text: text}})
}

func (p person) contact() string { return p.chat.FirstContact().String() }

// browser keeps a cookie.
type browser struct {
	w      *world
	cookie *http.Cookie
	from   string // its address
}

// answer is what came back.
type answer struct {
	status int
	code   string
	body   string
	header http.Header
}

func (b *browser) ask(method, path, body string) answer {
	b.w.t.Helper()
	r := httptest.NewRequest(method, "/console/api/"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if b.from != "" {
		r.RemoteAddr = b.from + ":1234"
	}
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	rec := httptest.NewRecorder()
	b.w.http.ServeHTTP(rec, r)
	res := rec.Result()
	for _, c := range res.Cookies() {
		if b.cookie = c; c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("X-Amzn-ErrorType"), string(text), res.Header}
}

// must asks and reads the answer into out, if that is not nil.
func (b *browser) must(method, path, body string, out any) {
	b.w.t.Helper()
	a := b.ask(method, path, body)
	if a.status != http.StatusOK {
		b.w.t.Fatalf("%s %s %s: %d %s", method, path, body, a.status, a.body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(a.body), out); err != nil {
		b.w.t.Fatalf("%s: %v", a.body, err)
	}
}

// refused asks and wants an error.
func (b *browser) refused(method, path, body string, status int, message string) {
	b.w.t.Helper()
	if a := b.ask(method, path, body); a.status != status || !strings.Contains(a.body, message) {
		b.w.t.Errorf("%s %s %.100s: %d %s, want %d %q", method, path, body, a.status, a.body, status, message)
	}
}

// as signs a user in.
func (w *world) as(user string) *browser {
	w.t.Helper()
	b := &browser{w: w}
	b.must("POST", "sign-in", `{"User":"`+user+`","Password":"`+user+`"}`, nil)
	return b
}

// board is what a user's desk shows: the customers' names.
func (b *browser) board() (names string) {
	b.w.t.Helper()
	var out desk.Board
	b.must("GET", "board", "", &out)
	for _, c := range out.Contacts {
		names += c.Customer + " " + c.State + ";"
	}
	return names
}

// place gives the participant of a place.
func (w *world) place(p desk.Place) person {
	w.t.Helper()
	claims, err := w.tokens.Verify(token.Participant, p.ParticipantToken, w.clock.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	at := person{w: w}
	at.chat.UUID, at.id.UUID = claims.Chat, claims.Participant
	if at.id.String() != p.ParticipantId || at.chat.String() != p.InitialContactId {
		w.t.Errorf("the token is of %v in %v, not as in %+v", at.id, at.chat, p)
	}
	return at
}

// accept takes a chat and comes into it.
func (b *browser) accept(p person) person {
	b.w.t.Helper()
	var place desk.Place
	b.must("POST", "contacts/"+p.contact()+"/accept", "{}", &place)
	at := b.w.place(place)
	at.connect()
	return at
}
