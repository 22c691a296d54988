package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/identity"
	"github.com/parley-chat/parley/internal/identity/oidctest"
)

const back = "https://shop.example/back"

// session is that of a log-in at the tests' provider.
func session() identity.Session {
	nonce, verifier := identity.Derive([]byte("a key of 16 bytes or more"), "3f0c1f2e-1111-4a4a-9999-000000000000")
	return identity.Session{State: "the & state", Nonce: nonce, Verifier: verifier, RedirectURI: back}
}

// client makes the client of a provider.
func client(t *testing.T, p *oidctest.Provider, change ...func(*identity.Config)) *identity.Provider {
	t.Helper()
	c := identity.Config{Issuer: p.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Timeout: time.Minute}
	for _, f := range change {
		f(&c)
	}
	id, err := identity.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// logIn goes as far as the code.
func logIn(t *testing.T, id *identity.Provider, p *oidctest.Provider, s identity.Session) string {
	t.Helper()
	u, err := id.URL(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	code, state, err := p.LogIn(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	if state != s.State {
		t.Fatalf("state %q came back as %q", s.State, state)
	}
	return code
}

// exchange checks the error, and gives the profile.
func exchange(t *testing.T, id *identity.Provider, code string, s identity.Session, want error) identity.Profile {
	t.Helper()
	who, err := id.Exchange(t.Context(), code, s)
	if !errors.Is(err, want) {
		t.Errorf("Exchange: %v, want %v", err, want)
	}
	return who
}

func TestLogIn(t *testing.T) {
	for name, o := range map[string]oidctest.Options{
		"names at userinfo":     {},
		"names in the ID token": {NamesInToken: true},
		"no PKCE":               {WithoutPKCE: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := oidctest.Start(t, o)
			id, s := client(t, p), session()
			u, err := id.URL(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if pkce := strings.Contains(u, "code_challenge_method=S256"); pkce == o.WithoutPKCE || !strings.Contains(u, "?") {
				t.Errorf("the URL is %s", u)
			}
			who := exchange(t, id, logIn(t, id, p, s), s, nil)
			if who.Subject != "jane" || who.GivenName != "Jane" || who.Name != "Jane Doe" ||
				who.Email != "jane@example.com" || who.Claims["family_name"] != "Doe" {
				t.Errorf("it is %+v", who)
			}
			if asked := p.Asked(oidctest.Userinfo); (asked == 0) != o.NamesInToken {
				t.Errorf("userinfo was asked for %d times", asked)
			}
			if n := p.Asked(oidctest.Discovery); n != 1 {
				t.Errorf("discovery was asked for %d times", n)
			}
		})
	}
}

// Clients append to the URL (semantics.md 3.4).
func TestURLCanBeAppendedTo(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	id, s := client(t, p), session()
	u, err := id.URL(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	code, state, err := p.LogIn(t.Context(), u+"&identity_provider=Google")
	if err != nil || state != s.State {
		t.Fatalf("state %q: %v", state, err)
	}
	exchange(t, id, code, s, nil)
}

func TestURLTooLong(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	s := session()
	for _, extra := range []int{0, 1} {
		s.RedirectURI = back
		u, err := client(t, p).URL(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		s.RedirectURI += strings.Repeat("x", identity.MaxURL-len(u)+extra)
		if _, err = client(t, p).URL(t.Context(), s); errors.Is(err, identity.ErrTooLong) != (extra > 0) {
			t.Errorf("%d bytes more than allowed: %v", extra, err)
		}
	}
}

// Whatever the customer or somebody between changes, nobody is logged in.
func TestRefused(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	id := client(t, p)
	for name, change := range map[string]func(code *string, s *identity.Session){
		"invented code":  func(code *string, _ *identity.Session) { *code = "invented" },
		"no code":        func(code *string, _ *identity.Session) { *code = "" },
		"other nonce":    func(_ *string, s *identity.Session) { s.Nonce = "other" },
		"no nonce":       func(_ *string, s *identity.Session) { s.Nonce = "" },
		"other verifier": func(_ *string, s *identity.Session) { _, s.Verifier = identity.Derive([]byte("k"), "other") },
		"other redirect": func(_ *string, s *identity.Session) { s.RedirectURI += "/elsewhere" },
	} {
		t.Run(name, func(t *testing.T) {
			s := session()
			code := logIn(t, id, p, s)
			change(&code, &s)
			exchange(t, id, code, s, identity.ErrRefused)
		})
	}
	t.Run("replayed code", func(t *testing.T) {
		s := session()
		code := logIn(t, id, p, s)
		exchange(t, id, code, s, nil)
		exchange(t, id, code, s, identity.ErrRefused)
	})
	t.Run("other secret", func(t *testing.T) {
		s := session()
		code := logIn(t, id, p, s)
		exchange(t, client(t, p, func(c *identity.Config) { c.ClientSecret = "other" }), code, s, identity.ErrRefused)
	})
	t.Run("no secret", func(t *testing.T) {
		s := session()
		code := logIn(t, id, p, s)
		exchange(t, client(t, p, func(c *identity.Config) { c.ClientSecret = "" }), code, s, identity.ErrRefused)
	})
	t.Run("redirect that is not registered", func(t *testing.T) {
		s := session()
		s.RedirectURI = "https://evil.example/"
		u, err := id.URL(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if code, _, err := p.LogIn(t.Context(), u); err == nil {
			t.Errorf("the provider gives the code %q", code)
		}
	})
}

// tokens lets the provider answer token requests with an ID token of our making.
func tokens(p *oidctest.Provider, idToken string) {
	p.Replace(oidctest.Token, oidctest.JSON(map[string]any{
		"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": idToken,
	}))
}

func TestForgedTokens(t *testing.T) {
	p, other := oidctest.Start(t, oidctest.Options{}), oidctest.Start(t, oidctest.Options{})
	id, s := client(t, p), session()
	good := map[string]any{
		"iss": p.Issuer, "sub": "jane", "aud": []string{oidctest.ClientID}, "nonce": s.Nonce, "given_name": "Jane", "name": "Jane Doe",
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
	}
	tokens(p, p.Sign(t, good))
	if who := exchange(t, id, "code", s, nil); who.GivenName != "Jane" {
		t.Fatalf("it is %+v", who)
	}
	for member, value := range map[string]any{
		"iss": other.Issuer, "sub": "", "aud": "other", "azp": "other", "nonce": "other", "at_hash": "other", "exp": 1,
	} {
		bad := maps.Clone(good)
		bad[member] = value
		tokens(p, p.Sign(t, bad))
		if who := exchange(t, id, "code", s, identity.ErrRefused); who.Subject != "" {
			t.Errorf("%s %v: logged in as %+v", member, value, who)
		}
	}
	unsigned := "eyJhbGciOiJub25lIn0." + strings.Split(p.Sign(t, good), ".")[1] + "."
	for name, token := range map[string]string{
		"another's key": other.Sign(t, good), "unsigned": unsigned, "nonsense": "nonsense", "none": "",
	} {
		t.Run(name, func(t *testing.T) {
			tokens(p, token)
			exchange(t, id, "code", s, identity.ErrRefused)
		})
	}
	delete(good, "given_name")
	tokens(p, p.Sign(t, good))
	p.Replace(oidctest.Userinfo, oidctest.JSON(map[string]any{"sub": "joe", "given_name": "Joe"}))
	exchange(t, id, "code", s, identity.ErrRefused)
	delete(good, "nonce")
	good["given_name"], s.Nonce = "Jane", ""
	tokens(p, p.Sign(t, good))
	exchange(t, id, "code", s, identity.ErrRefused)
}

// The provider's clock is not ours.
func TestClockSkew(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	for ahead, want := range map[time.Duration]error{
		-time.Hour:      nil, // an ID token says when it ends, not when it begins
		0:               nil,
		6 * time.Minute: nil, // it ended a minute ago
		8 * time.Minute: identity.ErrRefused,
	} {
		id := client(t, p, func(c *identity.Config) { c.Clock = clockwork.NewFakeClockAt(time.Now().Add(ahead)) })
		s := session()
		exchange(t, id, logIn(t, id, p, s), s, want)
	}
}

// broken are the ways in which a provider is no use.
var broken = map[string]http.Handler{
	"down":        oidctest.Down,
	"500":         oidctest.Status(http.StatusInternalServerError),
	"503":         oidctest.Status(http.StatusServiceUnavailable),
	"busy":        oidctest.Status(http.StatusTooManyRequests),
	"breaks off":  http.HandlerFunc(breakOff),
	"never stops": http.HandlerFunc(neverStop),
}

func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, "{")
}

func neverStop(w http.ResponseWriter, _ *http.Request) {
	for range 3 << 10 {
		if _, err := io.WriteString(w, strings.Repeat(" ", 1<<10)); err != nil {
			return
		}
	}
}

// A provider that is down when we start is asked again.
func TestDiscoveryFails(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	id, s := client(t, p), session()
	ways := maps.Clone(broken)
	maps.Copy(ways, map[string]http.Handler{
		"nothing there": oidctest.Status(http.StatusNotFound),
		"a web page":    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }),
		"another":       oidctest.JSON(map[string]any{"issuer": "https://other.example"}),
		"half of it":    oidctest.JSON(map[string]any{"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/a"}),
	})
	for name, h := range ways {
		p.Replace(oidctest.Discovery, h)
		if u, err := id.URL(t.Context(), s); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("%s: %q %v", name, u, err)
		}
		if _, err := id.Exchange(t.Context(), "code", s); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.Replace(oidctest.Discovery, nil)
	exchange(t, id, logIn(t, id, p, s), s, nil)
}

func TestExchangeFails(t *testing.T) {
	for name, h := range broken {
		t.Run(name, func(t *testing.T) {
			p := oidctest.Start(t, oidctest.Options{})
			id, s := client(t, p), session()
			code := logIn(t, id, p, s)
			p.Replace(oidctest.Token, h)
			exchange(t, id, code, s, identity.ErrUnavailable)
			p.Replace(oidctest.Token, nil)
			p.Replace(oidctest.Keys, h)
			exchange(t, id, code, s, identity.ErrUnavailable)

			// A name is not worth a log-in.
			p.Replace(oidctest.Keys, nil)
			p.Replace(oidctest.Userinfo, h)
			if who := exchange(t, id, logIn(t, id, p, s), s, nil); who.Subject != "jane" || who.GivenName != "" {
				t.Errorf("it is %+v", who)
			}
		})
	}
}

// Nobody waits longer for a provider that hangs than they are willing to.
func TestHangs(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	patient, s := client(t, p), session()
	code := logIn(t, patient, p, s)
	hasty := func(c *identity.Config) { c.Timeout = 50 * time.Millisecond }

	p.Replace(oidctest.Discovery, oidctest.Hang)
	if _, err := client(t, p, hasty).URL(t.Context(), s); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("the time-out: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(t, p, func(c *identity.Config) { c.Timeout = time.Second }).URL(gone, s); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("the caller is gone: %v", err)
	}
	p.Replace(oidctest.Discovery, nil)
	for _, path := range []string{oidctest.Token, oidctest.Keys} {
		p.Replace(path, oidctest.Hang)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := patient.Exchange(ctx, code, s); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("%s: %v", path, err)
		}
		cancel()
		p.Replace(path, nil)
	}
}

// Who gives up doesn't spoil it for those who wait for the same answer.
func TestDiscoveryIsShared(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	p.Replace(oidctest.Discovery, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		p.Own.ServeHTTP(w, r)
	}))
	id, s := client(t, p), session()
	hasty, giveUp := context.WithCancel(t.Context())
	results := [2]chan error{make(chan error, 1), make(chan error, 1)}
	ask := func(i int, ctx context.Context) {
		_, err := id.URL(ctx, s)
		results[i] <- err
	}
	go ask(0, hasty)
	<-asked
	go ask(1, t.Context())
	giveUp()
	if err := <-results[0]; !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("who gave up: %v", err)
	}
	close(answer)
	if err := <-results[1]; err != nil {
		t.Errorf("who waited: %v", err)
	}
	if n := p.Asked(oidctest.Discovery); n != 1 {
		t.Errorf("discovery was asked for %d times", n)
	}
}

// The secret goes where the provider wants it.
func TestSecretInBody(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	own := httptest.NewRecorder()
	p.Own.ServeHTTP(own, httptest.NewRequest(http.MethodGet, oidctest.Discovery, nil))
	var says map[string]any
	if err := json.Unmarshal(own.Body.Bytes(), &says); err != nil {
		t.Fatal(err)
	}
	says["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"}
	p.Replace(oidctest.Discovery, oidctest.JSON(says))
	p.Replace(oidctest.Token, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, header := r.BasicAuth(); header {
			t.Error("the secret is in the header")
		}
		p.Own.ServeHTTP(w, r)
	}))
	id, s := client(t, p), session()
	exchange(t, id, logIn(t, id, p, s), s, nil)
}

func TestDerive(t *testing.T) {
	seen := make(map[string]bool)
	for _, key := range []string{"key one 123456789", "key two 123456789"} {
		for _, id := range []string{"a", "b"} {
			nonce, verifier := identity.Derive([]byte(key), id)
			again, too := identity.Derive([]byte(key), id)
			if nonce != again || verifier != too {
				t.Error("it is not the same twice")
			}
			if len(verifier) < 43 || url.QueryEscape(nonce+verifier) != nonce+verifier { // RFC 7636 section 4.1
				t.Errorf("%q, %q", nonce, verifier)
			}
			if seen[nonce] || seen[verifier] || strings.HasPrefix(verifier, nonce) {
				t.Errorf("%q, %q: there was one like it", nonce, verifier)
			}
			seen[nonce], seen[verifier] = true, true
		}
	}
}

func TestNew(t *testing.T) {
	for issuer, ok := range map[string]bool{
		"https://id.example.com/realms/shop": true, "http://127.0.0.1:8080": true, "http://localhost": true,
		"": false, "id.example.com": false, "http://id.example.com": false, "ftp://localhost": false,
		"https://id.example.com?a=b": false, "https://%": false,
	} {
		if _, err := identity.New(identity.Config{Issuer: issuer, ClientID: "x"}); (err == nil) != ok {
			t.Errorf("%q: %v", issuer, err)
		}
	}
	if _, err := identity.New(identity.Config{Issuer: "https://id.example.com"}); err == nil {
		t.Error("no client id will do")
	}
}
