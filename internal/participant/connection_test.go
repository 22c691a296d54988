package participant_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/participant"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/wire"
)

const connectionPath = "/participant/connection"

// TestConnectionParts is the table of semantics.md 4.
func TestConnectionParts(t *testing.T) {
	for _, c := range []struct {
		body                       string
		socket, credentials, joins bool
	}{
		{`{"Type":["WEBSOCKET","CONNECTION_CREDENTIALS"]}`, true, true, false},
		{`{"Type":["WEBSOCKET","CONNECTION_CREDENTIALS"],"ConnectParticipant":false}`, true, true, false},
		{`{"Type":["WEBSOCKET"]}`, true, false, false},
		{`{"Type":["WEBSOCKET","WEBSOCKET"],"ConnectParticipant":null}`, true, false, false},
		{`{"Type":["CONNECTION_CREDENTIALS"]}`, false, true, false},
		{`{"Type":["CONNECTION_CREDENTIALS"],"ConnectParticipant":true}`, false, true, true},
		{`{"ConnectParticipant":true}`, false, false, true},
		{`{"Type":null,"ConnectParticipant":true}`, false, false, true},
		{`{"Type":["WEBSOCKET","CONNECTION_CREDENTIALS"],"ConnectParticipant":true}`, true, true, true},
	} {
		w := newWorld(t)
		p := w.start()
		var out participant.CreateParticipantConnectionOut
		w.must(p.participant, connectionPath, c.body, &out)
		if (out.Websocket != nil) != c.socket || (out.ConnectionCredentials != nil) != c.credentials {
			t.Errorf("%s: %+v", c.body, out)
		}
		entries := w.log(p.chat)
		if joined := len(entries) > 1 && entries[1].Kind == chat.KindJoined; joined != c.joins {
			t.Errorf("%s: joined %v, want %v", c.body, joined, c.joins)
		}
		if !c.socket && !c.credentials {
			if a := w.post(p.participant, connectionPath, c.body); a.body != "{}" {
				t.Errorf("%s: %s", c.body, a.body)
			}
		}
	}
}

func TestConnectionRefusals(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for body, message := range map[string]string{
		``:                               "Type is missing",
		`{}`:                             "Type is missing",
		`{"Type":["WEBRTC_CONNECTION"]}`: "WEBRTC_CONNECTION is for calls",
		`{"Type":["WEBSOCKET","WEBRTC_CONNECTION"],"ConnectParticipant":true}`: "WEBRTC_CONNECTION is for calls",
	} {
		w.refused(p.participant, connectionPath, body, 400, "ValidationException", message)
	}
	if n := len(w.log(p.chat)); n != 1 {
		t.Errorf("%d entries, want 1: refused requests have changed the chat", n)
	}
}

// TestConnectionContents checks tokens, times and the URL.
func TestConnectionContents(t *testing.T) {
	w := newWorld(t)
	w.clock.Advance(123*time.Millisecond + 456*time.Microsecond)
	p := w.start()
	var out participant.CreateParticipantConnectionOut
	w.must(p.participant, connectionPath, `{"Type":["WEBSOCKET","CONNECTION_CREDENTIALS"]}`, &out)
	if got, want := out.ConnectionCredentials.Expiry, "2026-11-24T10:00:00.123Z"; got != want {
		t.Errorf("Expiry %s, want %s", got, want)
	}
	if got, want := out.Websocket.ConnectionExpiry, "2026-11-23T11:05:00.123Z"; got != want {
		t.Errorf("ConnectionExpiry %s, want %s", got, want)
	}
	tok, ok := strings.CutPrefix(out.Websocket.Url, "ws://127.0.0.1:8080/participant/socket?token=")
	if !ok {
		t.Fatalf("URL %s", out.Websocket.Url)
	}
	c, err := w.tokens.Verify(token.Socket, tok, w.clock.Now())
	if err != nil || c.Chat != p.chat.UUID || c.Participant != p.id.UUID {
		t.Errorf("socket token: %+v, %v", c, err)
	}
	if end := wire.Time(c.Expires.Add(token.SocketLife - token.ConnectWindow)); end != out.Websocket.ConnectionExpiry {
		t.Errorf("the server closes the socket at %s, the client was told %s", end, out.Websocket.ConnectionExpiry)
	}
	w.clock.Advance(100 * time.Second)
	if _, err := w.tokens.Verify(token.Socket, tok, w.clock.Now()); err == nil {
		t.Error("the websocket URL can be opened after 100 seconds")
	}
	w.must(p.participant, connectionPath, `{"ConnectParticipant":true}`, nil)
	w.must(out.ConnectionCredentials.ConnectionToken, "/participant/transcript", `{}`, nil)
	w.clock.Advance(24 * time.Hour)
	w.refused(out.ConnectionCredentials.ConnectionToken, "/participant/transcript", `{}`, 403, "AccessDeniedException", "Access denied")
}

// TestConnectionAgain: ChatJS asks again at every reconnect and every hour, and what
// it got earlier must stay good (sdk-clients.md 6.5).
func TestConnectionAgain(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	var first, second participant.CreateParticipantConnectionOut
	const body = `{"Type":["WEBSOCKET","CONNECTION_CREDENTIALS"],"ConnectParticipant":true}`
	w.must(p.participant, connectionPath, body, &first)
	w.clock.Advance(time.Minute)
	w.must(p.participant, connectionPath, body, &second)
	if first.ConnectionCredentials.ConnectionToken == second.ConnectionCredentials.ConnectionToken {
		t.Error("the same token again")
	}
	for _, c := range []participant.CreateParticipantConnectionOut{first, second} {
		w.must(c.ConnectionCredentials.ConnectionToken, "/participant/message", `{"ContentType":"text/plain","Content":"x"}`, nil)
	}
	joins := 0
	for _, e := range w.log(p.chat) {
		if e.Kind == chat.KindJoined {
			joins++
		}
	}
	if joins != 1 {
		t.Errorf("joined %d times", joins)
	}
}

func TestSupervisorBargesInByRequest(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	one, two := w.add(p, chat.Supervisor), w.add(p, chat.Supervisor)
	const hello = `{"ContentType":"text/plain","Content":"hello"}`
	a := w.refused(one.connection, "/participant/message", hello, 403, "AccessDeniedException", "Access denied")
	if !strings.Contains(a.header.Get("X-Parley-Detail"), "barge in") {
		t.Errorf("detail %q", a.header.Get("X-Parley-Detail"))
	}
	w.must(one.participant, connectionPath, `{"ConnectParticipant":true}`, nil)
	w.must(one.connection, "/participant/message", hello, nil)
	w.refused(two.participant, connectionPath, `{"ConnectParticipant":true}`, 400, "ValidationException", "another supervisor")
}

// TestLateBot: a custom participant who comes later than 15 seconds after CreateParticipant is
// told so when it asks for a connection (semantics.md 3.1). A connection token that it has
// all the same is that of somebody who has left: nothing else models that it is not found.
func TestLateBot(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	bot := w.add(p, chat.CustomBot)
	w.clock.Advance(15*time.Second + 10*time.Millisecond) // a chat's time may be ahead by some
	for _, body := range []string{`{"Type":["CONNECTION_CREDENTIALS"]}`, `{"ConnectParticipant":true}`, `{"ConnectParticipant":false}`} {
		w.refused(bot.participant, connectionPath, body, 404, "ResourceNotFoundException", "within 15 seconds")
	}
	for path, body := range map[string]string{
		messagePath: `{"ContentType":"text/plain","Content":"x"}`, eventPath: event(chat.EventTyping, "", ""),
		transcriptPath: `{}`, "/participant/disconnect": `{}`, "/participant/attachment": `{"AttachmentId":"a"}`,
		"/participant/complete-attachment-upload": `{"AttachmentIds":["a"],"ClientToken":"t"}`,
	} {
		a := w.refused(bot.connection, path, body, 403, "AccessDeniedException", "Access denied")
		if !strings.Contains(a.header.Get("X-Parley-Detail"), "within 15 seconds") {
			t.Errorf("%s: detail %q", path, a.header.Get("X-Parley-Detail"))
		}
	}
}

func TestDisconnect(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	const path = "/participant/disconnect"
	if a := w.post(p.connection, path, `{"ClientToken":"t"}`); a.status != 200 || a.body != "{}" {
		t.Fatal(a)
	}
	n := len(w.log(p.chat))
	w.must(p.connection, path, `{"ClientToken":"t"}`, nil) // a retry of the SDK
	w.refused(p.connection, path, `{"ClientToken":"u"}`, 403, "AccessDeniedException", "Access denied")
	w.refused(p.connection, path, ``, 403, "AccessDeniedException", "Access denied")
	w.refused(p.participant, connectionPath, `{"Type":["WEBSOCKET"]}`, 403, "AccessDeniedException", "Access denied")
	w.refused(p.participant, connectionPath, `{"ConnectParticipant":true}`, 403, "AccessDeniedException", "Access denied")
	if got := len(w.log(p.chat)); got != n {
		t.Errorf("%d entries, want %d", got, n)
	}
}

// TestSocketBase: a public URL with a path or a slash at its end.
func TestSocketBase(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for base, want := range map[string]string{
		"wss://chat.example.com": "wss://chat.example.com/participant/socket?token=", "wss://a.example/x/": "wss://a.example/x/participant/socket?token=",
	} {
		w.serve(func(c *participant.Config) { c.SocketBase = base })
		var out participant.CreateParticipantConnectionOut
		a := w.post(p.participant, connectionPath, `{"Type":["WEBSOCKET"]}`)
		if err := json.Unmarshal([]byte(a.body), &out); err != nil || !strings.HasPrefix(out.Websocket.Url, want) {
			t.Errorf("%s: %s", base, a.body)
		}
	}
}

// blind is a store that can't be read for a while.
type blind struct {
	store.Store
	blind bool
}

func (b *blind) Entries(ctx context.Context, id chat.ChatID, after int64, limit int) ([]chat.Entry, error) {
	if b.blind {
		return nil, errors.New("disk on fire")
	}
	return b.Store.Entries(ctx, id, after, limit)
}

// While the store can't be asked, whoever wants no more gets a connection: ChatJS would be
// lost without. Nothing can be done with it that may not be done.
func TestConnectionWithoutStore(t *testing.T) {
	st := &blind{Store: memstore.New()}
	w := newWorldOn(t, st)
	p := w.connected()
	agent, supervisor := w.add(p, chat.Agent), w.add(p, chat.Supervisor)
	const connect = `{"Type":["WEBSOCKET"],"ConnectParticipant":true}`
	tried := func(who person, status int, body string) {
		t.Helper()
		if r := w.post(who.participant, connectionPath, body); r.status != status {
			t.Errorf("%s: %d %s, want %d", body, r.status, r.body, status)
		}
	}
	st.blind = true
	tried(agent, http.StatusInternalServerError, connect)
	tried(p, http.StatusInternalServerError, `{"ConnectParticipant":true}`)
	tried(supervisor, http.StatusInternalServerError, connect)
	st.blind = false
	tried(agent, http.StatusOK, connect)
	st.blind = true
	tried(agent, http.StatusOK, connect) // is connected
	var out participant.CreateParticipantConnectionOut
	w.must(p.participant, connectionPath, `{"Type":["WEBSOCKET","CONNECTION_CREDENTIALS"]}`, &out)
	if r := w.post(out.ConnectionCredentials.ConnectionToken, messagePath, `{"ContentType":"text/plain","Content":"x"}`); r.status != http.StatusInternalServerError {
		t.Errorf("sending: %d %s", r.status, r.body)
	}
	st.blind = false
	w.must(out.ConnectionCredentials.ConnectionToken, messagePath, `{"ContentType":"text/plain","Content":"x"}`, &participant.SendMessageOut{})
}
