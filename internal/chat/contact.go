package chat

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// Contact is one segment of a chat (semantics.md 8, 9.4). Most chats have one.
type Contact struct {
	ID, Previous ContactID
	Method       Method
	// Of is the participant whose own contact it is: a supervisor, or an agent who was
	// invited to a conversation that goes on. It is zero for the contacts of the chain.
	Of ParticipantID
	// Began and Ended bound the contact; Ended is zero while it goes on.
	Began, Ended time.Time
	Cause        Cause
	// Queue is the id of the queue the contact entered, QueuedAt when.
	Queue    string
	QueuedAt time.Time
	// Agent is the agent who joined last, but for those who have a contact of their own, or
	// whose own contact it is; ConnectedAt is when the first one joined, or barged in.
	Agent       ParticipantID
	ConnectedAt time.Time
	// Updated is when anything but the conversation last changed the contact.
	Updated     time.Time
	Description Description
	Metrics     Metrics

	first int64 // Seq of the entry it began with
}

// Segment is what a contact begins with.
type Segment struct {
	ID     ContactID     `json:"id"`
	Method Method        `json:"method"`
	Of     ParticipantID `json:"of,omitzero"`
}

// request stands for the operation that begins such a contact, in the key of its
// ClientToken.
func (s *Segment) request() string {
	if s.Method == MethodMonitor {
		return keyMonitor
	}
	return keyTransfer
}

// Description is what UpdateContact and TagContact say of a contact. As a change, nil
// leaves things as they are.
type Description struct {
	Name              *string              `json:"name,omitempty"`
	Text              *string              `json:"text,omitempty"`
	References        map[string]Reference `json:"references,omitempty"`
	SegmentAttributes map[string]string    `json:"segmentAttributes,omitempty"`
	Tags              map[string]string    `json:"tags,omitempty"`
	// Untag takes tags away; only in a change.
	Untag []string `json:"untag,omitempty"`
}

// Reference is something that belongs to a contact; Type is the wire's.
type Reference struct {
	Type  string `json:"type"`
	Value string `json:"value,omitempty"`
}

// merge makes a change. Maps are made anew: an older copy may be looked at.
func (d *Description) merge(change *Description) {
	if change.Name != nil {
		d.Name = change.Name
	}
	if change.Text != nil {
		d.Text = change.Text
	}
	d.References = merged(d.References, change.References)
	d.SegmentAttributes = merged(d.SegmentAttributes, change.SegmentAttributes)
	if len(change.Tags)+len(change.Untag) > 0 {
		d.Tags = maps.Clone(merged(d.Tags, change.Tags))
		maps.DeleteFunc(d.Tags, func(key, _ string) bool { return slices.Contains(change.Untag, key) })
	}
}

func merged[K comparable, V any](had, change map[K]V) map[K]V {
	if len(change) == 0 {
		return had
	}
	all := make(map[K]V, len(had)+len(change))
	maps.Copy(all, had)
	maps.Copy(all, change)
	return all
}

// Contacts yields the contacts in the order in which they began.
func (c *Chat) Contacts() iter.Seq[*Contact] { return slices.Values(c.contacts) }

// Find gives a contact of the chat; nil if there is none.
func (c *Chat) Find(id ContactID) *Contact {
	for _, s := range c.contacts {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Current is the contact of the chain that goes on, or was the last one; nil if the chat
// was not started.
func (c *Chat) Current() *Contact { return c.Find(c.Contact) }

// isCurrent reports whether a contact is the current one; the zero id is.
func (c *Chat) isCurrent(id ContactID) bool { return id == c.Contact || id == ContactID{} }

func (c *Chat) notCurrent() error {
	return refuse(WrongState, fmt.Sprintf("the contact has ended, or is a participant's own; the chat's current contact is %s", c.Contact))
}

// Next gives the contacts that came next after one in the chain.
func (c *Chat) Next(id ContactID) (next []ContactID) {
	for _, s := range c.contacts {
		if s.Previous == id && s.Previous != (ContactID{}) {
			next = append(next, s.ID)
		}
	}
	return next
}

// Until is the Seq of the last entry that a contact of the chain or an earlier one can
// have; 0 if the contact is the last one.
func (c *Chat) Until(id ContactID) int64 {
	seen := false
	for _, s := range c.contacts {
		if seen && s.Of == (ParticipantID{}) {
			return s.first - 1
		}
		seen = seen || s.ID == id
	}
	return 0
}

// begin folds the beginning of a contact. One of the chain ends the one before, and what
// the flow and the queue were about there.
func (c *Chat) begin(e *Entry) {
	s := &Contact{ID: e.Segment.ID, Previous: c.Contact, Method: e.Segment.Method, Of: e.Segment.Of, Began: e.At, first: e.Seq}
	if p := c.Participant(s.Of); p != nil {
		p.Contact = s.ID
		if s.Method == MethodMonitor {
			s.Agent = p.ID
		}
	} else {
		was := c.Current()
		was.Ended, was.Cause = e.At, e.Cause
		c.Contact, c.offer = s.ID, nil
		if s.Method == MethodDisconnect {
			c.flow = flowState{exits: true}
		}
	}
	c.contacts = append(slices.Clip(c.contacts), s)
}

// joined notes who has joined in their own contact, and an agent who has none in the chain's.
func (c *Chat) joined(p *Participant, e *Entry) {
	if c.count(Present, Customer, Agent, Supervisor) > pair {
		c.Current().Metrics.MultiParty = true
	}
	s := c.Find(p.Contact)
	if s == nil && p.Role == Agent {
		s = c.Current()
	}
	if s != nil {
		s.Agent = p.ID
		if s.ConnectedAt.IsZero() {
			s.ConnectedAt = e.At
		}
	}
	c.startTimers(p, e)
}

// left ends the participant's own contact.
func (c *Chat) left(p *Participant, e *Entry) {
	if s := c.Find(p.Contact); s != nil && s.Ended.IsZero() {
		s.Ended, s.Cause = e.At, e.Cause
	}
	c.stopTimers()
}

// endAll ends every contact that goes on, with the chat.
func (c *Chat) endAll(e *Entry) {
	c.EndedAt, c.Cause = e.At, e.Cause
	for _, s := range c.contacts {
		if s.Ended.IsZero() {
			s.Ended, s.Cause = e.At, e.Cause
		}
	}
}

// Describe changes what is said of a contact: UpdateContact, TagContact, UntagContact
// (semantics.md 9.5, 9.9). It works on ended contacts too.
type Describe struct {
	Contact ContactID
	Change  Description
}

// What a contact may have: as many tags as the model says (semantics.md 9.9), and so
// many references and segment attributes that a chat stays small.
const (
	MaxTags              = 6
	MaxReferences        = 100
	MaxSegmentAttributes = 100
)

func (d Describe) decide(t *turn) error {
	s := t.chat.Find(d.Contact)
	if s == nil {
		return refuse(UnknownItem, "the chat has no such contact")
	}
	after := s.Description
	after.merge(&d.Change)
	switch {
	case len(after.Tags) > MaxTags:
		return refuse(TooMany, "the contact would have more than six tags; remove some with UntagContact")
	case len(after.References) > MaxReferences:
		return refuse(TooMany, "the contact would have more than 100 references; replace some that it has")
	case len(after.SegmentAttributes) > MaxSegmentAttributes:
		return refuse(TooMany, "the contact would have more than 100 segment attributes; replace some that it has")
	}
	t.append(Entry{Kind: KindDescribed, Contact: d.Contact, Described: &d.Change})
	return nil
}
