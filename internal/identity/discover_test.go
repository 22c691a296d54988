package identity_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/identity"
	"github.com/parley-chat/parley/internal/identity/oidctest"
)

// aged makes a client that has known the provider for a time, and whose clock is right
// then: the provider's tokens are of now.
func aged(t *testing.T, p *oidctest.Provider, d time.Duration) *identity.Provider {
	t.Helper()
	clock := clockwork.NewFakeClockAt(time.Now().Add(-d))
	id := client(t, p, func(c *identity.Config) { c.Clock = clock })
	s := session()
	exchange(t, id, logIn(t, id, p, s), s, nil)
	clock.Advance(d)
	return id
}

func wantAsked(t *testing.T, p *oidctest.Provider, discovery, keys int) {
	t.Helper()
	if d, k := p.Asked(oidctest.Discovery), p.Asked(oidctest.Keys); d != discovery || k != keys {
		t.Errorf("discovery was asked for %d times, and the keys %d times; want %d and %d", d, k, discovery, keys)
	}
}

// A key that is new is asked for at once.
func TestNewKey(t *testing.T) {
	p := oidctest.Start(t, oidctest.Options{})
	id, s := aged(t, p, 0), session()
	exchange(t, id, logIn(t, id, p, s), s, nil)
	wantAsked(t, p, 1, 1)
	p.Rotate(t)
	exchange(t, id, logIn(t, id, p, s), s, nil)
	wantAsked(t, p, 1, 2)
}

// What the provider says of itself is asked for again after an hour, and then the keys that
// it has taken back count no more.
func TestRefresh(t *testing.T) {
	for _, old := range []bool{false, true} {
		p := oidctest.Start(t, oidctest.Options{})
		age := identity.FreshFor - time.Minute
		if old {
			age = identity.FreshFor
		}
		id, s := aged(t, p, age), session()
		token := p.Sign(t, map[string]any{
			"iss": p.Issuer, "sub": "jane", "aud": oidctest.ClientID, "nonce": s.Nonce, "given_name": "Jane", "name": "Jane Doe",
			"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		})
		p.Rotate(t)
		tokens(p, token)
		want := error(nil)
		if old {
			want = identity.ErrRefused
		}
		exchange(t, id, "code", s, want)
		if n := p.Asked(oidctest.Discovery); (n == 2) != old {
			t.Errorf("after %v discovery was asked for %d times", age, n)
		}
	}
}

// A provider whose keys have moved is asked where they are now, but not again and again.
func TestKeysMove(t *testing.T) {
	for age, want := range map[time.Duration]error{
		identity.RenewPause - time.Second: identity.ErrRefused,
		identity.RenewPause:               nil,
	} {
		p := oidctest.Start(t, oidctest.Options{})
		id, s := aged(t, p, age), session()
		own := httptest.NewRecorder()
		p.Own.ServeHTTP(own, httptest.NewRequest(http.MethodGet, oidctest.Discovery, nil))
		var says map[string]any
		if err := json.Unmarshal(own.Body.Bytes(), &says); err != nil {
			t.Fatal(err)
		}
		says["jwks_uri"] = p.Issuer + "/moved"
		p.Replace(oidctest.Discovery, oidctest.JSON(says))
		p.Replace(oidctest.Keys, oidctest.Status(http.StatusNotFound))
		p.Replace("/moved", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = oidctest.Keys
			p.Own.ServeHTTP(w, r)
		}))
		p.Rotate(t)
		exchange(t, id, logIn(t, id, p, s), s, want)
	}
}

// A provider that is not to be asked again just now is taken for what it was, and asked
// again a minute later.
func TestRefreshFails(t *testing.T) {
	ways := map[string]http.Handler{"hangs": oidctest.Hang, "nothing there": oidctest.Status(http.StatusNotFound)}
	for name, h := range broken {
		ways[name] = h
	}
	for name, h := range ways {
		t.Run(name, func(t *testing.T) {
			p, s := oidctest.Start(t, oidctest.Options{}), session()
			clock := clockwork.NewFakeClockAt(time.Now().Add(-identity.FreshFor))
			id := client(t, p, func(c *identity.Config) { c.Clock, c.Timeout = clock, 10*time.Second })
			if _, err := id.URL(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			clock.Advance(identity.FreshFor)
			p.Replace(oidctest.Discovery, h)
			exchange(t, id, logIn(t, id, p, s), s, nil)
			if name == "hangs" { // and is not done yet
				return
			}
			p.Replace(oidctest.Discovery, nil)
			asked := p.Asked(oidctest.Discovery)
			exchange(t, id, logIn(t, id, p, s), s, nil)
			wantAsked(t, p, asked, 1)
			clock.Advance(identity.RenewPause)
			exchange(t, id, logIn(t, id, p, s), s, nil)
			wantAsked(t, p, asked+1, 2)
		})
	}
}
