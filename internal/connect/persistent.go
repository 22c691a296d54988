package connect

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
)

// CreatePersistentContactAssociationIn is the input of CreatePersistentContactAssociation
// (semantics.md 9.7).
type CreatePersistentContactAssociationIn struct {
	InstanceId       *string `path:"InstanceId" required:"true" min:"1" max:"100"`
	InitialContactId *string `path:"InitialContactId" required:"true" min:"1" max:"256"`
	RehydrationType  *string `json:"RehydrationType" required:"true" enum:"ENTIRE_PAST_SESSION|FROM_SEGMENT"`
	SourceContactId  *string `json:"SourceContactId" required:"true" min:"1" max:"256"`
	ClientToken      *string `json:"ClientToken" max:"500"`
}

// CreatePersistentContactAssociationOut is its output.
type CreatePersistentContactAssociationOut struct {
	ContinuedFromContactId *string `json:"ContinuedFromContactId"`
}

// createPersistentContactAssociation has a chat that goes on continue a past one. With us
// that is done when the answer comes.
func (s *service) createPersistentContactAssociation(ctx context.Context, in *CreatePersistentContactAssociationIn) (*CreatePersistentContactAssociationOut, error) {
	at, err := s.find(ctx, *in.InstanceId, *in.InitialContactId)
	if err != nil {
		return nil, err
	}
	past, err := s.past(ctx, "SourceContactId", *in.RehydrationType, *in.SourceContactId)
	if err != nil {
		return nil, err
	}
	if _, err := s.node.Do(ctx, at.chat, chat.Rehydrate{Past: *past, Token: restjson.Value(in.ClientToken)}); err != nil {
		return nil, err
	}
	from, err := s.continuedFrom(ctx, at.chat)
	return &CreatePersistentContactAssociationOut{ContinuedFromContactId: from}, err
}

// continuedFrom names the contact of a past chat that a chat continues; nil if it
// continues none.
func (s *service) continuedFrom(ctx context.Context, id chat.ChatID) (from *string, err error) {
	err = s.node.View(ctx, id, func(c *chat.Chat) error {
		if c.Past != nil {
			from = text(c.Past.Contact.String())
		}
		return nil
	})
	return from, err
}

// past finds what a chat is to continue: of the whole past chat that a first contact
// stands for the last contact of its chain, or the very contact (semantics.md 5). The
// past chat must have ended.
func (s *service) past(ctx context.Context, member, rehydration, source string) (past *chat.Past, err error) {
	problem := ""
	_, err = s.view(ctx, s.center.Instance.ID, source, func(c *chat.Chat, k *chat.Contact) {
		past = &chat.Past{Chat: c.ID, Contact: k.ID}
		switch {
		case !c.Ended():
			problem = "names a chat that goes on; only one that has ended can be continued"
		case k.Of != chat.ParticipantID{}:
			problem = "is the own contact of a supervisor or an invited agent; name one of the chat's"
		case rehydration == "FROM_SEGMENT":
		case k.ID != c.ID.FirstContact():
			problem = "must be the chat's first contact for ENTIRE_PAST_SESSION; it is " + c.ID.FirstContact().String()
		default:
			past.Contact = c.Contact
		}
	})
	switch {
	case isNotFound(err):
		return nil, notFound(member + " names no contact of this instance")
	case problem != "":
		return nil, invalidRequest(member + " " + problem)
	}
	return past, err
}
