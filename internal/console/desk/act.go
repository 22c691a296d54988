package desk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/token"
)

// inviteWithin is how long a user who was invited to a conversation has to come.
const inviteWithin = 2 * time.Minute

// Place is a user's place in a chat: what the public API needs to talk in it.
type Place struct {
	ContactId        string `json:"ContactId"`
	InitialContactId string `json:"InitialContactId"`
	ParticipantId    string `json:"ParticipantId"`
	ParticipantToken string `json:"ParticipantToken"`
	Role             string `json:"Role"`
	Customer         string `json:"Customer"`
	// Present is whether they have come: a supervisor who has not watches in silence.
	Present bool `json:"Present"`
	// ContentTypes are what participants may send.
	ContentTypes []string `json:"ContentTypes"`
	// Attachments says whether files can be sent.
	Attachments bool `json:"Attachments"`
}

// place gives the user's place in a chat, if there is one: the token never expires by
// itself, the chat says when its participants are gone.
func (s *Desk) place(c *chat.Chat, user string, role chat.Role) *Place {
	for p := range c.Participants() {
		if p.User != user || p.Role != role || p.Presence == chat.Gone {
			continue
		}
		return &Place{
			ContactId: c.Contact.String(), InitialContactId: c.ID.String(), Customer: c.Customer().Name,
			ParticipantId: p.ID.String(), Role: string(p.Role), Present: p.Presence == chat.Present,
			ContentTypes:     slices.Clone(c.Settings.ContentTypes),
			Attachments:      s.config.Attachments,
			ParticipantToken: s.config.Tokens.Mint(token.Participant, token.Claims{Chat: c.ID.UUID, Participant: p.ID.UUID}),
		}
	}
	return nil
}

// acceptContact gives an agent their place in a chat: the one they have, that of an
// invitation, or a new one in a chat that waits. They are in it when they have connected.
func (s *Desk) acceptContact(ctx context.Context, in *ContactIn) (*Place, error) {
	u := userOf(ctx)
	var had *Place
	id, err := s.view(ctx, *in.ContactId, func(c *chat.Chat, _ *chat.Contact) error {
		had = s.place(c, u.ID, chat.Agent)
		switch {
		case c.Ended():
			return conflict("The chat has ended")
		case had == nil && !s.serves(u, c.Current().Queue):
			return denied("The chat waits in a queue that is not yours")
		case had == nil && u.Role != center.Supervisor:
			return offered(c)
		}
		return nil
	})
	if err != nil || had != nil {
		return had, err
	}
	return s.seat(ctx, id, chat.Assign{User: u.Chat()}, chat.Agent)
}

// offered refuses a chat that somebody else has been asked to take.
func offered(c *chat.Chat) error {
	for p := range c.Participants() {
		if p.Role == chat.Agent && p.Presence == chat.Invited {
			return conflict(fmt.Sprintf("%s has been asked to take the chat", p.Name))
		}
	}
	return nil
}

// watchContact lets a supervisor watch a chat; they may barge in.
func (s *Desk) watchContact(ctx context.Context, in *ContactIn) (*Place, error) {
	u := userOf(ctx)
	if u.Role != center.Supervisor {
		return nil, denied("Only supervisors may watch")
	}
	id, err := s.view(ctx, *in.ContactId, func(*chat.Chat, *chat.Contact) error { return nil })
	if err != nil {
		return nil, err
	}
	return s.seat(ctx, id, chat.Monitor{User: u.Chat(), Barge: true}, chat.Supervisor)
}

// seat does what gives the user a place, and says which.
func (s *Desk) seat(ctx context.Context, id chat.ChatID, cmd chat.Command, role chat.Role) (place *Place, err error) {
	defer s.board.forget()
	if _, err := s.config.Node.Do(ctx, id, cmd); err != nil {
		return nil, err
	}
	err = s.config.Node.View(ctx, id, func(c *chat.Chat) error {
		if place = s.place(c, userOf(ctx).ID, role); place == nil {
			return conflict("Somebody else was faster")
		}
		return nil
	})
	return place, err
}

// act does something to a chat for a user who is in it, or is a supervisor.
func (s *Desk) act(ctx context.Context, contact string, cmd chat.Command) (chat.ChatID, error) {
	u := userOf(ctx)
	id, err := s.view(ctx, contact, func(c *chat.Chat, _ *chat.Contact) error {
		if u.Role == center.Supervisor {
			return nil
		}
		for p := range c.Participants() {
			if p.User == u.ID && p.Presence == chat.Present {
				return nil
			}
		}
		return denied("Only somebody who is in the chat may do this")
	})
	if err == nil {
		_, err = s.config.Node.Do(ctx, id, cmd)
		s.board.forget()
	}
	return id, err
}

// TransferContactIn is the input of TransferContact: to a user or into a queue.
type TransferContactIn struct {
	ContactId *string `path:"ContactId" required:"true" max:"256"`
	UserId    *string `json:"UserId" max:"100"`
	QueueId   *string `json:"QueueId" max:"100"`
}

func (s *Desk) transferContact(ctx context.Context, in *TransferContactIn) (*Empty, error) {
	var cmd chat.Transfer
	switch {
	case (in.UserId == nil) == (in.QueueId == nil):
		return nil, invalid("Send either UserId or QueueId")
	case in.UserId != nil:
		u, err := s.user(*in.UserId)
		if err != nil {
			return nil, err
		}
		to := u.Chat()
		cmd.User = &to
	default:
		q, ok := s.config.Center.Queue(*in.QueueId)
		if !ok {
			return nil, notFound("QueueId names no queue")
		}
		cmd.Queue, cmd.Offer = q.ID, q.Offer()
	}
	_, err := s.act(ctx, *in.ContactId, cmd)
	return nil, err
}

func (s *Desk) user(id string) (center.User, error) {
	u, ok := s.config.Center.User(id)
	if !ok {
		return u, notFound("UserId names no user")
	}
	return u, nil
}

// InviteUserIn is the input of InviteUser: another agent for a conversation that goes
// on.
type InviteUserIn struct {
	ContactId *string `path:"ContactId" required:"true" max:"256"`
	UserId    *string `json:"UserId" required:"true" max:"100"`
}

func (s *Desk) inviteUser(ctx context.Context, in *InviteUserIn) (*Empty, error) {
	u, err := s.user(*in.UserId)
	if err == nil {
		_, err = s.act(ctx, *in.ContactId, chat.AddParticipant{Role: chat.Agent, Name: u.Name, User: u.ID, Within: inviteWithin})
	}
	return nil, err
}

func (s *Desk) endContact(ctx context.Context, in *ContactIn) (*Empty, error) {
	_, err := s.act(ctx, *in.ContactId, chat.Stop{})
	return nil, err
}

// UpdateAttributesIn is the input of UpdateAttributes, which merges.
type UpdateAttributesIn struct {
	ContactId  *string           `path:"ContactId" required:"true" max:"256"`
	Attributes map[string]string `json:"Attributes" required:"true" min:"1" max:"100" keymin:"1" keymax:"32767" keypattern:"^[A-Za-z0-9_-]+$" itemmax:"32767"`
}

// AttributesOut are all attributes of a chat.
type AttributesOut struct {
	Attributes map[string]string `json:"Attributes"`
}

func (s *Desk) updateAttributes(ctx context.Context, in *UpdateAttributesIn) (*AttributesOut, error) {
	id, err := s.act(ctx, *in.ContactId, chat.UpdateAttributes{Attributes: in.Attributes})
	if err != nil {
		return nil, err
	}
	out := &AttributesOut{}
	return out, s.config.Node.View(ctx, id, func(c *chat.Chat) error {
		out.Attributes = maps.Clone(c.Attributes)
		return nil
	})
}
