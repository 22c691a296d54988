package chat

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// Limits of a chat (semantics.md 4, 8, 10).
const (
	// ConnectWithin is how long the customer has to connect after the start.
	ConnectWithin = 5 * time.Minute
	// DefaultMinutes is how long a chat lasts when its start didn't say: 25 hours.
	DefaultMinutes = 1500
	// TokenWindow is how long a ClientToken is remembered.
	TokenWindow = time.Hour
	// MaxParticipants counts the customer, agents and bot of a chat.
	MaxParticipants = 6
	// MaxSupervisors counts those watching or barged in.
	MaxSupervisors = 5
	// maxReceiptParty is the number of active participants above which receipts rest.
	maxReceiptParty = 2
)

// Settings are what StartChatContact said, kept whole. Those members whose
// effect is not built yet are stored all the same.
type Settings struct {
	Instance string `json:"instance"`
	// FlowID is the ContactFlowId as the caller gave it; Flow is what it stands for.
	FlowID   string `json:"flowId"`
	Flow     Flow   `json:"flow"`
	Customer Author `json:"customer"`
	// System is the author of the flow's messages.
	System         Author            `json:"system"`
	Attributes     map[string]string `json:"attributes,omitempty"`
	InitialMessage *Content          `json:"initialMessage,omitempty"`
	// Minutes is the duration of the whole chat, counted from its start.
	Minutes int `json:"minutes"`
	// ContentTypes that participants may send; text/plain always is among them.
	ContentTypes             []string          `json:"contentTypes"`
	Persistent               *Persistent       `json:"persistent,omitempty"`
	RelatedContact           string            `json:"relatedContact,omitempty"`
	SegmentAttributes        map[string]string `json:"segmentAttributes,omitempty"`
	CustomerID               string            `json:"customerId,omitempty"`
	DisconnectOnCustomerExit []Role            `json:"disconnectOnCustomerExit,omitempty"`
	ResponseMode             string            `json:"responseMode,omitempty"`
}

// Persistent asks for a past chat to be continued (semantics.md 5).
type Persistent struct {
	Rehydration string `json:"rehydration"`
	Source      string `json:"source"`
}

// Presence is how far a participant has come.
type Presence int

// The presences, in the order they are passed through.
const (
	Invited Presence = iota // has a token; for a supervisor: may watch
	Present                 // has joined and can be heard
	Gone                    // has left; the token is dead
)

// Participant is someone in a chat.
type Participant struct {
	Author
	Presence                Presence
	AddedAt, JoinedAt, Left time.Time
}

// Chat is the state of a chat: the fold of its entries. The zero Chat with an ID
// is a chat that was not started yet. It has one owner at a time.
type Chat struct {
	ID ChatID
	// Seq is the number of the last entry; 0 means not started.
	Seq int64
	// Last is the time of the last entry.
	Last time.Time
	// Contact is the current contact.
	Contact    ContactID
	Settings   Settings
	StartedAt  time.Time
	Attributes map[string]string
	// Queue holds the name of the queue the contact entered, QueuedAt when.
	Queue    string
	QueuedAt time.Time
	EndedAt  time.Time
	Cause    Cause

	people []*Participant
	items  map[ID]*item
	tokens tokens
}

// item is what the rules need to know of a MESSAGE or ATTACHMENT.
type item struct {
	by       ParticipantID
	receipts []heldReceipt
}

// heldReceipt is a participant's receipt with the ids of the entries that made it.
type heldReceipt struct {
	by ParticipantID
	Receipt
	deliveredID, readID ID
}

// New gives the chat that nothing has happened to yet.
func New(id ChatID) *Chat {
	return &Chat{ID: id, items: make(map[ID]*item)}
}

// Started reports whether the chat exists.
func (c *Chat) Started() bool { return c.Seq > 0 }

// Ended reports whether the chat is over.
func (c *Chat) Ended() bool { return !c.EndedAt.IsZero() }

// Participant finds a participant, present or not; nil if there is none.
func (c *Chat) Participant(id ParticipantID) *Participant {
	for _, p := range c.people {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Agent is the one who was added last of the agents who have joined, whether they are
// still present or not; nil if none ever joined.
func (c *Chat) Agent() *Participant {
	for _, p := range slices.Backward(c.people) {
		if p.Role == Agent && !p.JoinedAt.IsZero() {
			return p
		}
	}
	return nil
}

// Participants yields everybody who was ever part of the chat, in order.
func (c *Chat) Participants() iter.Seq[*Participant] {
	return func(yield func(*Participant) bool) {
		for _, p := range c.people {
			if !yield(p) {
				return
			}
		}
	}
}

// Admit finds a participant whose tokens still count: in a chat that goes on, and
// not gone from it.
func (c *Chat) Admit(id ParticipantID) (*Participant, error) {
	p := c.Participant(id)
	switch {
	case p == nil:
		return nil, refuse(UnknownParticipant, "the chat has no such participant")
	case c.Ended():
		return nil, refuse(Ended, "the chat has ended")
	case p.Presence == Gone:
		return nil, refuse(NotPresent, "the participant has left the chat")
	}
	return p, nil
}

// Receipts gives the receipts of an item, in the order in which they came.
func (c *Chat) Receipts(id ID) []ReceiptBy {
	it := c.items[id]
	if it == nil {
		return nil
	}
	var all []ReceiptBy
	for _, r := range it.receipts {
		all = append(all, ReceiptBy{By: r.by, Receipt: r.Receipt})
	}
	return all
}

// ReceiptBy is a receipt and the participant who gave it.
type ReceiptBy struct {
	By ParticipantID
	Receipt
}

// Deadline is when the next Tick is due; the zero time means never.
func (c *Chat) Deadline() time.Time {
	if !c.Started() || c.Ended() {
		return time.Time{}
	}
	end := c.Expiry()
	if c.Participant(c.Settings.Customer.ID).Presence == Invited {
		if t := c.StartedAt.Add(ConnectWithin); t.Before(end) {
			return t
		}
	}
	return end
}

// Overdue reports whether a Tick is due at the time.
func (c *Chat) Overdue(now time.Time) bool {
	due := c.Deadline()
	return !due.IsZero() && !now.Before(due)
}

// Expiry is when the chat's whole duration is over.
func (c *Chat) Expiry() time.Time {
	return c.StartedAt.Add(time.Duration(c.Settings.Minutes) * time.Minute)
}

// Apply folds entries into the chat; it never refuses. They must follow Seq
// without a gap, which the store's compare-and-swap guarantees.
func (c *Chat) Apply(entries ...Entry) {
	for i := range entries {
		c.apply(&entries[i])
	}
}

func (c *Chat) apply(e *Entry) {
	c.Seq, c.Last = e.Seq, e.At
	c.tokens.forget(e.At.Add(-TokenWindow))
	if key, ok := e.tokenKey(); ok {
		c.tokens.remember(key, answer{e.ID, e.At, e.At})
	}
	switch e.Kind {
	case KindStarted:
		c.start(e)
	case KindAdded:
		c.people = append(c.people, &Participant{Author: *e.By, AddedAt: e.At})
	case KindJoined:
		p := c.Participant(e.By.ID)
		p.Presence, p.JoinedAt = Present, e.At
	case KindLeft, KindWithdrawn:
		p := c.Participant(e.By.ID)
		p.Presence, p.Left = Gone, e.At
	case KindMessage:
		c.items[e.ID] = &item{by: e.By.ID}
	case KindReceipt:
		c.items[e.Receipt.Item].receive(e)
	case KindQueued:
		c.Queue, c.QueuedAt = e.Queue, e.At
	case KindAttributes:
		maps.Copy(c.Attributes, e.Attributes)
	case KindEnded:
		c.EndedAt, c.Cause = e.At, e.Cause
	}
}

// Keep remembers the answer to a request that had a ClientToken and left no entry
// (typing, say), so that its repetition is answered alike. It lasts as long as this
// Chat value: such a request has no effect that a second one could double.
func (c *Chat) Keep(out Outcome) {
	if out.kept != (tokenKey{}) {
		c.tokens.forget(out.keptAt.Add(-TokenWindow))
		c.tokens.remember(out.kept, answer{out.ID, out.At, out.keptAt})
	}
}

func (c *Chat) start(e *Entry) {
	c.Contact, c.Settings, c.StartedAt = e.Contact, *e.Started, e.At
	c.people = []*Participant{{Author: c.Settings.Customer, AddedAt: e.At}}
	c.Attributes = make(map[string]string, len(c.Settings.Attributes))
	maps.Copy(c.Attributes, c.Settings.Attributes)
}

func (it *item) receive(e *Entry) {
	r := it.receipt(e.By.ID)
	if r == nil {
		it.receipts = append(it.receipts, heldReceipt{by: e.By.ID, deliveredID: e.ID})
		r = &it.receipts[len(it.receipts)-1]
	}
	r.Receipt = *e.Receipt
	if !r.Read.IsZero() {
		r.readID = e.ID
	}
}

func (it *item) receipt(by ParticipantID) *heldReceipt {
	for i := range it.receipts {
		if it.receipts[i].by == by {
			return &it.receipts[i]
		}
	}
	return nil
}

// tokens remembers what was answered to recent requests with a ClientToken.
type tokens struct {
	answers map[tokenKey]answer
	order   []remembered // oldest first, but for clocks of nodes that differ
	gone    int          // how many at the head of order are forgotten
}

type answer struct {
	id ID
	at time.Time
	// given is when: at is earlier if the answer is that of an older request.
	given time.Time
}

type remembered struct {
	key   tokenKey
	given time.Time
}

func (t *tokens) remember(key tokenKey, a answer) {
	if t.answers == nil {
		t.answers = make(map[tokenKey]answer)
	}
	t.answers[key] = a
	t.order = append(t.order, remembered{key, a.given})
}

func (t *tokens) forget(before time.Time) {
	for t.gone < len(t.order) && t.order[t.gone].given.Before(before) {
		if key := t.order[t.gone].key; t.answers[key].given.Before(before) { // not given again since
			delete(t.answers, key)
		}
		t.gone++
	}
	// Moved only when it is worth it: a busy chat forgets something with every entry.
	if t.gone > len(t.order)/2 {
		t.order = append(t.order[:0], t.order[t.gone:]...)
		t.gone = 0
	}
}
