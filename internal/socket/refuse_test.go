package socket

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/token"
)

// wantRefused expects that a client is told why, kept for a while, and sent away.
func (c *client) wantRefused(code int, words string) {
	c.Helper()
	text, err := c.read()
	if err != nil {
		c.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		c.Fatal(err)
	}
	if !strings.Contains(got["message"], words) || got["connectionId"] == "" || got["requestId"] != "request-1" {
		c.Fatalf("got %s, want something with %q", text, words)
	}
	c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`) // is ignored
	c.leap(time.Second - time.Millisecond)
	if c.server.sendsAway(got["connectionId"]) {
		c.Fatal("was sent away too early")
	}
	c.leap(time.Millisecond)
	c.wantClose(code)
}

// sendsAway reports whether a refused socket is being closed.
func (s *Server) sendsAway(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.refused {
		if k.id == id && k.out.isClosing() {
			return true
		}
	}
	return false
}

func TestRefusedTokens(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	gone := w.start()
	w.do(gone.chat, chat.Leave{By: gone.participant})
	left := w.add(who.chat, chat.CustomBot)
	w.do(who.chat, chat.Leave{By: left.participant})
	claims := token.Claims{Chat: who.chat.UUID, Participant: who.participant.UUID, Expires: w.clock.Now().Add(token.ConnectWindow)}
	expired := claims
	expired.Expires = w.clock.Now()
	otherKey, err := token.NewKeyring(token.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	unknownChat, unknownPerson := claims, claims
	unknownChat.Chat[0]++
	unknownPerson.Participant[0]++
	for _, c := range []struct{ name, url, words string }{
		{"no token", w.base, "is invalid"},
		{"malformed", w.base + "?token=abc", "is invalid"},
		{"other key", w.base + "?token=" + otherKey.Mint(token.Socket, claims), "is invalid"},
		{"other kind", w.base + "?token=" + w.tokens.Mint(token.Connection, claims), "is invalid"},
		{"expired", w.base + "?token=" + w.tokens.Mint(token.Socket, expired), "has expired"},
		{"ended chat", w.url(gone), "has ended"},
		{"participant who left", w.url(left), "no longer in it"},
		{"unknown chat", w.base + "?token=" + w.tokens.Mint(token.Socket, unknownChat), "no longer in it"},
		{"unknown participant", w.base + "?token=" + w.tokens.Mint(token.Socket, unknownPerson), "no longer in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inner := *w
			inner.TB = t
			inner.dialURL(c.url).wantRefused(closePolicy, c.words)
		})
	}
	if s := w.server.Stats(); s.Refused != 9 || s.Open != 0 {
		t.Errorf("Stats %+v", s)
	}
}

func TestURLIsReusable(t *testing.T) {
	w := newWorld(t, Config{})
	url := w.url(w.start())
	w.dialURL(url).ping()
	w.clock.Advance(token.ConnectWindow - time.Millisecond)
	w.dialURL(url).ping()
	w.clock.Advance(time.Millisecond)
	w.dialURL(url).wantRefused(closePolicy, "has expired")
}

func TestSixthSocketIsRefused(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	var five []*client
	for i := range 5 {
		five = append(five, w.dial(who))
		five[i].ping() // now the server knows of it
	}
	w.pass(30)
	w.dial(who).wantRefused(closeTryAgain, "five open websockets")
	for _, c := range five {
		c.ping()
	}
	w.dial(w.add(who.chat, chat.Agent)).ping() // others are not concerned
}

func TestSixthSocketTakesTheSilentOnesPlace(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	five := []*client{w.join(who)}
	five[0].wantItems("participant.joined")
	for range 4 {
		five = append(five, w.join(who))
	}
	w.pass(1)
	for i, c := range five {
		if i != 2 {
			c.ping()
		}
	}
	w.pass(30) // nobody was heard for 30 s, the third not even for 31
	sixth := w.join(who)
	five[2].wantClose(closeGoingAway)
	w.say(who, "hi")
	for i, c := range append(five, sixth) {
		if i != 2 {
			c.wantItems("hi")
			c.ping()
		}
	}
}

func TestSocketsMakeRoom(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	for range 12 {
		c := w.dial(who)
		c.ping()
		_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(patience))
		c.wantClose(1000) // the server knows of it when its answer is here
	}
}

func TestSubscribeAfterTheEnd(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.dial(who)
	c.ping()
	w.do(who.chat, chat.Stop{})
	for range 2 {
		c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
		c.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`)
	}
	w.leap(refusedFor)
	c.wantClose(closePolicy)
}

func TestSubscribeWhileTheStoreFails(t *testing.T) {
	w := newWorld(t, Config{})
	who := w.start()
	c := w.dial(who)
	c.ping()
	w.store.mode.Store(fails)
	for range 2 {
		c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
		c.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`)
	}
	w.store.mode.Store(works)
	c.subscribe()
	c.wantItems("participant.joined")
	c.ping()
}

// While nobody can tell whether the chat goes on, the client is let in.
func TestOpenWhileTheStoreFails(t *testing.T) {
	w := newWorld(t, Config{})
	id := node.NewID(w.clock.Now())
	w.store.mode.Store(fails)
	c := w.dial(member{chat.ChatID{ID: id}, chat.ParticipantID{ID: id}})
	c.ping()
	c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`)
	if w.hub(chat.ChatID{ID: id}) != nil {
		t.Error("a hub is left")
	}
	w.store.mode.Store(works)
	c.send(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)
	c.want(`{"topic":"aws/subscribe","content":{"status":"failure","topics":["aws/chat"]}}`)
	w.leap(refusedFor)
	c.wantClose(closePolicy) // it is known now that there is no such chat
}

func TestPlainRequests(t *testing.T) {
	w := newWorld(t, Config{})
	base := "http" + strings.TrimPrefix(w.base, "ws")
	for _, c := range []struct {
		name, method string
		header       http.Header
		status       int
		code         string
	}{
		{"no upgrade", "GET", nil, http.StatusUpgradeRequired, "UpgradeRequiredException"},
		{"no key", "GET", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}}, http.StatusBadRequest, "BadRequestException"},
		{"old version", "GET", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"8"}}, http.StatusBadRequest, "BadRequestException"},
		{"post", "POST", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}, http.StatusMethodNotAllowed, "UnknownOperationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, base, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header = c.header
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			wantError(t, resp, c.status, c.code)
		})
	}
	if n := w.server.Stats().Open; n != 0 {
		t.Errorf("%d sockets open", n)
	}
}

// wantError expects an error in the form of all our errors.
func wantError(t *testing.T, r *http.Response, status int, code string) {
	t.Helper()
	var body map[string]string
	err := json.NewDecoder(r.Body).Decode(&body)
	if r.StatusCode != status || r.Header.Get("X-Amzn-ErrorType") != code || err != nil ||
		body["__type"] != code || body["message"] == "" || body["Message"] != body["message"] {
		t.Errorf("got %s %v %v, %v; want %d %s", r.Status, r.Header, body, err, status, code)
	}
}

func TestRefusedAreBounded(t *testing.T) {
	w := newWorld(t, Config{})
	w.server.mu.Lock()
	for range maxRefused {
		w.server.refused[&socket{srv: w.server}] = struct{}{}
	}
	w.server.mu.Unlock()
	_, resp, err := websocket.DefaultDialer.Dial(w.base+"?token=x", nil)
	if err == nil || resp == nil {
		t.Fatalf("got %v, %v; want 503", resp, err)
	}
	wantError(t, resp, http.StatusServiceUnavailable, "ServiceUnavailableException")
	if resp.Header.Get("Retry-After") != "1" {
		t.Errorf("headers %v, want Retry-After: 1", resp.Header)
	}
	w.server.mu.Lock()
	clear(w.server.refused)
	w.server.mu.Unlock()
	w.dial(w.start()).ping()
}

func TestCloseReasonsFit(t *testing.T) {
	for _, no := range []*refusal{invalidToken, expiredToken, notInChat, tooMany, restarting} {
		if n := len(no.reason); n > 123 {
			t.Errorf("%q has %d bytes; a close frame holds 123", no.reason, n)
		}
	}
}
