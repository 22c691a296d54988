package participant

import (
	"context"
	"errors"
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/token"
)

const (
	bearerHeader = "X-Amz-Bearer"
	// maxBearer is the length of a token in the model, in bytes.
	maxBearer = 1000
)

// bearer is whom a token names.
type bearer struct {
	chat        chat.ChatID
	participant chat.ParticipantID
}

// authenticate checks the token before anything else of the request is looked at, as
// the real service does at its gateway: who has none learns nothing. Handlers ask
// bearerOf whom it names, and need not look at the member that the token came in.
func (s *service) authenticate(r *http.Request, op string, _ []byte) (context.Context, error) {
	kind := token.Connection
	if op == "CreateParticipantConnection" {
		kind = token.Participant
	}
	b, err := s.bearer(kind, r.Header.Get(bearerHeader))
	if err != nil {
		return nil, err
	}
	return context.WithValue(r.Context(), bearerKey{}, b), nil
}

type bearerKey struct{}

// bearerOf gives whom the token of the request names, to a handler.
func bearerOf(ctx context.Context) bearer { return ctx.Value(bearerKey{}).(bearer) }

func (s *service) bearer(kind token.Kind, tok string) (bearer, error) {
	switch {
	case tok == "":
		return bearer{}, denied("the header X-Amz-Bearer is missing or empty; send the " + kindNames[kind])
	case len(tok) > maxBearer:
		return bearer{}, denied("the header X-Amz-Bearer has more than 1000 characters; no token is that long")
	}
	c, err := s.tokens.Verify(kind, tok, s.clock.Now())
	if err != nil {
		return bearer{}, s.distrust(kind, tok, err)
	}
	return bearer{chat.ChatID{ID: chat.ID{UUID: c.Chat}}, chat.ParticipantID{ID: chat.ID{UUID: c.Participant}}}, nil
}

var kindNames = map[token.Kind]string{
	token.Participant: "participant token (of StartChatContact or CreateParticipant)",
	token.Connection:  "connection token (of CreateParticipantConnection)",
	token.Socket:      "token of a websocket URL",
	token.Page:        "NextToken of GetTranscript",
}

// distrust says what is wrong with a token.
func (s *service) distrust(want token.Kind, tok string, err error) error {
	switch {
	case errors.Is(err, token.ErrExpired):
		return denied("the connection token has expired; call CreateParticipantConnection for another")
	case errors.Is(err, token.ErrKind):
		for kind, name := range kindNames {
			if _, err := s.tokens.Open(kind, tok); err == nil {
				return denied("a " + name + " was used where a " + kindNames[want] + " is needed")
			}
		}
	}
	return denied("the token in X-Amz-Bearer is malformed, or of another server; send the " + kindNames[want])
}
