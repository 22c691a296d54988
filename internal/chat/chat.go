package chat

import (
	"slices"
	"time"
)

// Limits of a chat (semantics.md 4, 8, 10).
const (
	// ConnectWithin is how long the customer has to connect after the start.
	ConnectWithin = 5 * time.Minute
	// BotConnectWithin is how long a custom participant has after CreateParticipant.
	BotConnectWithin = 15 * time.Second
	// AcceptWithin is how long a user has to accept a chat, unless the queue says so.
	AcceptWithin = 20 * time.Second
	// DefaultMinutes is how long a chat lasts when its start didn't say: 25 hours.
	DefaultMinutes = 1500
	// TokenWindow is how long a ClientToken is remembered.
	TokenWindow = time.Hour
	// MaxParticipants counts the customer, agents and bot of a chat.
	MaxParticipants = 6
	// MaxSupervisors counts those watching or barged in.
	MaxSupervisors = 5
	// pair is a customer and an agent; with more in the conversation receipts rest.
	pair = 2
)

// Settings are what StartChatContact said, kept whole, and what the configuration said
// then: a later change of it changes no running chat.
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
	RelatedContact           string            `json:"relatedContact,omitempty"`
	SegmentAttributes        map[string]string `json:"segmentAttributes,omitempty"`
	CustomerID               string            `json:"customerId,omitempty"`
	DisconnectOnCustomerExit []Role            `json:"disconnectOnCustomerExit,omitempty"`
	ResponseMode             string            `json:"responseMode,omitempty"`
	// AgentGone and CustomerGone, in seconds, are how long a participant may be without
	// a websocket before they count as gone; 0 is for ever.
	AgentGone    int `json:"agentGone,omitempty"`
	CustomerGone int `json:"customerGone,omitempty"`
}

// Incremental is the ResponseMode of a customer who wants answers in parts.
const Incremental = "INCREMENTAL"

// Chat is the state of a chat: the fold of its entries. The zero Chat with an ID
// is a chat that was not started yet. It has one owner at a time.
type Chat struct {
	ID ChatID
	// Seq is the number of the last entry; 0 means not started.
	Seq int64
	// Last is the time of the last entry.
	Last time.Time
	// Contact is the current contact of the chain.
	Contact    ContactID
	Settings   Settings
	StartedAt  time.Time
	Attributes map[string]string
	EndedAt    time.Time
	Cause      Cause
	// Past is the chat that this one continues; nil if there is none.
	Past *Past

	people   []*Participant
	contacts []*Contact
	items    map[ID]item
	receipts map[ID][]heldReceipt // of the items that have any
	tokens   tokens
	timers   timers
	flow     flowState
	offer    *Offer // of the queue that the customer waits in
	offers   int    // how many invitations it has led to
	files    map[ID]*file
	pending  map[ID]bool // the files that are being scanned, or removed; made anew with each change
	auth     *authentication
}

// item is what the rules need to know of a MESSAGE or ATTACHMENT. There is one for
// everything that was ever said, so it has no pointer: the garbage collector need not look
// at any.
type item struct {
	by ParticipantID
	to uint8 // index in audiences
}

// audiences are those that an item can have; an unknown one is taken for ToAll, as Includes
// does.
var audiences = [...]Audience{ToAll, ToCustomer, ToAgent}

func newItem(e *Entry) item {
	return item{by: e.By.ID, to: uint8(max(slices.Index(audiences[:], e.To), 0))}
}

func (it item) audience() Audience { return audiences[it.to] }

// heldReceipt is a participant's receipt with the ids of the entries that made it.
type heldReceipt struct {
	by                  ParticipantID
	delivered, read     moment
	deliveredID, readID ID // the latter is zero if the item is unread
}

// moment is a time in Unix milliseconds. Unlike a [time.Time] it has no pointer.
type moment int64

func momentOf(t time.Time) moment { return moment(t.UnixMilli()) }

func (m moment) time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// New gives the chat that nothing has happened to yet.
func New(id ChatID) *Chat {
	return &Chat{ID: id, items: make(map[ID]item), receipts: make(map[ID][]heldReceipt), files: make(map[ID]*file)}
}

// Started reports whether the chat exists.
func (c *Chat) Started() bool { return c.Seq > 0 }

// Ended reports whether the chat is over.
func (c *Chat) Ended() bool { return !c.EndedAt.IsZero() }

// Receipts gives the receipts of an item, in the order in which they came.
func (c *Chat) Receipts(id ID) []ReceiptBy {
	var all []ReceiptBy
	for _, r := range c.receipts[id] {
		all = append(all, ReceiptBy{By: r.by, Receipt: Receipt{Item: id, Delivered: r.delivered.time(), Read: r.read.time()}})
	}
	return all
}

// ReceiptBy is a receipt and the participant who gave it.
type ReceiptBy struct {
	By ParticipantID
	Receipt
}

// Apply folds entries into the chat; it never refuses. They must follow Seq
// without a gap, which the store's compare-and-swap guarantees.
func (c *Chat) Apply(entries ...Entry) {
	for i := range entries {
		c.apply(&entries[i])
	}
}

func (c *Chat) apply(e *Entry) {
	c.tokens.forget(e.At.Add(-TokenWindow))
	if key, ok := e.tokenKey(); ok {
		c.tokens.remember(key, answer{e.answer(), momentOf(e.At), momentOf(e.At)})
	}
	c.applyItem(e)
	c.applyState(e)
}

// applyItem folds what was said, or is said about it. It does most of the work of a
// chat, and is all that a sketch leaves out.
func (c *Chat) applyItem(e *Entry) {
	switch e.Kind {
	case KindMessage:
		c.items[e.ID] = newItem(e)
		c.Current().Metrics.count(e, c.Current().ConnectedAt)
	case KindAttachment:
		c.items[e.ID] = newItem(e)
	case KindReceipt:
		c.receive(e)
	}
}

// applyState folds all the rest.
func (c *Chat) applyState(e *Entry) {
	c.Seq, c.Last = e.Seq, e.At
	switch e.Kind {
	case KindStarted:
		c.start(e)
	case KindMessage, KindReturned:
		c.heard(e.By.Role, e.At)
	case KindContact:
		c.begin(e)
	case KindAttributes:
		c.Attributes = merged(c.Attributes, e.Attributes)
		c.Current().Updated = e.At
	case KindAdded, KindJoined, KindLeft, KindWatching, KindWithdrawn, KindLost, KindFound, KindRenamed:
		c.applyPerson(e)
	case KindQueued:
		s := c.Current()
		s.Queue, s.QueuedAt = e.Queue, e.At
		c.offer, c.offers = e.Offer, 0
	case KindStepped:
		c.flow = flowState{step: *e.Step, waits: e.Step.Index != flowOver, exits: c.flow.exits}
	case KindDescribed:
		s := c.Find(e.Contact)
		s.Description.merge(e.Described)
		s.Updated = e.At
	case KindTimers:
		c.setTimers(e)
	case KindIdle:
		c.timers.idle[e.By.Role] = e.At
	case KindUpload, KindScanning, KindAttachment, KindDiscarding, KindDiscarded:
		c.applyFile(e)
	case KindAuthentication:
		c.applyAuth(e)
	case KindRehydrated:
		c.Past = e.Past
	case KindEnded:
		c.endAll(e)
	}
}

// sketch is a copy of the chat as far as applyState changes it. What a sketch shares
// with the chat, nobody may change: items, receipts, tokens and attributes.
func (c *Chat) sketch() *Chat {
	s := *c
	s.people = make([]*Participant, len(c.people))
	for i, p := range c.people {
		twin := *p
		s.people[i] = &twin
	}
	s.contacts = make([]*Contact, len(c.contacts))
	for i, k := range c.contacts {
		twin := *k
		s.contacts[i] = &twin
	}
	s.files = make(map[ID]*file, len(c.files))
	for id, f := range c.files {
		twin := *f
		s.files[id] = &twin
	}
	if c.auth != nil {
		twin := *c.auth
		s.auth = &twin
	}
	s.timers = c.timers.clone()
	return &s
}

// Keep remembers the answer to a request that had a ClientToken and left no entry
// (typing, say), so that its repetition is answered alike. It lasts as long as this
// Chat value: such a request has no effect that a second one could double.
func (c *Chat) Keep(out Outcome) {
	if out.kept != (tokenKey{}) {
		c.tokens.forget(out.keptAt.Add(-TokenWindow))
		c.tokens.remember(out.kept, answer{out.ID, momentOf(out.At), momentOf(out.keptAt)})
	}
}

func (c *Chat) start(e *Entry) {
	c.Contact, c.Settings, c.StartedAt = e.Contact, *e.Started, e.At
	c.people = []*Participant{{Author: c.Settings.Customer, AddedAt: e.At}}
	c.contacts = []*Contact{{ID: e.Contact, Method: MethodAPI, Began: e.At, first: e.Seq}}
	if len(c.Settings.SegmentAttributes) > 0 {
		c.contacts[0].Description.SegmentAttributes = c.Settings.SegmentAttributes
	}
	c.Attributes = merged(map[string]string{}, c.Settings.Attributes)
	c.Past = e.Past
}

func (c *Chat) receive(e *Entry) {
	id := e.Receipt.Item
	r := c.receipt(id, e.By.ID)
	if r == nil {
		all := append(c.receipts[id], heldReceipt{by: e.By.ID, deliveredID: e.ID})
		c.receipts[id], r = all, &all[len(all)-1]
	}
	r.delivered, r.read = momentOf(e.Receipt.Delivered), momentOf(e.Receipt.Read)
	if !e.Receipt.Read.IsZero() {
		r.readID = e.ID
	}
}

// receipt finds a participant's receipt of an item; nil if there is none.
func (c *Chat) receipt(item ID, by ParticipantID) *heldReceipt {
	all := c.receipts[item]
	i := slices.IndexFunc(all, func(r heldReceipt) bool { return r.by == by })
	if i < 0 {
		return nil
	}
	return &all[i]
}
