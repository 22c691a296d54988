package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// freshFor is how long what the provider says of itself, and its keys, are believed:
	// so long, a key that it has taken back counts at the most. Keys that are new are asked
	// for when they are met.
	freshFor = time.Hour
	// renewPause is the least time between two requests for what is known already.
	renewPause = time.Minute
)

// discovered is what the provider says of itself.
type discovered struct {
	asked    time.Time // when that was
	until    time.Time // when it is to be asked again
	provider *oidc.Provider
	keys     oidc.KeySet
	algs     []string // by which ID tokens may be signed
	auth     oauth2.AuthStyle
	pkce     bool
}

// discover gives what the provider says of itself. It is asked when that is not known yet,
// and when it was freshFor ago.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	if d := p.current.Load(); d != nil && p.c.Clock.Now().Before(d.until) {
		return d, nil
	}
	return p.askAgain(ctx)
}

// askAgain asks the provider, or waits for who has asked already: calls at the same time
// share one request, whoever of them gives up. What was known before counts on if the
// provider does not answer, or not soon.
func (p *Provider) askAgain(ctx context.Context) (*discovered, error) {
	known := p.current.Load()
	answer := p.asking.DoChan("", func() (any, error) {
		// The client's own time-out bounds it.
		d, err := p.ask(oidc.ClientContext(context.WithoutCancel(ctx), p.client))
		now := p.c.Clock.Now()
		switch {
		case err == nil:
			d.asked, d.until = now, now.Add(freshFor)
			p.current.Store(d)
		case known != nil:
			still := *known
			still.asked, still.until = now, now.Add(renewPause)
			p.current.Store(&still)
		}
		return d, err
	})
	var enough <-chan time.Time
	if known != nil {
		timer := time.NewTimer(p.c.Timeout / 5) // the rest is for the log-in
		defer timer.Stop()
		enough = timer.C
	}
	var err error
	select {
	case a := <-answer:
		if a.Err == nil {
			return a.Val.(*discovered), nil
		}
		err = a.Err
	case <-enough:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if known != nil {
		return known, nil
	}
	return nil, fmt.Errorf("%w: discovery at %s: %w", ErrUnavailable, p.c.Issuer, err)
}

// elsewhere gives what the provider says of itself now, if that may be another thing than
// what d says: whoever can't be found there, or signs with a key that isn't, has perhaps
// moved.
func (p *Provider) elsewhere(ctx context.Context, d *discovered) (now *discovered, changed bool) {
	if p.c.Clock.Now().Before(d.asked.Add(renewPause)) {
		return d, false
	}
	now, err := p.askAgain(ctx)
	return now, err == nil && now != d
}

func (p *Provider) ask(ctx context.Context) (*discovered, error) {
	provider, err := oidc.NewProvider(ctx, p.c.Issuer)
	if err != nil {
		return nil, err
	}
	var says struct {
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
		Challenges  []string `json:"code_challenge_methods_supported"`
		Keys        string   `json:"jwks_uri"`
		Algorithms  []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&says); err != nil {
		return nil, err
	}
	if e := provider.Endpoint(); e.AuthURL == "" || e.TokenURL == "" || says.Keys == "" {
		return nil, errors.New("an endpoint is missing: authorization_endpoint, token_endpoint or jwks_uri")
	}
	d := &discovered{
		provider: provider,
		keys:     oidc.NewRemoteKeySet(ctx, says.Keys),
		auth:     oauth2.AuthStyleInHeader, // the default, OpenID Connect Discovery 1.0 section 3
		pkce:     slices.Contains(says.Challenges, "S256"),
	}
	for _, alg := range says.Algorithms {
		if slices.Contains(signatures, alg) {
			d.algs = append(d.algs, alg)
		}
	}
	byPost := !slices.Contains(says.AuthMethods, "client_secret_basic") && slices.Contains(says.AuthMethods, "client_secret_post")
	if p.c.ClientSecret == "" || byPost {
		d.auth = oauth2.AuthStyleInParams
	}
	return d, nil
}

// signatures are those by a key pair: by anything else, whoever can read the key can
// also sign.
var signatures = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}
