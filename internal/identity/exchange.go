package identity

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Profile is who has logged in. All but Subject may be empty: providers tell what they
// are allowed to.
type Profile struct {
	// Subject is the customer's identifier at the provider: never empty, never reused.
	Subject string
	// GivenName is the first name; Name the full one.
	GivenName, Name, Email string
	// Claims is all that the provider said, as decoded JSON.
	Claims map[string]any
}

// Exchange turns the code that came back from the provider into who has logged in.
// Names that the ID token doesn't tell are asked of the userinfo endpoint; when that
// fails they are missing, and the log-in is valid all the same. The error is or wraps
// ErrUnavailable or ErrRefused.
func (p *Provider) Exchange(ctx context.Context, code string, s Session) (Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, p.c.Timeout)
	defer cancel()
	ctx = oidc.ClientContext(ctx, p.client)
	d, err := p.discover(ctx)
	if err != nil {
		return Profile{}, err
	}
	var options []oauth2.AuthCodeOption
	if d.pkce {
		options = append(options, oauth2.VerifierOption(s.Verifier))
	}
	tokens, err := p.oauth2(d, s).Exchange(ctx, code, options...)
	if err != nil {
		return Profile{}, failed("token request", err)
	}
	claims, err := p.verify(ctx, d, tokens, s.Nonce)
	if err != nil {
		return Profile{}, err
	}
	if text(claims, "given_name") == "" || text(claims, "name") == "" {
		if err := addUserinfo(ctx, d, tokens, claims); err != nil {
			return Profile{}, err
		}
	}
	return Profile{
		Subject: text(claims, "sub"), GivenName: text(claims, "given_name"), Name: text(claims, "name"),
		Email: text(claims, "email"), Claims: claims,
	}, nil
}

// verify gives the claims of the ID token: that of this provider, for us, for this
// log-in, of now.
func (p *Provider) verify(ctx context.Context, d *discovered, tokens *oauth2.Token, nonce string) (map[string]any, error) {
	raw, _ := tokens.Extra("id_token").(string)
	token, badKey, err := p.signed(ctx, d, raw)
	if badKey {
		if now, changed := p.elsewhere(ctx, d); changed {
			token, _, err = p.signed(ctx, now, raw)
		}
	}
	if err != nil {
		return nil, failed("ID token", err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return nil, failed("ID token", err)
	}
	switch azp, ok := claims["azp"]; {
	case token.Subject == "":
		err = errors.New("it has no subject")
	case ok && azp != p.c.ClientID:
		err = errors.New("it was made for another client")
	case nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) == 0:
		err = errors.New("its nonce is that of another log-in")
	case token.AccessTokenHash != "":
		err = token.VerifyAccessToken(tokens.AccessToken)
	}
	if err != nil {
		return nil, failed("ID token", err)
	}
	return claims, nil
}

// signed verifies an ID token, and reports whether it is the keys that make it no good.
func (p *Provider) signed(ctx context.Context, d *discovered, raw string) (token *oidc.IDToken, badKey bool, err error) {
	keys := &keySet{KeySet: d.keys}
	token, err = oidc.NewVerifier(p.c.Issuer, keys, &oidc.Config{
		ClientID: p.c.ClientID, SupportedSigningAlgs: d.algs,
		Now: func() time.Time { return p.c.Clock.Now().Add(-Skew) },
	}).Verify(ctx, raw)
	if err != nil {
		err = cmp.Or(keys.err, err)
	}
	return token, keys.err != nil, err
}

// keySet remembers why a signature could not be verified: the verifier's error has the
// text of it only.
type keySet struct {
	oidc.KeySet
	err error
}

// VerifySignature implements [oidc.KeySet].
func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	var payload []byte
	payload, k.err = k.KeySet.VerifySignature(ctx, jwt)
	return payload, k.err
}

// addUserinfo adds what the userinfo endpoint tells and the ID token doesn't.
func addUserinfo(ctx context.Context, d *discovered, tokens *oauth2.Token, claims map[string]any) error {
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil // there is none, or it is down: what is missing is a name
	}
	if info.Subject != text(claims, "sub") {
		return failed("userinfo", errors.New("it is about somebody else"))
	}
	var more map[string]any
	if err := info.Claims(&more); err != nil {
		return failed("userinfo", err)
	}
	maps.Copy(more, claims)
	maps.Copy(claims, more)
	return nil
}

// text is a claim's value, if it is a text.
func text(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return s
}

// failed sorts an error of the libraries, or one of ours, into the closed list.
func failed(step string, err error) error {
	var down *downError
	kind := ErrRefused
	if errors.As(err, &down) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		kind = ErrUnavailable
	}
	return fmt.Errorf("%w: %s: %w", kind, step, err)
}
