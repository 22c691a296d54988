package participant

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/wire"
)

// credentialsLife is how long a connection token is good (semantics.md 4). ChatJS asks
// for another a minute before, and would storm if that were sooner than in a minute or
// later than in 24.8 days.
const credentialsLife = 24 * time.Hour

// The connection types of chats; WEBRTC_CONNECTION is the third, for calls.
const (
	typeWebsocket   = "WEBSOCKET"
	typeCredentials = "CONNECTION_CREDENTIALS"
	typeWebRTC      = "WEBRTC_CONNECTION"
)

// createParticipantConnection gives out what was asked for, as often as it is asked
// for: earlier tokens and websockets stay valid.
func (s *service) createParticipantConnection(ctx context.Context, in *CreateParticipantConnectionIn) (*CreateParticipantConnectionOut, error) {
	b := bearerOf(ctx)
	connect := restjson.Value(in.ConnectParticipant)
	switch {
	case slices.Contains(in.Type, typeWebRTC):
		return nil, invalid("Type WEBRTC_CONNECTION is for calls; a chat takes WEBSOCKET and CONNECTION_CREDENTIALS")
	case in.Type == nil && in.ConnectParticipant == nil:
		return nil, invalid("Type is missing; send WEBSOCKET or CONNECTION_CREDENTIALS in it, or both, or ConnectParticipant=true")
	}
	var err error
	switch {
	case connect:
		_, err = s.node.Do(ctx, b.chat, chat.Connect{By: b.participant, Via: chat.ViaRequest})
	case in.ConnectParticipant != nil: // false: a supervisor steps back
		_, err = s.node.Do(ctx, b.chat, chat.StepBack{By: b.participant})
	default:
		_, err = s.node.Admit(ctx, b.chat, b.participant)
	}
	if unknown(err) && ctx.Err() == nil && in.Type != nil && (in.ConnectParticipant == nil || s.present(ctx, b)) {
		err = nil
	}
	if err != nil {
		return nil, tooLate(err)
	}
	return s.connection(b, in.Type), nil
}

// unknown reports whether an error says that the store can't be asked. Who wants nothing
// but a connection is given one then: a ChatJS session on a desktop is over for good when
// it is not (semantics.md 1.7), and whatever is done with a connection is looked at again.
func unknown(err error) bool {
	_, refused := errors.AsType[*chat.Refusal](err)
	return err != nil && !refused && !errors.Is(err, node.ErrNotFound)
}

// present reports whether ConnectParticipant means nothing, as far as is known here:
// agents' ChatJS sessions send it each time.
func (s *service) present(ctx context.Context, b bearer) bool {
	return s.node.Recall(ctx, b.chat, func(c *chat.Chat) error {
		p, err := c.Admit(b.participant)
		if err == nil && (p.Role == chat.Supervisor || p.Presence != chat.Present) {
			err = node.ErrNotFound
		}
		return err
	}) == nil
}

func (s *service) connection(b bearer, types []string) *CreateParticipantConnectionOut {
	now := s.clock.Now().Truncate(time.Millisecond)
	mint := func(kind token.Kind, life time.Duration) (string, time.Time) {
		expires := now.Add(life)
		return s.tokens.Mint(kind, token.Claims{Chat: b.chat.UUID, Participant: b.participant.UUID, Expires: expires}), expires
	}
	out := &CreateParticipantConnectionOut{}
	if slices.Contains(types, typeWebsocket) {
		tok, _ := mint(token.Socket, token.ConnectWindow)
		out.Websocket = &Websocket{Url: s.socket + tok, ConnectionExpiry: wire.Time(now.Add(token.SocketLife))}
	}
	if slices.Contains(types, typeCredentials) {
		tok, expires := mint(token.Connection, credentialsLife)
		out.ConnectionCredentials = &ConnectionCredentials{ConnectionToken: tok, Expiry: wire.Time(expires)}
	}
	return out
}
