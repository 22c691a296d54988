package center

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/identity"
	"github.com/parley-chat/parley/internal/token"
)

// Provider is an identity provider at which customers log in.
type Provider struct {
	ID string
	// NameClaim is the claim that becomes the customer's display name.
	NameClaim string
	// Attributes are the contact attributes that claims become: claims by attribute.
	Attributes map[string]string

	at     *identity.Provider
	tokens *token.Keyring
}

// session is what ties a log-in to its chat.
func (p *Provider) session(id chat.ChatID, session chat.ID, redirect string) identity.Session {
	nonce, verifier := identity.Derive(p.tokens.Secret("identity"), session.String())
	return identity.Session{
		State: p.tokens.MintAuth(id.UUID, session.UUID), Nonce: nonce, Verifier: verifier, RedirectURI: redirect,
	}
}

// URL is where a customer goes to log in. Errors are as those of [identity.Provider.URL].
func (p *Provider) URL(ctx context.Context, id chat.ChatID, session chat.ID, redirect string) (string, error) {
	return p.at.URL(ctx, p.session(id, session, redirect))
}

// Exchange finds out who has come back from there with the code: what to call them, which
// may be empty, and their contact attributes. Errors are as those of
// [identity.Provider.Exchange].
func (p *Provider) Exchange(ctx context.Context, id chat.ChatID, a chat.Authentication, code string) (name string, attributes map[string]string, err error) {
	who, err := p.at.Exchange(ctx, code, p.session(id, a.Session, a.Redirect))
	if err != nil {
		return "", nil, err
	}
	attributes = make(map[string]string)
	for attribute, claim := range p.Attributes {
		if text := claimText(who.Claims[claim]); text != "" {
			attributes[attribute] = text
		}
	}
	return cut(claimText(who.Claims[p.NameClaim])), attributes, nil
}

// claimText is a claim as a contact attribute shows it; empty if it can't be one.
func claimText(claim any) string {
	switch v := claim.(type) {
	case string:
		return strings.ReplaceAll(v, "\x00", "") // no store takes it
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// cut is as much of a name as can be shown.
func cut(name string) string {
	if r := []rune(name); len(r) > maxName {
		return string(r[:maxName])
	}
	return name
}
