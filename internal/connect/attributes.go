package connect

import (
	"context"
	"maps"

	"github.com/parley-chat/parley/internal/chat"
)

// GetContactAttributesIn is the input of GetContactAttributes (semantics.md 9.5).
type GetContactAttributesIn struct {
	InstanceId       *string `path:"InstanceId" required:"true" min:"1" max:"100"`
	InitialContactId *string `path:"InitialContactId" required:"true" min:"1" max:"256"`
}

// GetContactAttributesOut is its output.
type GetContactAttributesOut struct {
	Attributes map[string]string `json:"Attributes"`
}

func (s *service) getContactAttributes(ctx context.Context, in *GetContactAttributesIn) (*GetContactAttributesOut, error) {
	out := &GetContactAttributesOut{}
	_, err := s.view(ctx, *in.InstanceId, *in.InitialContactId, func(c *chat.Chat, _ *chat.Contact) { out.Attributes = maps.Clone(c.Attributes) })
	return out, err
}

// UpdateContactAttributesIn is the input of UpdateContactAttributes.
type UpdateContactAttributesIn struct {
	InitialContactId *string           `json:"InitialContactId" required:"true" min:"1" max:"256"`
	InstanceId       *string           `json:"InstanceId" required:"true" min:"1" max:"100"`
	Attributes       map[string]string `json:"Attributes" required:"true" keymin:"1" keymax:"32767" keypattern:"^[A-Za-z0-9_-]+$" itemmax:"32767"`
}

// UpdateContactAttributesOut is its output.
type UpdateContactAttributesOut struct{}

// updateContactAttributes adds and replaces attributes, in ended chats too. It removes
// none; an empty value is the way to do that.
func (s *service) updateContactAttributes(ctx context.Context, in *UpdateContactAttributesIn) (*UpdateContactAttributesOut, error) {
	at, err := s.find(ctx, *in.InstanceId, *in.InitialContactId)
	if err != nil {
		return nil, err
	}
	_, err = s.node.Do(ctx, at.chat, chat.UpdateAttributes{Attributes: in.Attributes})
	return nil, err
}

// checkAttributes refuses attributes that are too large altogether.
func checkAttributes(a map[string]string) error {
	if chat.AttributesSize(a) > chat.MaxAttributes {
		return invalidParameter("Attributes are larger than 32768 bytes in total, keys and values; send less")
	}
	return nil
}
