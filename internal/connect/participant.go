package connect

import (
	"context"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/wire"
)

// CreateParticipantIn is the input of CreateParticipant (semantics.md 9.2).
type CreateParticipantIn struct {
	InstanceId         *string                  `json:"InstanceId" required:"true" min:"1" max:"100"`
	ContactId          *string                  `json:"ContactId" required:"true" min:"1" max:"256"`
	ClientToken        *string                  `json:"ClientToken" max:"500"`
	ParticipantDetails *ParticipantDetailsToAdd `json:"ParticipantDetails" required:"true"`
}

// ParticipantDetailsToAdd describe whom to add. For a chat the real service takes
// CUSTOM_BOT alone and has no public operation by which an agent desk gets a token;
// AGENT and SUPERVISOR are our extension for that. Without DisplayName the role is
// the name, because some clients can't show an item without one (semantics.md 11).
// ParticipantCapabilities are for calls and change nothing.
type ParticipantDetailsToAdd struct {
	ParticipantRole         *string                  `json:"ParticipantRole" required:"true" enum:"CUSTOM_BOT|AGENT|SUPERVISOR"`
	DisplayName             *string                  `json:"DisplayName" min:"1" max:"256"`
	ParticipantCapabilities *ParticipantCapabilities `json:"ParticipantCapabilities"`
}

// ParticipantCapabilities are about video.
type ParticipantCapabilities struct {
	Video       *string `json:"Video" enum:"SEND"`
	ScreenShare *string `json:"ScreenShare" enum:"SEND"`
}

// CreateParticipantOut is its output.
type CreateParticipantOut struct {
	ParticipantCredentials *ParticipantTokenCredentials `json:"ParticipantCredentials"`
	ParticipantId          *string                      `json:"ParticipantId"`
}

// ParticipantTokenCredentials are a participant token and, in ISO 8601, when the chat
// is over at the latest: until then the token lives as long as the participant.
type ParticipantTokenCredentials struct {
	ParticipantToken *string `json:"ParticipantToken"`
	Expiry           *string `json:"Expiry"`
}

// createParticipant adds somebody to a chat that goes on. The same ClientToken, role
// and name name the same participant.
func (s *service) createParticipant(ctx context.Context, in *CreateParticipantIn) (*CreateParticipantOut, error) {
	var expiry time.Time // is fixed when a chat starts
	at, err := s.view(ctx, *in.InstanceId, *in.ContactId, func(c *chat.Chat, _ *chat.Contact) { expiry = c.Expiry() })
	if err != nil {
		return nil, err
	}
	add := chat.AddParticipant{
		Role: chat.Role(*in.ParticipantDetails.ParticipantRole),
		Name: restjson.Value(in.ParticipantDetails.DisplayName), Token: restjson.Value(in.ClientToken),
	}
	if add.Name == "" {
		add.Name = string(add.Role)
	}
	out, err := s.node.Do(ctx, at.chat, add)
	if err != nil {
		return nil, err
	}
	p := chat.ParticipantID{ID: out.ID}
	return &CreateParticipantOut{
		ParticipantId: text(p.String()),
		ParticipantCredentials: &ParticipantTokenCredentials{
			ParticipantToken: text(s.participantToken(at.chat, p)), Expiry: text(wire.Time(expiry)),
		},
	}, nil
}
