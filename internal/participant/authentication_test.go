package participant_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/identity/oidctest"
	"github.com/parley-chat/parley/internal/participant"
)

const (
	urlPath    = "/participant/authentication-url"
	cancelPath = "/participant/cancel-authentication"
)

// logIn is a contact center whose flow has the customer log in at a provider.
func logIn(issuer string) string {
	return `
identity-providers:
  - id: corp
    issuer: ` + issuer + `
    client-id: ` + oidctest.ClientID + `
    client-secret: "` + oidctest.ClientSecret + `"
    attributes: {mail: email}
flows:
  - id: f
    steps:
      - authenticate: {provider: corp, within: 5m, else: [{say: stranger}, {disconnect: true}]}
      - say: friend
`
}

// initiated gives the id of the session that the chat's flow waits for.
func (w *world) initiated(p person) string {
	w.t.Helper()
	for _, e := range w.log(p.chat) {
		if e.Kind == chat.KindAuthentication && e.Auth.State == chat.AuthInitiated {
			return e.Auth.Session.String()
		}
	}
	w.t.Fatal("no authentication was initiated")
	return ""
}

func urlBody(session, redirect string) string {
	return `{"SessionId":"` + session + `","RedirectUri":"` + redirect + `"}`
}

// The customer goes to a real provider and comes back with a code for this chat.
func TestAuthenticationURL(t *testing.T) {
	provider := oidctest.Start(t, oidctest.Options{})
	w := newWorld(t)
	c := w.configure(logIn(provider.Issuer))
	p := w.run(c, "f", "")
	session := w.initiated(p)
	var out participant.GetAuthenticationUrlOut
	w.must(p.connection, urlPath, urlBody(session, "https://shop.example/back"), &out)
	var again participant.GetAuthenticationUrlOut
	w.must(p.connection, urlPath, urlBody(session, "https://shop.example/back"), &again)
	u, err := url.Parse(out.AuthenticationUrl)
	if err != nil || out != again || len(out.AuthenticationUrl) > 2083 || u.RawQuery == "" || len(u.Query().Get("state")) > 1000 {
		t.Fatalf("%s, and again %s: %v", out.AuthenticationUrl, again.AuthenticationUrl, err)
	}
	code, state, err := provider.LogIn(t.Context(), out.AuthenticationUrl)
	if err != nil {
		t.Fatal(err)
	}
	id, of, err := w.tokens.OpenAuth(state)
	if err != nil || id != p.chat.UUID || (chat.ID{UUID: of}).String() != session {
		t.Fatalf("the state %q is of %v, %v, %v", state, id, of, err)
	}
	k, _ := c.Provider("corp")
	sessionID, _ := chat.ParseID(session)
	name, attributes, err := k.Exchange(context.Background(), p.chat,
		chat.Authentication{Session: sessionID, Redirect: "https://shop.example/back"}, code)
	if err != nil || name != "Jane Doe" || attributes["mail"] != "jane@example.com" {
		t.Errorf("%q %v, %v", name, attributes, err)
	}
}

func TestAuthenticationRefused(t *testing.T) {
	provider := oidctest.Start(t, oidctest.Options{})
	w := newWorld(t)
	c := w.configure(logIn(provider.Issuer))
	p := w.run(c, "f", "")
	bob := w.joined(p, chat.Agent)
	good := w.initiated(p)
	w.refused(bob.connection, urlPath, urlBody(good, "https://a.example"), 403, "AccessDeniedException", "Access denied")
	w.refused(bob.connection, cancelPath, `{"SessionId":"`+good+`"}`, 403, "AccessDeniedException", "Access denied")
	for _, other := range []string{session, strings.Repeat("x", 36), "00000000-0000-0000-0000-000000000000"} {
		w.refused(p.connection, urlPath, urlBody(other, "https://a.example"), 400, "ValidationException", "SessionId names no authentication")
		w.refused(p.connection, cancelPath, `{"SessionId":"`+other+`"}`, 400, "ValidationException", "SessionId names no authentication")
	}
	w.refused(p.connection, urlPath, urlBody(good, "https://a.example/"+strings.Repeat("ü", 500)), 400, "ValidationException", "use a shorter one")
	w.must(p.connection, cancelPath, `{"SessionId":"`+good+`"}`, nil)
	w.refused(p.connection, cancelPath, `{"SessionId":"`+good+`"}`, 403, "AccessDeniedException", "") // the flow has ended the chat

	late := w.run(c, "f", "")
	w.clock.Advance(61 * time.Second)
	w.refused(late.connection, urlPath, urlBody(w.initiated(late), "https://a.example"), 403, "AccessDeniedException", "")
}

// A session is used up when the customer has come back: its URL is given no more, with an
// error that GetAuthenticationUrl models (semantics.md 3.0, 3.4).
func TestAuthenticationURLIsOver(t *testing.T) {
	provider := oidctest.Start(t, oidctest.Options{})
	w := newWorld(t)
	p := w.run(w.configure(logIn(provider.Issuer)), "f", "")
	body := urlBody(w.initiated(p), "https://shop.example/back")
	w.must(p.connection, urlPath, body, nil)
	id, _ := chat.ParseID(w.initiated(p))
	if _, err := w.node.Do(t.Context(), p.chat, chat.AnswerAuthentication{Session: id, Code: "abc"}); err != nil {
		t.Fatal(err)
	}
	w.refused(p.connection, urlPath, body, 400, "ValidationException", "has come back")
}

// A provider that is down is our failure; the customer may try again.
func TestProviderDown(t *testing.T) {
	provider := oidctest.Start(t, oidctest.Options{})
	w := newWorld(t)
	p := w.run(w.configure(logIn(provider.Issuer)), "f", "")
	body := urlBody(w.initiated(p), "https://shop.example/back")
	provider.Replace(oidctest.Any, oidctest.Down)
	w.refused(p.connection, urlPath, body, 500, "InternalServerException", "")
	provider.Replace(oidctest.Any, nil)
	w.must(p.connection, urlPath, body, nil)

	w.configure("") // the provider was taken out of the configuration
	w.refused(p.connection, urlPath, body, 500, "InternalServerException", "")
}
