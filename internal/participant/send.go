package participant

import (
	"context"
	"fmt"
	"mime"
	"strconv"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/wire"
)

// sendMessage answers with the id and time of the item that everybody gets: clients
// match the two (semantics.md 2.1).
func (s *service) sendMessage(ctx context.Context, in *SendMessageIn) (*SendMessageOut, error) {
	b := bearerOf(ctx)
	contentType, part, err := parsePart(*in.ContentType)
	if err != nil {
		return nil, err
	}
	if s.strict {
		if problem := wire.TooLong("Content", contentType, *in.Content); problem != "" {
			return nil, invalid(problem)
		}
	}
	content := chat.Content{Type: contentType, Text: *in.Content}
	var cmd chat.Command = chat.SendMessage{By: b.participant, Content: content, ID: part.id, Token: restjson.Value(in.ClientToken)}
	if part.number > 0 {
		cmd = chat.SendPart{By: b.participant, ID: part.id, Part: chat.Part{Number: part.number, Content: content}, Token: restjson.Value(in.ClientToken)}
	}
	out, err := s.node.Do(ctx, b.chat, cmd)
	if err != nil {
		return nil, err
	}
	return &SendMessageOut{Id: out.ID.String(), AbsoluteTime: wire.Time(out.At)}, nil
}

// part says which part of a message a request has: that of the number, or with 0 the
// whole. The id is that of a message of which there were parts.
type part struct {
	number int
	id     chat.ID
}

// parsePart reads the parameters of a ContentType, which are our extension: a CUSTOM_BOT
// sends "text/plain;chunk=1", and with the Id that this is answered with,
// "text/plain;id=…;chunk=2" and so on, and in the end the whole as "text/plain;id=…".
func parsePart(contentType string) (bare string, p part, err error) {
	if !strings.Contains(contentType, ";") {
		return contentType, part{}, nil
	}
	bare, params, err := mime.ParseMediaType(contentType)
	if err != nil || len(params) == 0 {
		return "", part{}, invalid(fmt.Sprintf("ContentType %q is not a media type like text/plain", contentType))
	}
	for name, value := range params {
		switch name {
		case "chunk":
			if p.number, err = strconv.Atoi(value); err != nil || p.number < 1 {
				return "", part{}, invalid("the parameter chunk of ContentType must be a number from 1")
			}
		case "id":
			if p.id, err = chat.ParseID(value); err != nil || p.id.IsZero() {
				return "", part{}, invalid("the parameter id of ContentType must be the Id that chunk=1 was answered with")
			}
		default:
			return "", part{}, invalid(fmt.Sprintf("ContentType has the unknown parameter %q; leave it out", name))
		}
	}
	return bare, p, nil
}

func (s *service) sendEvent(ctx context.Context, in *SendEventIn) (*SendEventOut, error) {
	b := bearerOf(ctx)
	out, err := s.node.Do(ctx, b.chat, chat.SendEvent{
		By:      b.participant,
		Type:    *in.ContentType,
		Content: restjson.Value(in.Content),
		Token:   restjson.Value(in.ClientToken),
	})
	if err != nil {
		return nil, err
	}
	return &SendEventOut{Id: out.ID.String(), AbsoluteTime: wire.Time(out.At)}, nil
}

func (s *service) disconnectParticipant(ctx context.Context, in *DisconnectParticipantIn) (*DisconnectParticipantOut, error) {
	b := bearerOf(ctx)
	_, err := s.node.Do(ctx, b.chat, chat.Leave{By: b.participant, Token: restjson.Value(in.ClientToken)})
	return nil, err
}
