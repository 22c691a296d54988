package participant_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/restjson/restjsontest"
	"github.com/parley-chat/parley/internal/token"
)

const session = "01234567-89ab-4def-8123-456789abcdef"

// good is a body that fits, for every operation.
var good = map[string]string{
	"CreateParticipantConnection":     `{"Type":["WEBSOCKET","CONNECTION_CREDENTIALS"],"ConnectParticipant":false}`,
	"SendMessage":                     `{"ContentType":"text/plain","Content":"hi","ClientToken":"t"}`,
	"SendEvent":                       `{"ContentType":"application/vnd.amazonaws.connect.event.typing","Content":"","ClientToken":"t"}`,
	"GetTranscript":                   `{"MaxResults":5,"ScanDirection":"BACKWARD","SortOrder":"ASCENDING","StartPosition":{"MostRecent":0}}`,
	"DisconnectParticipant":           `{"ClientToken":"t"}`,
	"StartAttachmentUpload":           `{"ContentType":"image/png","AttachmentSizeInBytes":1,"AttachmentName":"a.png","ClientToken":"t"}`,
	"CompleteAttachmentUpload":        `{"AttachmentIds":["a"],"ClientToken":"t"}`,
	"GetAttachment":                   `{"AttachmentId":"a","UrlExpiryInSeconds":5}`,
	"DescribeView":                    ``,
	"GetAuthenticationUrl":            `{"SessionId":"` + session + `","RedirectUri":"https://a.example"}`,
	"CancelParticipantAuthentication": `{"SessionId":"` + session + `"}`,
}

// pathOf fills the labels of an operation's path.
func pathOf(op restjson.Operation) string {
	return strings.Replace(op.Path, "{ViewToken}", "v%2F1%20a", 1)
}

func bearerOf(op restjson.Operation, p person) string {
	if op.Name == "CreateParticipantConnection" {
		return p.participant
	}
	return p.connection
}

// TestBadBodies sends every operation everything that its members don't allow: each
// gets the modelled error that names the member, and changes nothing.
func TestBadBodies(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	before := len(w.log(p.chat))
	n := 0
	for _, op := range w.api.Operations() {
		if op.Method == "GET" {
			continue // has no body
		}
		bad, _ := restjsontest.Cases(op.In, good[op.Name])
		for _, c := range bad {
			n++
			a := w.post(bearerOf(op, p), op.Path, c.Body)
			if a.status != 400 || a.code != "ValidationException" || c.Member != "" && !strings.Contains(a.message(), " at '"+c.Member) || a.message() == "" {
				t.Errorf("%s, %s: %d %.300s", op.Name, c.Name, a.status, a.body)
			}
		}
	}
	if after := len(w.log(p.chat)); after != before {
		t.Errorf("%d entries, %d before", after, before)
	}
	if n < 300 {
		t.Errorf("only %d cases", n)
	}
}

// TestFittingBodies sends what is just within the limits.
func TestFittingBodies(t *testing.T) {
	for _, op := range newWorld(t).api.Operations() {
		if op.Method == "GET" {
			continue
		}
		_, fits := restjsontest.Cases(op.In, good[op.Name])
		for _, c := range fits {
			w := newWorld(t)
			p := w.connected()
			a := w.post(bearerOf(op, p), op.Path, c.Body)
			if strings.Contains(a.message(), "validation error") || strings.Contains(a.message(), "not valid JSON") || a.status >= 500 {
				t.Errorf("%s, %s: %d %.300s", op.Name, c.Name, a.status, a.body)
			}
		}
	}
}

// TestBadRequests sends every operation what is wrong around the body.
func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	before := len(w.log(p.chat))
	for _, op := range w.api.Operations() {
		path, bearer := pathOf(op), bearerOf(op, p)
		check := func(name string, r *http.Request, status int, code string) {
			t.Helper()
			if a := w.send(r); a.status != status || a.code != code || a.message() == "" || a.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s, %s: %d %s, want %d %s", op.Name, name, a.status, a.body, status, code)
			}
		}
		huge := `{"Unknown":"` + strings.Repeat("x", restjson.MaxBody) + `"}`
		check("too large", w.request(op.Method, path, bearer, huge), 413, "RequestEntityTooLargeException")
		chunked := w.request(op.Method, path, bearer, huge)
		chunked.ContentLength = -1
		check("too large in chunks", chunked, 413, "RequestEntityTooLargeException")
		check("wrong path", w.request(op.Method, path+"/x", bearer, good[op.Name]), 404, "UnknownOperationException")
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"} {
			if method != op.Method && !(method == "HEAD" && op.Method == "GET") {
				check("method "+method, w.request(method, path, bearer, ""), 405, "UnknownOperationException")
			}
		}
		if op.Method == "GET" {
			continue
		}
		for _, kind := range []string{"text/plain;charset=UTF-8", "application/xml", "multipart/form-data; boundary=x"} {
			r := w.request(op.Method, path, bearer, good[op.Name])
			r.Header.Set("Content-Type", kind)
			check(kind, r, 415, "UnsupportedMediaTypeException")
		}
		if strings.Contains(good[op.Name], `"Content`) || strings.Contains(good[op.Name], `Id`) {
			check("no body", w.request(op.Method, path, bearer, ""), 400, "ValidationException")
		}
	}
	if after := len(w.log(p.chat)); after != before {
		t.Errorf("%d entries, %d before", after, before)
	}
}

// TestBadTokens asks every operation with every kind of token that is not good: the
// answer is always the same, whatever else is wrong, and only the detail differs.
func TestBadTokens(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	other := newWorld(t)
	otherKeys, err := token.NewKeyring([]byte("fedcba9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	gone := w.add(p, chat.Agent)
	w.must(gone.connection, "/participant/disconnect", "{}", nil)
	ended := w.connected()
	w.must(ended.connection, "/participant/disconnect", "{}", nil)
	stranger := other.connected()
	nobody := w.person(p.chat, stranger.id)
	mint := func(kind token.Kind, keys *token.Keyring, expires time.Time) string {
		return keys.Mint(kind, token.Claims{Chat: p.chat.UUID, Participant: p.id.UUID, Expires: expires})
	}
	before := len(w.log(p.chat))
	for _, op := range w.api.Operations() {
		kind, wrong := token.Connection, "a participant token"
		if op.Name == "CreateParticipantConnection" {
			kind, wrong = token.Participant, "a connection token"
		}
		pick := func(q person) string { return bearerOf(op, q) }
		swapped := map[token.Kind]string{token.Connection: p.participant, token.Participant: p.connection}[kind]
		for _, c := range []struct {
			name, bearer, detail string
			sound                bool // the token itself is good, only the chat says no
		}{
			{"missing", "", "missing", false},
			{"garbage", "x y z", "malformed", false},
			{"non-ASCII", "\xff\xfe", "malformed", false},
			{"too long for us", strings.Repeat("a", 401), "malformed", false},
			{"too long for the model", strings.Repeat("a", 1001), "1000 characters", false},
			{"forged", pick(p)[:len(pick(p))-2] + "AA", "malformed", false},
			{"of another key", mint(kind, otherKeys, time.Time{}), "malformed", false},
			{"expired", mint(kind, w.tokens, w.clock.Now()), "expired", false},
			{"of the wrong kind", swapped, wrong, false},
			{"of a websocket", mint(token.Socket, w.tokens, time.Time{}), "websocket", false},
			{"of an ended chat", pick(ended), "ended", true},
			{"of somebody who left", pick(gone), "left", true},
			{"of an unknown chat", pick(stranger), "not exist", true},
			{"of an unknown participant", pick(nobody), "no such participant", true},
		} {
			body := good[op.Name]
			if op.Name == "GetTranscript" {
				body = "{}"
			}
			a := w.send(w.request(op.Method, pathOf(op), c.bearer, body))
			detail := a.header.Get("X-Parley-Detail")
			if a.status != 403 || a.code != "AccessDeniedException" || a.message() != "Access denied" || !strings.Contains(detail, c.detail) {
				t.Errorf("%s, token %s: %d %s, detail %q", op.Name, c.name, a.status, a.body, detail)
			}
			if a := w.send(w.request(op.Method, pathOf(op), c.bearer, `{"Content":5`)); !c.sound && a.status != 403 {
				t.Errorf("%s, token %s: a bad body is judged before the token: %d", op.Name, c.name, a.status)
			}
		}
	}
	if after := len(w.log(p.chat)); after != before {
		t.Errorf("%d entries, %d before", after, before)
	}
}

// The token of a view stands in the path.
func TestViewTokenTooLong(t *testing.T) {
	w := newWorld(t)
	long := w.send(w.request("GET", "/participant/views/"+strings.Repeat("x", 1001), w.connected().connection, ""))
	if long.status != 400 || !strings.Contains(long.message(), "at 'viewToken'") {
		t.Error(long.body)
	}
}
