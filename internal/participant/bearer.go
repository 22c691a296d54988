package participant

import (
	"errors"
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
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
// the real service does at its gateway: who has none learns nothing. Handlers read
// the token once more to know whom it names; that costs less than a microsecond.
func (s *service) authenticate(r *http.Request, op string, _ []byte) error {
	tok := r.Header.Get(bearerHeader)
	if op == "CreateParticipantConnection" {
		_, err := s.participantBearer(&tok)
		return err
	}
	_, err := s.connectionBearer(&tok)
	return err
}

func (s *service) participantBearer(tok *string) (bearer, error) {
	return s.bearer(token.Participant, restjson.Value(tok))
}

func (s *service) connectionBearer(tok *string) (bearer, error) {
	return s.bearer(token.Connection, restjson.Value(tok))
}

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
