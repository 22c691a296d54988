package connect

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
)

// UpdateParticipantAuthenticationIn is the input of UpdateParticipantAuthentication
// (semantics.md 9.10): what the identity provider gave the customer's browser back. It
// has Code, or Error with or without ErrorDescription.
type UpdateParticipantAuthenticationIn struct {
	State            *string `json:"State" required:"true" min:"1" max:"1000"`
	InstanceId       *string `json:"InstanceId" required:"true" min:"1" max:"100"`
	Code             *string `json:"Code" min:"1" max:"2048"`
	Error            *string `json:"Error" min:"1" max:"2048" pattern:"^[\\x20-\\x21\\x23-\\x5B\\x5D-\\x7E]*$"`
	ErrorDescription *string `json:"ErrorDescription" min:"1" max:"2048" pattern:"^[\\x20-\\x21\\x23-\\x5B\\x5D-\\x7E]*$"`
}

// UpdateParticipantAuthenticationOut is its output. It comes before the code is
// exchanged; what becomes of that, the chat's events tell.
type UpdateParticipantAuthenticationOut struct{}

func (s *service) updateParticipantAuthentication(ctx context.Context, in *UpdateParticipantAuthenticationIn) (*UpdateParticipantAuthenticationOut, error) {
	switch {
	case (in.Code == nil) == (in.Error == nil):
		return nil, invalidRequest("Exactly one of Code and Error must be given: whichever the identity provider added to the redirect URI")
	case in.ErrorDescription != nil && in.Error == nil:
		return nil, invalidRequest("ErrorDescription goes with Error; leave it out")
	}
	if err := s.ours(*in.InstanceId); err != nil {
		return nil, err
	}
	id, session, err := s.tokens.OpenAuth(*in.State)
	if err != nil {
		return nil, invalidParameter("State is none of this server's; send the query parameter state of the redirect URI as it came")
	}
	_, err = s.node.Do(ctx, chat.ChatID{ID: chat.ID{UUID: uuid.UUID(id)}}, chat.AnswerAuthentication{
		Session: chat.ID{UUID: uuid.UUID(session)}, Code: restjson.Value(in.Code),
	})
	if errors.Is(err, node.ErrNotFound) {
		return nil, invalidParameter("State names no chat of this server; send the query parameter state of the redirect URI as it came")
	}
	return nil, err
}
