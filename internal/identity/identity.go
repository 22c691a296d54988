// Package identity logs customers in at an OpenID Connect provider: it makes the URL
// that the customer's browser goes to, and turns the code that comes back into who the
// customer is. It knows no chat.
//
// Nothing is remembered between the two: what ties them together is in [Session], which
// the caller makes anew for each, so that any node can finish what another began. See
// [Derive].
package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/jonboulle/clockwork"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// The errors of URL and Exchange. What they wrap is for the log, not for customers.
var (
	// ErrUnavailable: the provider is down, too slow, out of order, or not the one that
	// was configured. Trying again may help; a code may have been used up, though.
	ErrUnavailable = errors.New("identity: the provider does not answer as it should")
	// ErrRefused: the provider does not take the code, or what it says of the customer
	// can't be believed. Trying again does not help.
	ErrRefused = errors.New("identity: the log-in is not valid")
	// ErrTooLong: the URL would be longer than MaxURL, most likely for its redirect URI.
	ErrTooLong = errors.New("identity: the URL is too long; use a shorter redirect URI")
)

const (
	// MaxURL is the most that GetAuthenticationUrl may answer, in bytes (semantics.md 3.4).
	MaxURL = 2083
	// DefaultTimeout bounds a call that is given no other time.
	DefaultTimeout = 10 * time.Second
	// Skew is how much later than its expiry an ID token is still accepted: the
	// provider's clock is not ours.
	Skew = 2 * time.Minute
)

// Config says which provider, and who we are to it.
type Config struct {
	// Issuer is the provider's identifier, an https URL; http is for loopback only. It
	// must be exactly what the provider calls itself.
	Issuer string
	// ClientID and ClientSecret are what the provider has registered us as. A public
	// client has no secret.
	ClientID, ClientSecret string
	// Scopes are asked for besides openid; profile and email if nil.
	Scopes []string
	// Timeout bounds each call of URL and Exchange; DefaultTimeout if zero.
	Timeout time.Duration
	// Clock tells whether an ID token has expired; the real one if nil. A provider's
	// clock is never turned with ours.
	Clock clockwork.Clock
	// Transport carries requests to the provider; http.DefaultTransport if nil.
	Transport http.RoundTripper
}

// Provider is an OpenID Connect provider. Nothing is asked of it before it is needed:
// it may be down when a server starts.
type Provider struct {
	c       Config
	client  *http.Client
	asking  singleflight.Group
	current atomic.Pointer[discovered]
}

// Session ties a log-in to what it is for. URL and Exchange of one log-in must be given
// the same.
type Session struct {
	// State comes back with the code. It is not looked at here: whoever gets it checks it.
	State string
	// Nonce must come back in the ID token. Verifier is the secret of PKCE, 43 to 128
	// characters. Both are from [Derive].
	Nonce, Verifier string
	// RedirectURI is where the customer's browser is sent with the code. The provider
	// must have it registered.
	RedirectURI string
}

// New checks the configuration. Its error is a sentence that says what to do.
func New(c Config) (*Provider, error) {
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the issuer %q is not a URL like https://id.example.com", c.Issuer)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("the issuer %q must begin with https://", c.Issuer)
	case c.ClientID == "":
		return nil, errors.New("the client id is missing; the provider gives it out when it registers a client")
	}
	if c.Scopes == nil {
		c.Scopes = []string{"profile", "email"}
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	return &Provider{c: c, client: &http.Client{Transport: transport{c.Transport}, Timeout: c.Timeout}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Derive makes the nonce and the verifier of a session from its id and a secret key of
// 16 bytes or more, so that nobody needs to remember them. Who doesn't have the key
// can't tell them.
func Derive(key []byte, sessionID string) (nonce, verifier string) {
	derive := func(purpose string, size int) string {
		h := hmac.New(sha256.New, key)
		h.Write([]byte("parley identity " + purpose + "\x00" + sessionID))
		return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:size])
	}
	return derive("nonce", 16), derive("verifier", 32)
}

// oauth2 is the client of the provider, for one log-in.
func (p *Provider) oauth2(d *discovered, s Session) *oauth2.Config {
	endpoint := d.provider.Endpoint()
	endpoint.AuthStyle = d.auth
	return &oauth2.Config{
		ClientID: p.c.ClientID, ClientSecret: p.c.ClientSecret, Endpoint: endpoint,
		RedirectURL: s.RedirectURI, Scopes: append([]string{oidc.ScopeOpenID}, p.c.Scopes...),
	}
}

// URL is where the customer's browser goes to log in. It always has a query string, to
// which clients may append (semantics.md 3.4). The provider is asked for PKCE if it
// offers S256. The error is or wraps ErrUnavailable or ErrTooLong.
func (p *Provider) URL(ctx context.Context, s Session) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.c.Timeout)
	defer cancel()
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(s.Nonce)}
	if d.pkce {
		options = append(options, oauth2.S256ChallengeOption(s.Verifier))
	}
	u := p.oauth2(d, s).AuthCodeURL(s.State, options...)
	if len(u) > MaxURL {
		return "", fmt.Errorf("%w: %d bytes, %d are the most", ErrTooLong, len(u), MaxURL)
	}
	return u, nil
}
