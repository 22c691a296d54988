package chat

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Method is a contact's InitiationMethod: how it came to be (semantics.md 9.4).
type Method string

// The methods that chats have.
const (
	MethodAPI           Method = "API"            // StartChatContact
	MethodTransfer      Method = "TRANSFER"       // to another agent
	MethodQueueTransfer Method = "QUEUE_TRANSFER" // to another queue
	MethodMonitor       Method = "MONITOR"        // a supervisor's own
	MethodDisconnect    Method = "DISCONNECT"     // what follows the end, a survey say
)

// Summary is the row that lists and finds a contact: a projection of the chat,
// written with the entries that change it. It is comparable.
type Summary struct {
	Chat ChatID
	// Contact is whose row it is; Previous the one that it continues, zero if none.
	Contact, Previous ContactID
	Instance          string
	Method            Method
	// InitiatedAt and EndedAt bound the contact; EndedAt is zero while it goes on.
	// QueuedAt is when it last entered a queue, ConnectedAt when an agent first joined
	// it; zero if that never happened.
	InitiatedAt, QueuedAt, ConnectedAt, EndedAt time.Time
	// Deadline is a time not later than the chat's next due Tick; zero means none. Only
	// the current contact's row has one.
	Deadline time.Time
	// Queue is the id of the queue where the contact waits or waited.
	Queue string
	// Agent is the user id of the agent who took it last, or the display name if there
	// is no user.
	Agent string
	// Customer is the customer's display name.
	Customer string
	// Name is UpdateContact's Name.
	Name string
	// Cause is the DisconnectReason, once it has ended.
	Cause Cause
	// Labels are the contact's tags and attributes, in the form of TagLabel and
	// AttributeLabel, one after the other in order.
	Labels string
}

// TagLabel is how a tag stands in Summary.Labels. A label is found in them as a
// substring, and never matches a part of another one or the end of one and the
// beginning of the next.
func TagLabel(key, value string) string { return label("t", key, value) }

// AttributeLabel is how a contact attribute stands in Summary.Labels, like TagLabel.
func AttributeLabel(key, value string) string { return label("a", key, value) }

func label(kind, key, value string) string {
	return `["` + kind + `","` + labelText.Replace(key) + `","` + labelText.Replace(value) + "\"]\n"
}

// labelText keeps quotes and line ends out of a label's texts, so that each of both
// stands for one thing. The schema's steps do the same in SQL.
var labelText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// Summaries gives the rows of all contacts of the chat, the current one's last; none
// if the chat was not started.
func (c *Chat) Summaries() []Summary {
	if !c.Started() {
		return nil
	}
	s := Summary{
		Chat: c.ID, Contact: c.Contact, Instance: c.Settings.Instance, Method: MethodAPI,
		InitiatedAt: c.StartedAt, QueuedAt: c.QueuedAt, ConnectedAt: c.connectedAt(), EndedAt: c.EndedAt,
		Deadline: c.Deadline(), Queue: c.Queue, Customer: c.Settings.Customer.Name, Cause: c.Cause, Labels: c.labels(),
	}
	if p := c.Agent(); p != nil {
		s.Agent = p.Name
	}
	return []Summary{s}
}

// connectedAt is when an agent first joined.
func (c *Chat) connectedAt() (first time.Time) {
	for _, p := range c.people {
		if p.Role == Agent && !p.JoinedAt.IsZero() && (first.IsZero() || p.JoinedAt.Before(first)) {
			first = p.JoinedAt
		}
	}
	return first
}

func (c *Chat) labels() string {
	all := make([]string, 0, len(c.Attributes))
	for key, value := range c.Attributes {
		all = append(all, AttributeLabel(key, value))
	}
	slices.Sort(all)
	return strings.Join(all, "")
}

// SummariesAfter gives the rows as they will be when the entries have been applied,
// or nil if none will be another: the usual case, a message. It doesn't change the
// chat.
func (c *Chat) SummariesAfter(entries []Entry) []Summary {
	if !slices.ContainsFunc(entries, Entry.inSummary) {
		return nil
	}
	sketch := *c
	sketch.people = make([]*Participant, len(c.people))
	for i, p := range c.people {
		twin := *p
		sketch.people[i] = &twin
	}
	sketch.Attributes, sketch.tokens = maps.Clone(c.Attributes), tokens{}
	for i := range entries {
		if entries[i].inSummary() {
			sketch.apply(&entries[i])
		}
	}
	return sketch.Summaries()
}

// inSummary reports whether a row may depend on the entry.
func (e Entry) inSummary() bool { return e.Kind != KindMessage && e.Kind != KindReceipt }
