package socket_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/client/internal/socket"
)

const success = `{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}`

// open opens a socket at a service that behaves as told once it was asked to subscribe.
func open(t *testing.T, clock clockwork.Clock, serve func(*websocket.Conn)) (*socket.Socket, error) {
	t.Helper()
	up := websocket.Upgrader{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		if _, text, err := ws.ReadMessage(); err != nil || !strings.Contains(string(text), "aws/subscribe") {
			t.Errorf("the first frame is %s, %v", text, err)
		}
		serve(ws)
	}))
	t.Cleanup(srv.Close)
	var work sync.WaitGroup
	o := socket.Opener{Dialer: websocket.DefaultDialer, Clock: clock, Work: &work}
	k, err := o.Open(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"))
	t.Cleanup(func() {
		if k != nil {
			k.Drop()
		}
		work.Wait()
	})
	return k, err
}

func send(ws *websocket.Conn, frames ...string) {
	for _, f := range frames {
		_ = ws.WriteMessage(websocket.TextMessage, []byte(f))
	}
}

// drain reads until the client closes.
func drain(ws *websocket.Conn) {
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return
		}
	}
}

func TestItems(t *testing.T) {
	k, err := open(t, clockwork.NewRealClock(), func(ws *websocket.Conn) {
		send(ws, `{"topic":"aws/chat","content":"{\"Id\":\"early\"}"}`, success, ``, `no JSON`,
			`{"topic":"aws/chat","content":{"Id":"an object"}}`, `{"topic":"aws/other","content":"{}"}`,
			`{"topic":"aws/heartbeat"}`, `{"topic":"aws/chat","content":"{\"Id\":\"late\"}"}`)
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1012, "restart"), time.Now().Add(time.Minute))
		drain(ws)
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for it := range k.Items {
		got = append(got, string(it))
	}
	if want := `{"Id":"early"} {"Id":"late"}`; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %s", got, want)
	}
	if !websocket.IsCloseError(k.Err(), 1012) {
		t.Errorf("it is gone with %v", k.Err())
	}
}

func TestRefused(t *testing.T) {
	for frame, want := range map[string]string{
		`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`: "failure",
		`{"message":"The token is invalid.","connectionId":"c","requestId":"r"}`:         "The token is invalid.",
		`{"topic":"aws/subscribe","content":"?"}`:                                        "cannot unmarshal",
	} {
		_, err := open(t, clockwork.NewRealClock(), func(ws *websocket.Conn) { send(ws, frame); drain(ws) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", frame, err)
		}
	}
}

func TestOpenIsCutShort(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err == nil {
			defer ws.Close()
		}
		<-release // and says nothing
	}))
	defer srv.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	o := socket.Opener{Dialer: websocket.DefaultDialer, Clock: clockwork.NewRealClock(), Work: new(sync.WaitGroup)}
	if k, err := o.Open(ctx, "ws"+strings.TrimPrefix(srv.URL, "http")); err == nil {
		t.Errorf("it was opened: %v", k)
	}
}

func TestHeartbeats(t *testing.T) {
	const item = `{"topic":"aws/chat","content":"{}"}`
	clock := clockwork.NewFakeClock()
	heard := make(chan string)
	k, err := open(t, clock, func(ws *websocket.Conn) {
		send(ws, success)
		for n := 1; ; n++ {
			_, text, err := ws.ReadMessage()
			if err != nil {
				return
			}
			heard <- string(text)
			if n == 2 || n == 4 { // later it is dead
				send(ws, string(text), item)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	pair := func() {
		t.Helper()
		for _, want := range []string{`{"topic":"aws/ping"}`, `{"topic":"aws/heartbeat"}`} {
			select {
			case got := <-heard:
				if got != want {
					t.Errorf("heard %s, want %s", got, want)
				}
			case <-time.After(time.Minute):
				t.Fatal("no heartbeat was sent")
			}
		}
	}
	wait := func() {
		t.Helper()
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(10 * time.Second)
	}
	for range 2 {
		pair()
		<-k.Items // the answer was heard
		wait()
	}
	pair()
	wait()
	select {
	case <-k.Stale:
	case <-k.Gone:
		t.Error("it was closed")
	case <-time.After(time.Minute):
		t.Error("nobody has noticed")
	}
}
