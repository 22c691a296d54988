package oidctest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// lifetime is how long the provider's tokens are valid.
const lifetime = 5 * time.Minute

var errUnknown = errors.New("there is no such thing here")

// storage keeps the log-ins of one client and one user. What it does not implement, the
// provider is never asked for.
type storage struct {
	op.Storage // nil
	options    Options
	mu         sync.Mutex
	key        signingKey
	requests   map[string]*request
	codes      map[string]string // to the ids of requests
}

func newStorage(o Options) *storage {
	return &storage{options: o, requests: make(map[string]*request), codes: make(map[string]string)}
}

// rotate makes another key the only one.
func (s *storage) rotate() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = signingKey{key, s.key.number + 1}
	return err
}

func (s *storage) current() signingKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key
}

// loggedIn tells that the user is who they say, and whether anybody has asked.
func (s *storage) loggedIn(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[id]
	if r != nil {
		r.subject = s.options.User.Subject
	}
	return r != nil
}

// Health implements [op.Storage].
func (s *storage) Health(context.Context) error { return nil }

// CreateAuthRequest implements [op.AuthStorage].
func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := &request{AuthRequest: r, id: uuid.NewString(), at: time.Now()}
	s.requests[kept.id] = kept
	return kept, nil
}

// AuthRequestByID implements [op.AuthStorage].
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.requests[id]; r != nil {
		return r, nil
	}
	return nil, errUnknown
}

// AuthRequestByCode implements [op.AuthStorage].
func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id := s.codes[code]
	s.mu.Unlock()
	return s.AuthRequestByID(ctx, id)
}

// SaveAuthCode implements [op.AuthStorage].
func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

// DeleteAuthRequest implements [op.AuthStorage]: a code can be used once.
func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}

// CreateAccessToken implements [op.AuthStorage].
func (s *storage) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return uuid.NewString(), time.Now().Add(lifetime), nil
}

// SigningKey implements [op.AuthStorage].
func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return s.current(), nil }

// SignatureAlgorithms implements [op.AuthStorage].
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// KeySet implements [op.AuthStorage].
func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{publicKey{s.current()}}, nil
}

// GetClientByClientID implements [op.OPStorage].
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != ClientID {
		return nil, errUnknown
	}
	return client{s.options}, nil
}

// AuthorizeClientIDSecret implements [op.OPStorage].
func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != ClientID || secret != ClientSecret {
		return errUnknown
	}
	return nil
}

// SetUserinfoFromScopes implements [op.OPStorage]: for the ID token.
func (s *storage) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, _, _ string, scopes []string) error {
	u := s.options.User
	if info.Subject = u.Subject; slices.Contains(scopes, oidc.ScopeProfile) {
		info.GivenName, info.FamilyName, info.Name = u.GivenName, u.FamilyName, u.GivenName+" "+u.FamilyName
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		info.Email = u.Email
	}
	return nil
}

// SetUserinfoFromToken implements [op.OPStorage]: for the userinfo endpoint.
func (s *storage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, _, _, _ string) error {
	return s.SetUserinfoFromScopes(ctx, info, "", "", []string{oidc.ScopeProfile, oidc.ScopeEmail})
}

// request is a log-in under way, as [op.AuthRequest].
type request struct {
	*oidc.AuthRequest
	id, subject string
	at          time.Time
}

func (r *request) GetID() string          { return r.id }
func (r *request) GetACR() string         { return "" }
func (r *request) GetAMR() []string       { return nil }
func (r *request) GetAudience() []string  { return []string{r.ClientID} }
func (r *request) GetAuthTime() time.Time { return r.at }
func (r *request) GetClientID() string    { return r.ClientID }
func (r *request) GetNonce() string       { return r.Nonce }
func (r *request) GetScopes() []string    { return r.Scopes }
func (r *request) GetSubject() string     { return r.subject }
func (r *request) Done() bool             { return r.subject != "" }
func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	if r.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

// client is the one that is registered, as [op.Client].
type client struct{ options Options }

func (c client) GetID() string                       { return ClientID }
func (c client) RedirectURIs() []string              { return []string{c.options.RedirectURI} }
func (c client) PostLogoutRedirectURIs() []string    { return nil }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType         { return []oidc.GrantType{oidc.GrantTypeCode} }
func (c client) LoginURL(id string) string            { return login + "?id=" + id }
func (c client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration       { return lifetime }
func (c client) DevMode() bool                        { return false }
func (c client) IsScopeAllowed(string) bool           { return false }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return c.options.NamesInToken }
func (c client) ClockSkew() time.Duration             { return 0 }
func (c client) AuthMethod() oidc.AuthMethod          { return oidc.AuthMethodBasic }

// RestrictAdditionalIdTokenScopes implements [op.Client].
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string { return same }

// RestrictAdditionalAccessTokenScopes implements [op.Client].
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }

func same(scopes []string) []string { return scopes }

// signingKey is the provider's key, as [op.SigningKey].
type signingKey struct {
	key    *rsa.PrivateKey
	number int
}

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) ID() string                                  { return fmt.Sprint("key-", k.number) }

// publicKey is what others get to see of it, as [op.Key].
type publicKey struct{ signingKey }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.key.PublicKey }
