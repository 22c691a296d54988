package participant_test

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
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/participant"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
	"github.com/parley-chat/parley/internal/token"
)

var begin = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// world is a node with a store in memory, and the API in front of it.
type world struct {
	t      testing.TB
	clock  *clockwork.FakeClock
	store  store.Store
	node   *node.Node
	tokens *token.Keyring
	blobs  *served.Store
	api    *restjson.API
	http   http.Handler
	fault  func(op string, r *http.Request) *restjson.Error
}

func newWorld(t testing.TB) *world { return newWorldOn(t, memstore.New()) }

func newWorldOn(t testing.TB, st store.Store) *world {
	t.Helper()
	keys, err := token.NewKeyring([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clockwork.NewFakeClockAt(begin), store: st, tokens: keys}
	w.node = node.New(node.Config{Store: w.store, Bus: localbus.New(), Clock: w.clock})
	t.Cleanup(w.node.Close)
	w.blobs = memblob.New(served.Config{Base: base, Tokens: keys, Clock: w.clock})
	w.serve(func(*participant.Config) {})
	return w
}

// base is where the world is served, as its URLs have it.
const base = "http://127.0.0.1:8080"

// serve puts the API in front of the node, by another configuration.
func (w *world) serve(change func(*participant.Config)) {
	c := participant.Config{
		Node: w.node, Center: center.Local(), Blobs: w.blobs, Tokens: w.tokens, Clock: w.clock, SocketBase: "ws://127.0.0.1:8080",
		Fault: func(op string, r *http.Request) *restjson.Error {
			if w.fault == nil {
				return nil
			}
			return w.fault(op, r)
		},
	}
	change(&c)
	w.api = participant.New(c)
	mux := http.NewServeMux()
	w.api.Register(mux)
	mux.Handle(served.Path, w.blobs)
	mux.HandleFunc("/", restjson.NotFound)
	w.http = restjson.Edge(mux, slog.New(slog.DiscardHandler), restjson.EdgeOptions{})
}

// configure gives the world the contact center of a configuration file.
func (w *world) configure(file string) *center.Center {
	w.t.Helper()
	_, sections, err := config.Parse(strings.NewReader(file))
	if err != nil {
		w.t.Fatal(err)
	}
	made, err := center.New(sections, center.Options{
		Instance: center.Instance{ID: "i", Region: "eu-central-1", AccountID: "123456789012"}, FlowID: "built-in", Tokens: w.tokens,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.serve(func(c *participant.Config) { c.Center = made })
	return made
}

// person is somebody with tokens.
type person struct {
	chat        chat.ChatID
	id          chat.ParticipantID
	participant string
	connection  string
}

// start begins a chat; its customer has not connected yet.
func (w *world) start(content ...string) person { return w.startWith(chat.Settings{}, content...) }

// startWith begins a chat by other settings.
func (w *world) startWith(set chat.Settings, content ...string) person {
	w.t.Helper()
	set.Instance, set.Customer, set.ContentTypes = "i", chat.Author{Name: "Jane"}, append([]string{chat.TypePlain}, content...)
	id, customer, err := w.node.Start(context.Background(), set, nil, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return w.person(id, customer)
}

// add gives somebody else a place in the chat.
func (w *world) add(p person, role chat.Role) person {
	w.t.Helper()
	out, err := w.node.Do(context.Background(), p.chat, chat.AddParticipant{Role: role, Name: string(role)})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.person(p.chat, chat.ParticipantID{ID: out.ID})
}

func (w *world) person(id chat.ChatID, who chat.ParticipantID) person {
	c := token.Claims{Chat: id.UUID, Participant: who.UUID}
	p := person{chat: id, id: who, participant: w.tokens.Mint(token.Participant, c)}
	c.Expires = w.clock.Now().Add(24 * time.Hour)
	p.connection = w.tokens.Mint(token.Connection, c)
	return p
}

// connected is a chat whose customer is there.
func (w *world) connected(content ...string) person {
	w.t.Helper()
	p := w.start(content...)
	w.must(p.participant, "/participant/connection", `{"ConnectParticipant":true}`, nil)
	return p
}

// answer is what came back.
type answer struct {
	status int
	code   string
	body   string
	header http.Header
}

func (a answer) message() string {
	var e struct{ Message string }
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Message
}

func (w *world) request(method, path, bearer, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, path, http.NoBody)
	}
	r.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		r.Header.Set("X-Amz-Bearer", bearer)
	}
	return r
}

func (w *world) send(r *http.Request) answer {
	rec := httptest.NewRecorder()
	w.http.ServeHTTP(rec, r)
	res := rec.Result()
	body, _ := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("X-Amzn-ErrorType"), string(body), res.Header}
}

func (w *world) post(bearer, path, body string) answer {
	return w.send(w.request("POST", path, bearer, body))
}

// must posts and reads the answer into out, if that is not nil.
func (w *world) must(bearer, path, body string, out any) {
	w.t.Helper()
	a := w.post(bearer, path, body)
	if a.status != 200 {
		w.t.Fatalf("%s %s: %d %s", path, body, a.status, a.body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(a.body), out); err != nil {
		w.t.Fatalf("%s: %v", a.body, err)
	}
}

// refused posts and wants a modelled error.
func (w *world) refused(bearer, path, body string, status int, code, message string) answer {
	w.t.Helper()
	a := w.post(bearer, path, body)
	if a.status != status || a.code != code || !strings.Contains(a.message(), message) {
		w.t.Errorf("%s %.200s: %d %s, want %d %s %q", path, body, a.status, a.body, status, code, message)
	}
	return a
}

// log is all that is stored of a chat.
func (w *world) log(id chat.ChatID) []chat.Entry {
	w.t.Helper()
	entries, err := w.store.Entries(context.Background(), id, 0, 100000)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

// say sends a message.
func (w *world) say(p person, text string) participant.SendMessageOut {
	w.t.Helper()
	var out participant.SendMessageOut
	body, _ := json.Marshal(map[string]string{"ContentType": "text/plain", "Content": text})
	w.must(p.connection, "/participant/message", string(body), &out)
	return out
}
