package socket

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/chat"
)

func TestReplies(t *testing.T) {
	const (
		subscribed   = `{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}`
		ping         = `{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}`
		heartbeat    = `{"topic":"aws/heartbeat"}`
		unsubscribed = `{"topic":"aws/unsubscribe","content":{"status":"success","topics":["aws/chat"]}}`
	)
	for _, c := range []struct{ name, send, want string }{
		{"ChatJS subscribe", `{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`, subscribed},
		{"iOS subscribe", `{"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}})`, subscribed},
		{"other topic", `{"topic":"aws/subscribe","content":{"topics":["aws/other"]}}`,
			`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/other"]}}`},
		{"no topics", `{"topic":"aws/subscribe"}`, `{"topic":"aws/subscribe","content":{"status":"failure","topics":[]}}`},
		{"topics not a list", `{"topic":"aws/subscribe","content":{"topics":"aws/chat"}}`,
			`{"topic":"aws/subscribe","content":{"status":"failure","topics":[]}}`},
		{"unsubscribe", `{"topic":"aws/unsubscribe","content":{"topics":["aws/chat"]}}`, unsubscribed},
		{"unsubscribe nothing", `{"topic":"aws/unsubscribe"}`, `{"topic":"aws/unsubscribe","content":{"status":"success","topics":[]}}`},
		{"ping", `{"topic":"aws/ping"}`, ping},
		{"ping with spaces", ` {"topic": "aws/ping"} `, ping},
		{"ping with rubbish behind", `{"topic":"aws/ping"}garbage`, ping},
		{"ping with a name twice", `{"topic":"aws/ping","x":1,"x":2}`, ping},
		{"heartbeat", `{"topic":"aws/heartbeat"}`, heartbeat},
		{"heartbeat with content", `{"topic":"aws/heartbeat","content":{"eventType":"heartbeat"}}`, heartbeat},
		{"heartbeat with a string", `{"topic":"aws/heartbeat","content":"x"}`, heartbeat},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, Config{})
			c1 := w.dial(w.add(w.start().chat, chat.Supervisor)) // who joins unseen
			c1.send(c.send)
			c1.want(c.want)
			c1.ping()
		})
	}
}

func TestForbidden(t *testing.T) {
	w := newWorld(t, Config{})
	c := w.dial(w.start())
	connection := ""
	for _, frame := range []string{
		`{"topic":"aws/chat","content":"hi"}`, `{"topic":""}`, `{}`, `{"topic":5}`, `[]`, `null`, `hello`, `{`, "\x00", "\xff\xfe",
		`{"Topic":"aws/ping"}`, `{"message":"hi"}`,
	} {
		c.send(frame)
		text, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]string
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != 3 {
			t.Fatalf("%q: got %s, %v", frame, text, err)
		}
		if got["message"] != "Forbidden" || got["requestId"] == "" || !strings.HasPrefix(text, `{"message":"Forbidden","connectionId":"`) {
			t.Errorf("%q: got %s", frame, text)
		}
		if connection == "" {
			connection = got["connectionId"]
		}
		if connection == "" || got["connectionId"] != connection {
			t.Errorf("connectionId %q, before %q", got["connectionId"], connection)
		}
	}
	c.ping()
}

func TestMixedTopics(t *testing.T) {
	w := newWorld(t, Config{})
	c := w.dial(w.start())
	c.send(`{"topic":"aws/subscribe","content":{"topics":["a","aws/chat","b"]}}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}`)
	c.wantItems("participant.joined")
	c.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["a","b"]}}`)
}

func TestIgnoredFrames(t *testing.T) {
	w := newWorld(t, Config{})
	c := w.dial(w.start())
	c.send("")
	c.send(" \n")
	if err := c.WriteMessage(websocket.BinaryMessage, []byte(`{"topic":"aws/heartbeat"}`)); err != nil {
		t.Fatal(err)
	}
	c.ping()
}

func TestProtocolPing(t *testing.T) {
	w := newWorld(t, Config{})
	c := w.dial(w.start())
	got := ""
	c.SetPongHandler(func(data string) error {
		got = data
		return nil
	})
	if err := c.WriteControl(websocket.PingMessage, []byte("okhttp"), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c.ping()
	if got != "okhttp" {
		t.Errorf("pong %q", got)
	}
}

func TestHandshakeSelectsNothing(t *testing.T) {
	w := newWorld(t, Config{})
	d := websocket.Dialer{Subprotocols: []string{"chat"}, EnableCompression: true}
	header := map[string][]string{"Origin": {"https://anywhere.example"}}
	conn, resp, err := d.Dial(w.url(w.start()), header)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, name := range []string{"Sec-Websocket-Protocol", "Sec-Websocket-Extensions"} {
		if v, ok := resp.Header[name]; ok {
			t.Errorf("%s: %q", name, v)
		}
	}
}

func TestLargeFrame(t *testing.T) {
	w := newWorld(t, Config{})
	c := w.dial(w.start())
	fill := strings.Repeat("x", maxFrame-len(`{"topic":"aws/ping","x":""}`))
	c.send(`{"topic":"aws/ping","x":"` + fill + `"}`)
	c.want(`{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}`)
	c.send(`{"topic":"aws/ping","x":"` + fill + `y"}`)
	c.wantClose(websocket.CloseMessageTooBig)
}

func TestHugeFrame(t *testing.T) {
	w := newWorld(t, Config{})
	c := w.dial(w.start())
	c.send(strings.Repeat("x", 900_000))
	c.wantClose(websocket.CloseMessageTooBig)
}

func TestProtocolError(t *testing.T) {
	w := newWorld(t, Config{})
	a := w.dial(w.start())
	b := w.dial(w.start())
	if _, err := a.NetConn().Write([]byte{0xf1, 0x80, 0, 0, 0, 0}); err != nil { // reserved bits
		t.Fatal(err)
	}
	a.wantClose(websocket.CloseProtocolError)
	b.ping()
}

func TestClientCloses(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	text := "[Primary] WebSocket User request to close WebSocket"
	err := c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, text), time.Now().Add(patience))
	if err != nil {
		t.Fatal(err)
	}
	c.wantClose(1000)
	if _, err := c.NetConn().Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection was not closed: %v", err)
	}
}

func TestSubscribeTwice(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	c.subscribe()
	c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat","aws/chat"]}}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}`)
	w.say(who, "once")
	c.wantItems("once")
	c.ping()
}

func TestUnsubscribe(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.join(who)
	c.wantItems("participant.joined")
	c.send(`{"topic":"aws/unsubscribe","content":{"topics":["aws/chat"]}}`)
	c.want(`{"topic":"aws/unsubscribe","content":{"status":"success","topics":["aws/chat"]}}`)
	w.say(who, "unheard")
	c.ping()
	c.subscribe() // joins nobody a second time
	w.say(who, "heard")
	c.wantItems("heard")
}
