// Package oidctest runs a real OpenID Connect provider on the loopback interface for a
// test, and logs its one user in as a browser would.
package oidctest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The paths of the provider, for [Provider.Replace]. Any stands for all of them.
const (
	Discovery = "/.well-known/openid-configuration"
	Authorize = "/authorize"
	Token     = "/oauth/token"
	Userinfo  = "/userinfo"
	Keys      = "/keys"
	Any       = ""
)

// The client that is registered with the provider.
const (
	ClientID     = "parley"
	ClientSecret = "the client's secret: it has + & and spaces"
)

// login is where the provider sends browsers, and mark what it adds to a page that a
// person would have to look at.
const login, mark = "/login", "log in as "

// Options are what a provider does its own way.
type Options struct {
	// User is who logs in; Jane Doe if it has no Subject.
	User User
	// RedirectURI is the one that is registered; "https://shop.example/back" if empty.
	RedirectURI string
	// WithoutPKCE makes a provider that offers no PKCE.
	WithoutPKCE bool
	// NamesInToken puts what is known of the user into the ID token. Without it only the
	// userinfo endpoint tells.
	NamesInToken bool
}

// User is somebody who can log in.
type User struct{ Subject, GivenName, FamilyName, Email string }

// Provider is a running provider.
type Provider struct {
	// Issuer is its identifier, and where it is.
	Issuer string
	// Own answers as the provider does, whatever was replaced.
	Own http.Handler

	storage  *storage
	mu       sync.Mutex
	replaced map[string]http.Handler
	asked    map[string]int
}

// Start runs a provider until the test ends.
func Start(tb testing.TB, o Options) *Provider {
	tb.Helper()
	o.RedirectURI = cmp.Or(o.RedirectURI, "https://shop.example/back")
	if o.User.Subject == "" {
		o.User = User{Subject: "jane", GivenName: "Jane", FamilyName: "Doe", Email: "jane@example.com"}
	}
	s := newStorage(o)
	server := httptest.NewUnstartedServer(nil)
	p := &Provider{
		Issuer: "http://" + server.Listener.Addr().String(), storage: s,
		replaced: make(map[string]http.Handler), asked: make(map[string]int),
	}
	p.Rotate(tb)
	config := &op.Config{CodeMethodS256: !o.WithoutPKCE, AuthMethodPost: true}
	_, _ = rand.Read(config.CryptoKey[:]) // never fails: see crypto/rand
	provider, err := op.NewProvider(config, s, op.StaticIssuer(p.Issuer), op.WithAllowInsecure())
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.HandleFunc("GET "+login, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, mark+o.User.Subject) // a page with a button
	})
	mux.HandleFunc("POST "+login, func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("id")
		if !s.loggedIn(id) {
			http.Error(w, "no such log-in", http.StatusBadRequest)
			return
		}
		ctx := op.ContextWithIssuer(r.Context(), p.Issuer)
		http.Redirect(w, r, op.AuthCallbackURL(provider)(ctx, id), http.StatusSeeOther)
	})
	p.Own = mux
	server.Config.Handler = http.HandlerFunc(p.serve)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	tb.Cleanup(func() {
		server.CloseClientConnections() // or Close waits for who hangs
		server.Close()
	})
	return p
}

// Rotate gives the provider another key in place of the one it has.
func (p *Provider) Rotate(tb testing.TB) {
	tb.Helper()
	if err := p.storage.rotate(); err != nil {
		tb.Fatal(err)
	}
}

// serve counts requests and lets [Provider.Replace] have its way.
func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	h := p.replaced[r.URL.Path]
	if h == nil {
		h = p.replaced[Any]
	}
	if h == nil {
		h = p.Own
	}
	p.mu.Unlock()
	h.ServeHTTP(w, r)
}

// Replace lets another handler answer one of the paths; nil brings the provider's own
// back.
func (p *Provider) Replace(path string, h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.replaced[path] = h; h == nil {
		delete(p.replaced, path)
	}
}

// Asked tells how often a path was asked for.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// Down answers nothing: the connection breaks.
var Down http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })

// Hang answers nothing for as long as the client waits.
var Hang http.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // without this nobody notices that the client has gone
	<-r.Context().Done()
})

// Status answers with a status and nothing else.
func Status(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

// JSON answers with a value.
func JSON(v any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	})
}

// Sign makes an ID token of any claims, with the provider's own key.
func (p *Provider) Sign(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	signer, err := op.SignerFromKey(p.storage.current())
	if err != nil {
		tb.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		tb.Fatal(err)
	}
	var signed *jose.JSONWebSignature
	if signed, err = signer.Sign(payload); err != nil {
		tb.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// LogIn does what a browser and the user do with an authorization URL, up to where the
// provider sends the browser back to: it gives the code and the state that are there.
// The error tells what the provider's page says instead.
func (p *Provider) LogIn(ctx context.Context, authorizationURL string) (code, state string, err error) {
	jar, _ := cookiejar.New(nil) // never fails without options
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), p.Issuer+"/") {
			return http.ErrUseLastResponse // back at the shop
		}
		return nil
	}}
	do := func(method, url string) (*http.Response, string, error) {
		r, err := http.NewRequestWithContext(ctx, method, url, nil)
		if err != nil {
			return nil, "", err
		}
		resp, err := browser.Do(r)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		return resp, string(page), err
	}
	resp, page, err := do(http.MethodGet, authorizationURL)
	if err == nil && strings.HasPrefix(page, mark) {
		resp, page, err = do(http.MethodPost, resp.Request.URL.String())
	}
	if err != nil {
		return "", "", err
	}
	back, err := url.Parse(resp.Header.Get("Location"))
	if code = back.Query().Get("code"); err != nil || code == "" {
		return "", "", fmt.Errorf("the provider does not log in: %s %s %s", resp.Status, back, page)
	}
	return code, back.Query().Get("state"), nil
}
