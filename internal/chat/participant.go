package chat

import (
	"iter"
	"slices"
	"time"
)

// Presence is how far a participant has come.
type Presence int

// The presences, in the order they are passed through. A supervisor who steps back from
// the conversation is Invited again.
const (
	Invited Presence = iota // has a token; for a supervisor: may watch
	Present                 // has joined and can be heard
	Gone                    // has left; the token is dead
)

// Participant is someone in a chat.
type Participant struct {
	Author
	// User is the id of the configured user whom the participant stands for; empty if
	// there is none, as for customers.
	User string
	// Contact is the participant's own contact, if there is one: that of a supervisor,
	// or of an agent who was invited to a conversation that goes on.
	Contact  ContactID
	Presence Presence
	// AddedAt, JoinedAt and Left are when they came that far.
	AddedAt, JoinedAt, Left time.Time

	by       time.Time // when an invitation is withdrawn; zero: never
	transfer ContactID // joining completes a transfer, with which this contact begins
	silent   bool      // a supervisor who may not barge in
	missed   bool      // was withdrawn because they came too late
	lostAt   time.Time // since when there is no websocket; zero: nobody said so
	online   bool      // has had a websocket, if that matters
}

// Invitation is how a participant was added.
type Invitation struct {
	User string `json:"user,omitempty"`
	// By is when the invitation is withdrawn unless it was accepted; zero: never.
	By time.Time `json:"by,omitzero"`
	// Transfer is the contact that begins when the participant joins in place of the
	// agents who are there.
	Transfer ContactID `json:"transfer,omitzero"`
	// Offered says that the queue's routing invited the participant.
	Offered bool `json:"offered,omitempty"`
	// Silent supervisors may watch only.
	Silent bool `json:"silent,omitempty"`
}

// Participant finds a participant, present or not; nil if there is none.
func (c *Chat) Participant(id ParticipantID) *Participant {
	for _, p := range c.people {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Customer is the chat's customer.
func (c *Chat) Customer() *Participant { return c.people[0] }

// Waiting finds the participant of the role who was invited as a user of that id or
// name, and has not come yet; nil if there is none.
func (c *Chat) Waiting(r Role, user string) *Participant {
	for _, p := range c.people {
		if p.Role == r && p.User != "" && (p.User == user || p.Name == user) && p.Presence == Invited {
			return p
		}
	}
	return nil
}

// is reports whether the participant stands for a user, as far as can be told: who was not
// invited as one may have a user's name.
func (p *Participant) is(u User) bool {
	return p.User == u.ID || p.User == "" && (p.Name == u.ID || p.Name == u.Name)
}

// Online lists those who are connected by websocket, as far as is known and something
// comes of it if they aren't (see [Lost]).
func (c *Chat) Online() (ids []ParticipantID) {
	for _, p := range c.people {
		if p.Presence == Present && p.online && p.lostAt.IsZero() {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// Participants yields everybody who was ever part of the chat, in order.
func (c *Chat) Participants() iter.Seq[*Participant] { return slices.Values(c.people) }

// Admit finds a participant whose tokens still count: in a chat that goes on, and
// not gone from it.
func (c *Chat) Admit(id ParticipantID) (*Participant, error) {
	p := c.Participant(id)
	switch {
	case p == nil:
		return nil, refuse(UnknownParticipant, "the chat has no such participant")
	case c.Ended():
		return nil, refuse(Ended, "the chat has ended")
	case p.missed && p.Role == CustomBot:
		return nil, refuse(TooLate, "the custom participant did not connect within 15 seconds after CreateParticipant; add another")
	case p.Presence == Gone:
		return nil, refuse(NotPresent, "the participant has left the chat")
	}
	return p, nil
}

// here counts participants of any of the roles who have not gone.
func (c *Chat) here(roles ...Role) int {
	return c.count(Invited, roles...) + c.count(Present, roles...)
}

// count counts participants of any of the roles that are at the presence.
func (c *Chat) count(at Presence, roles ...Role) int {
	n := 0
	for _, p := range c.people {
		if p.Presence == at && slices.Contains(roles, p.Role) {
			n++
		}
	}
	return n
}

// present finds the first participant of the role who is present; nil if there is none.
func (c *Chat) present(r Role) *Participant {
	for _, p := range c.people {
		if p.Role == r && p.Presence == Present {
			return p
		}
	}
	return nil
}

// applyPerson folds an entry about one participant.
func (c *Chat) applyPerson(e *Entry) {
	if e.Kind == KindAdded {
		c.add(e)
		return
	}
	p := c.Participant(e.By.ID)
	switch e.Kind {
	case KindJoined:
		p.Presence, p.JoinedAt, p.by, p.transfer = Present, e.At, time.Time{}, ContactID{}
		c.joined(p, e)
	case KindWatching:
		p.Presence = Invited
	case KindLeft, KindWithdrawn:
		p.Presence, p.Left, p.missed, p.transfer = Gone, e.At, e.Cause == CauseMissed, ContactID{}
		c.left(p, e)
	case KindLost:
		p.lostAt = e.At
	case KindFound:
		p.lostAt, p.online = time.Time{}, true
	case KindRenamed: // the entries so far keep the name that they show
		twin := *p
		twin.Name = e.By.Name
		c.people[slices.Index(c.people, p)] = &twin
	}
}

func (c *Chat) add(e *Entry) {
	p := &Participant{Author: *e.By, AddedAt: e.At}
	if i := e.Added; i != nil {
		p.User, p.by, p.transfer, p.silent = i.User, i.By, i.Transfer, i.Silent
		if i.Offered {
			c.offers++
		}
	}
	c.people = append(c.people, p)
}
