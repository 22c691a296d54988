package desk

import (
	"context"
	"maps"
	"net/http"
	"strings"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/store"
)

// The states of a chat as a desk sees it.
const (
	stateConnecting = "connecting" // the customer has not come yet
	stateWaiting    = "waiting"    // for an agent
	stateActive     = "active"     // somebody serves the customer, or its flow does
	stateEnded      = "ended"
)

// Contact is one segment of a chat.
type Contact struct {
	ContactId        string `json:"ContactId"`
	InitialContactId string `json:"InitialContactId"`
	Customer         string `json:"Customer"`
	State            string `json:"State"`
	Method           string `json:"Method"`
	QueueId          string `json:"QueueId,omitempty"`
	QueueName        string `json:"QueueName,omitempty"`
	// Agent is the user id of the agent who took it last, or their name.
	Agent            string `json:"Agent,omitempty"`
	InitiatedAt      string `json:"InitiatedAt"`
	QueuedAt         string `json:"QueuedAt,omitempty"`
	ConnectedAt      string `json:"ConnectedAt,omitempty"`
	EndedAt          string `json:"EndedAt,omitempty"`
	UpdatedAt        string `json:"UpdatedAt,omitempty"`
	DisconnectReason string `json:"DisconnectReason,omitempty"`
	// FirstMessage is the beginning of what the customer said first; only on the board.
	FirstMessage string        `json:"FirstMessage,omitempty"`
	Participants []Participant `json:"Participants,omitempty"`
	// Seats are the user's own places; only on the board.
	Seats []Seat `json:"Seats,omitempty"`
}

// Participant is somebody who is in a chat, or was. Presence is invited, present or
// gone.
type Participant struct {
	ParticipantId string `json:"ParticipantId"`
	Role          string `json:"Role"`
	Name          string `json:"Name"`
	UserId        string `json:"UserId,omitempty"`
	Presence      string `json:"Presence"`
}

// contact shows a row.
func (s *Desk) contact(row *chat.Summary) Contact {
	c := Contact{
		ContactId: row.Contact.String(), InitialContactId: row.Chat.String(), Customer: row.Customer,
		State: stateActive, Method: string(row.Method), QueueId: row.Queue, Agent: row.Agent,
		InitiatedAt: stamp(row.InitiatedAt), QueuedAt: stamp(row.QueuedAt), ConnectedAt: stamp(row.ConnectedAt),
		EndedAt: stamp(row.EndedAt), DisconnectReason: string(row.Cause),
	}
	switch {
	case !row.EndedAt.IsZero():
		c.State = stateEnded
	case row.Queue != "" && row.ConnectedAt.IsZero():
		c.State = stateWaiting
	}
	if q, ok := s.config.Center.Queue(row.Queue); ok {
		c.QueueName = q.Name
	}
	return c
}

// stateOf tells how a chat is now.
func stateOf(c *chat.Chat) string {
	switch k := c.Current(); {
	case c.Ended():
		return stateEnded
	case c.Customer().Presence == chat.Invited:
		return stateConnecting
	case k.Queue != "" && k.ConnectedAt.IsZero():
		return stateWaiting
	}
	return stateActive
}

func participant(p *chat.Participant) Participant {
	presence := [...]string{chat.Invited: "invited", chat.Present: "present", chat.Gone: "gone"}
	return Participant{p.ID.String(), string(p.Role), p.Name, p.User, presence[p.Presence]}
}

// ContactIn names a contact.
type ContactIn struct {
	ContactId *string `path:"ContactId" required:"true" max:"256"`
}

// view finds a contact that the user may see, and has a look at its chat as
// [node.Node.View] does. Agents see the chats they are or were in, those they are
// invited to, and those that wait in their queues.
func (s *Desk) view(ctx context.Context, contact string, look func(c *chat.Chat, k *chat.Contact) error) (chat.ChatID, error) {
	id, err := chat.ParseID(contact)
	if err != nil {
		return chat.ChatID{}, noContact()
	}
	found, err := s.config.Node.Find(ctx, chat.ContactID{ID: id})
	if err != nil {
		return chat.ChatID{}, err
	}
	u := userOf(ctx)
	return found, s.config.Node.View(ctx, found, func(c *chat.Chat) error {
		k := c.Find(chat.ContactID{ID: id})
		if k == nil || !strings.EqualFold(c.Settings.Instance, s.config.Center.Instance.ID) || !s.maySee(u, c) {
			return noContact()
		}
		return look(c, k)
	})
}

func (s *Desk) maySee(u center.User, c *chat.Chat) bool {
	if u.Role == center.Supervisor || stateOf(c) == stateWaiting && s.serves(u, c.Current().Queue) {
		return true
	}
	for p := range c.Participants() {
		if p.User == u.ID {
			return true
		}
	}
	return false
}

// ContactDetails is the output of GetContact.
type ContactDetails struct {
	Contact    Contact           `json:"Contact"`
	Attributes map[string]string `json:"Attributes"`
	// Chain are the contacts of the chat, the oldest first.
	Chain []string `json:"Chain"`
}

func (s *Desk) getContact(ctx context.Context, in *ContactIn) (*ContactDetails, error) {
	out := &ContactDetails{}
	_, err := s.view(ctx, *in.ContactId, func(c *chat.Chat, k *chat.Contact) error {
		for _, row := range c.Summaries() {
			if row.Contact == k.ID {
				out.Contact = s.contact(&row)
			}
		}
		if k.ID == c.Contact {
			out.Contact.State = stateOf(c)
		}
		for p := range c.Participants() {
			out.Contact.Participants = append(out.Contact.Participants, participant(p))
		}
		for k := range c.Contacts() {
			if k.Of == (chat.ParticipantID{}) {
				out.Chain = append(out.Chain, k.ID.String())
			}
		}
		out.Attributes = maps.Clone(c.Attributes)
		return nil
	})
	return out, err
}

// ListContactsIn is the input of ListContacts. Text is looked for in customers' names,
// agents, queues, attributes and tags; an id finds its contact.
type ListContactsIn struct {
	State     *string `query:"state" enum:"active|ended"`
	Queue     *string `query:"queue" max:"100"`
	Agent     *string `query:"agent" max:"256"`
	Text      *string `query:"text" max:"200"`
	NextToken *string `query:"next" max:"100"`
}

// ListContactsOut is its output: the newest first.
type ListContactsOut struct {
	Contacts  []Contact `json:"Contacts"`
	NextToken string    `json:"NextToken,omitempty"`
}

// Pages have pageSize contacts; for a page, scanSize rows are looked at and not more
// than maxScans times that.
const pageSize, scanSize, maxScans = 50, 200, 25

func (s *Desk) listContacts(ctx context.Context, in *ListContactsIn) (*ListContactsOut, error) {
	q, err := s.search(ctx, in)
	if err != nil {
		return nil, err
	}
	text := strings.ToLower(strings.TrimSpace(restjson.Value(in.Text)))
	if id, err := chat.ParseID(text); err == nil {
		return s.theContact(ctx, id)
	}
	out := &ListContactsOut{Contacts: []Contact{}}
	for range maxScans {
		found, err := s.config.Node.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range found.Contacts {
			row := &found.Contacts[i]
			if text != "" && !mentions(row, text) {
				continue
			}
			if out.Contacts = append(out.Contacts, s.contact(row)); len(out.Contacts) == pageSize {
				out.NextToken = cursorText(q.Cursor(row))
				return out, nil
			}
		}
		if len(found.Contacts) < scanSize {
			return out, nil
		}
		last := q.Cursor(&found.Contacts[scanSize-1])
		q.After, out.NextToken = &last, cursorText(last)
	}
	return out, nil
}

// search makes the query of a list. Agents find their own contacts only.
func (s *Desk) search(ctx context.Context, in *ListContactsIn) (store.Search, error) {
	q := store.Search{Instance: s.config.Center.Instance.ID, Methods: chain, Limit: scanSize}
	if in.State != nil {
		active := *in.State == "active"
		q.Active = &active
	}
	if v := restjson.Value(in.Queue); v != "" {
		q.Queues = []string{v}
	}
	if v := restjson.Value(in.Agent); v != "" {
		q.Agents = []string{v}
	}
	if u := userOf(ctx); u.Role != center.Supervisor {
		q.Agents = []string{u.ID}
	}
	if in.NextToken != nil {
		after, err := parseCursor(*in.NextToken)
		if err != nil {
			return q, err
		}
		q.After = &after
	}
	return q, nil
}

// mentions reports whether a row has the text, which is in lower case.
func mentions(row *chat.Summary, text string) bool {
	for _, in := range []string{row.Customer, row.Agent, row.Queue, row.Name, row.Labels} {
		if strings.Contains(strings.ToLower(in), text) {
			return true
		}
	}
	return false
}

// theContact is the list of the one contact that has the id, if there is one.
func (s *Desk) theContact(ctx context.Context, id chat.ID) (*ListContactsOut, error) {
	out := &ListContactsOut{Contacts: []Contact{}}
	_, err := s.view(ctx, id.String(), func(c *chat.Chat, k *chat.Contact) error {
		for _, row := range c.Summaries() {
			if row.Contact == k.ID {
				out.Contacts = append(out.Contacts, s.contact(&row))
			}
		}
		return nil
	})
	if e := translate(err); err == node.ErrNotFound || e != nil && e.Status == http.StatusNotFound {
		return out, nil
	}
	return out, err
}

// cursorText writes a place in a list.
func cursorText(c store.Cursor) string { return stamp(c.At) + "_" + c.Contact.String() }

func parseCursor(s string) (c store.Cursor, err error) {
	at, id, _ := strings.Cut(s, "_")
	if c.At, err = parseStamp(at); err == nil {
		c.Contact.ID, err = chat.ParseID(id)
	}
	if err != nil {
		return c, invalid("next is not a NextToken of ListContacts")
	}
	return c, nil
}
