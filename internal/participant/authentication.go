package participant

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/identity"
)

// getAuthenticationUrl sends the customer to the identity provider (semantics.md 3.4).
func (s *service) getAuthenticationUrl(ctx context.Context, in *GetAuthenticationUrlIn) (*GetAuthenticationUrlOut, error) {
	b := bearerOf(ctx)
	session, _ := chat.ParseID(*in.SessionId) // the zero id is that of none
	out, err := s.node.Do(ctx, b.chat, chat.Authenticate{By: b.participant, Session: session, Redirect: *in.RedirectUri})
	if err != nil {
		return nil, err
	}
	p, ok := s.center.Provider(out.Provider)
	if !ok {
		return nil, fmt.Errorf("participant: the identity provider %q is not configured any more", out.Provider)
	}
	where, err := p.URL(ctx, b.chat, session, *in.RedirectUri)
	if errors.Is(err, identity.ErrTooLong) {
		return nil, invalid("RedirectUri makes the AuthenticationUrl longer than 2083 characters; use a shorter one")
	}
	if err != nil {
		return nil, err
	}
	return &GetAuthenticationUrlOut{AuthenticationUrl: where}, nil
}

func (s *service) cancelParticipantAuthentication(ctx context.Context, in *CancelParticipantAuthenticationIn) (*CancelParticipantAuthenticationOut, error) {
	b := bearerOf(ctx)
	session, _ := chat.ParseID(*in.SessionId)
	_, err := s.node.Do(ctx, b.chat, chat.CancelAuthentication{By: b.participant, Session: session})
	return nil, err
}
