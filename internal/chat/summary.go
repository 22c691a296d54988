package chat

import (
	"cmp"
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

// Tags are the contact's tags, as Labels have them; nil if there are none.
func (s *Summary) Tags() (tags map[string]string) {
	for line := range strings.Lines(s.Labels) {
		line, ours := strings.CutPrefix(line, `["t","`)
		if !ours {
			continue
		}
		if tags == nil {
			tags = make(map[string]string)
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\"]\n"), `","`)
		tags[plainText.Replace(key)] = plainText.Replace(value)
	}
	return tags
}

// plainText undoes labelText.
var plainText = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")

// Summaries gives the rows of all contacts of the chat in the order in which they
// began; none if the chat was not started.
func (c *Chat) Summaries() []Summary {
	if !c.Started() {
		return nil
	}
	all := make([]Summary, len(c.contacts))
	attributes := c.labels(AttributeLabel, c.Attributes)
	for i, s := range c.contacts {
		all[i] = Summary{
			Chat: c.ID, Contact: s.ID, Previous: s.Previous, Instance: c.Settings.Instance, Method: s.Method,
			InitiatedAt: s.Began, QueuedAt: s.QueuedAt, ConnectedAt: s.ConnectedAt, EndedAt: s.Ended,
			Queue: s.Queue, Customer: c.Customer().Name, Cause: s.Cause,
			Labels: attributes + c.labels(TagLabel, s.Description.Tags),
		}
		if p := c.Participant(s.Agent); p != nil {
			all[i].Agent = cmp.Or(p.User, p.Name)
		}
		if name := s.Description.Name; name != nil {
			all[i].Name = *name
		}
		if s.ID == c.Contact {
			all[i].Deadline = c.Deadline()
		}
	}
	return all
}

func (c *Chat) labels(label func(key, value string) string, of map[string]string) string {
	all := make([]string, 0, len(of))
	for key, value := range of {
		all = append(all, label(key, value))
	}
	slices.Sort(all)
	return strings.Join(all, "")
}

// SummariesAfter gives the rows as they will be when the entries have been applied,
// or nil if none has to be written: the usual case, a message, after which a Deadline may
// be later than its row says. It doesn't change the chat.
func (c *Chat) SummariesAfter(entries []Entry) []Summary {
	if !slices.ContainsFunc(entries, Entry.inSummary) {
		return nil
	}
	sketch := c.sketch()
	for i := range entries {
		sketch.applyState(&entries[i])
	}
	return sketch.Summaries()
}

// inSummary reports whether a row may depend on the entry, but for a later Deadline.
func (e Entry) inSummary() bool { return e.Kind != KindMessage && e.Kind != KindReceipt }
