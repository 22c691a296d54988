package participant

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/wire"
)

// sendMessage answers with the id and time of the item that everybody gets: clients
// match the two (semantics.md 2.1).
func (s *service) sendMessage(ctx context.Context, in *SendMessageIn) (*SendMessageOut, error) {
	b := bearerOf(ctx)
	if s.strict {
		if problem := wire.TooLong("Content", *in.ContentType, *in.Content); problem != "" {
			return nil, invalid(problem)
		}
	}
	out, err := s.node.Do(ctx, b.chat, chat.SendMessage{
		By:      b.participant,
		Content: chat.Content{Type: *in.ContentType, Text: *in.Content},
		Token:   restjson.Value(in.ClientToken),
	})
	if err != nil {
		return nil, err
	}
	return &SendMessageOut{Id: out.ID.String(), AbsoluteTime: wire.Time(out.At)}, nil
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
