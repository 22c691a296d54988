package chat

import (
	"slices"
	"time"
)

// Flow is what happens to a chat besides its people: a list of steps, run when
// the customer connects. A chat keeps the flow it was started with, so that a
// change of the configuration never changes a running chat.
//
// Steps follow one another in the order of the list, except where one says otherwise,
// and always forward: every flow comes to an end. A chat whose flow has come to its end
// goes on, unless that was what follows the conversation (Exit), and no agent is there.
type Flow struct {
	Steps []Step `json:"steps"`
	// Exit is the index of the first step of what happens when the last agent has left:
	// a survey, say; until then the steps from there on are out of reach. 0 is nothing: a
	// flow that has it has other steps first.
	Exit int `json:"exit,omitempty"`
}

// Step is one thing a flow does; exactly one of the members up to Disconnect is set.
type Step struct {
	// Say sends a message from SYSTEM, of the content type As (text/plain if empty) to
	// the audience To. Markdown is sent as text to a contact that doesn't take it. What is
	// interactive is only sent to a contact that takes it; for another, Else comes next.
	Say    string    `json:"say,omitempty"`
	As     string    `json:"as,omitempty"`
	To     Audience  `json:"to,omitempty"`
	Stream Streaming `json:"stream,omitempty"`
	// Set merges contact attributes, unless the chat would have too many.
	Set map[string]string `json:"set,omitempty"`
	// Queue puts the contact into the queue of this id; Offer is how the queue finds an
	// agent.
	Queue string `json:"queue,omitempty"`
	Offer *Offer `json:"offer,omitempty"`
	// Wait waits for something, Within at the most; then Else comes next.
	Wait Waiting `json:"wait,omitempty"`
	// Authenticate has the customer log in at the identity provider of this name. Else
	// comes next if they don't.
	Authenticate string `json:"authenticate,omitempty"`
	// Disconnect ends the chat.
	Disconnect bool `json:"disconnect,omitempty"`

	// Within is in seconds; 0 is for ever.
	Within int `json:"within,omitempty"`
	// Else and Next are indexes of steps after this one; 0 is the one that follows.
	Else int `json:"else,omitempty"`
	Next int `json:"next,omitempty"`
}

// Waiting is what a flow can wait for.
type Waiting string

// What a flow waits for.
const (
	WaitAgent Waiting = "agent" // an agent joins, or is there
	WaitBot   Waiting = "bot"   // the custom participant, after having joined, leaves; if it never joins, Else comes next
	WaitReply Waiting = "reply" // the customer sends a message
	WaitTime  Waiting = "time"  // the time passes; then the step that follows comes next
)

// Offer is how a queue finds an agent: its users are asked one after another, from one
// that the chat's id picks, Rounds times.
type Offer struct {
	Users  []User `json:"users"`
	Within int    `json:"within"` // seconds
	Rounds int    `json:"rounds"`
}

// User is a configured user, as a participant shows it.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Position is the step at which a flow waits, and until when.
type Position struct {
	Index int       `json:"index"`
	Until time.Time `json:"until,omitzero"`
}

// flowState is how far a chat's flow has come.
type flowState struct {
	step  Position
	waits bool // at step
	exits bool // the conversation is over
}

// waitsFor reports whether the flow waits for something.
func (c *Chat) waitsFor(w Waiting) bool {
	return c.flow.waits && c.Settings.Flow.Steps[c.flow.step.Index].Wait == w
}

// runFlow does the steps from an index on, until one waits or none is left.
func (t *turn) runFlow(from int) {
	f, exits := &t.chat.Settings.Flow, t.chat.flow.exits
	for i := from; i < len(f.Steps); {
		if f.Exit != 0 && i >= f.Exit && !exits {
			break
		}
		next, waits := t.step(i)
		if waits || t.chat.Ended() {
			return
		}
		i = next
	}
	switch {
	case exits && t.chat.present(Agent) == nil:
		t.end(CauseFlow)
	case t.chat.flow.waits:
		t.append(Entry{Kind: KindStepped, Step: &Position{Index: flowOver}})
	}
}

// flowOver as a Position says that no step waits any more.
const flowOver = -1

// step does one step, and says which is next unless it waits.
func (t *turn) step(i int) (next int, waits bool) {
	s := &t.chat.Settings.Flow.Steps[i]
	switch {
	case s.Say != "":
		if !t.prompt(s) {
			return s.otherwise(i), false
		}
	case s.Set != nil:
		t.set(s.Set)
	case s.Queue != "":
		t.append(Entry{Kind: KindQueued, Queue: s.Queue, Offer: s.Offer})
		t.offer()
	case s.Wait == WaitAgent && t.chat.present(Agent) != nil:
	case s.Wait != "", s.Authenticate != "":
		t.wait(i, s)
		return 0, true
	case s.Disconnect:
		t.end(CauseFlow)
	}
	return s.following(i), false
}

func (s *Step) following(i int) int { return max(s.Next, i+1) }

func (s *Step) otherwise(i int) int {
	if s.Else == 0 {
		return s.following(i)
	}
	return max(s.Else, i+1)
}

// wait has the flow stay at a step.
func (t *turn) wait(i int, s *Step) {
	p := &Position{Index: i}
	if s.Within > 0 {
		p.Until = t.now.Add(time.Duration(s.Within) * time.Second)
	}
	t.append(Entry{Kind: KindStepped, Step: p})
	if s.Authenticate != "" {
		t.initiate(s)
	}
}

// prompt sends a message of the flow. It reports whether the contact takes it.
func (t *turn) prompt(s *Step) bool {
	content := &Content{Type: s.As, Text: s.Say}
	switch {
	case s.As == "" || s.As == TypeMarkdown && !slices.Contains(t.chat.Settings.ContentTypes, TypeMarkdown):
		content.Type = TypePlain
	case !slices.Contains(t.chat.Settings.ContentTypes, s.As):
		return false
	}
	if t.chat.Settings.ResponseMode == Incremental {
		content.Stream = s.Stream
	}
	t.append(Entry{Kind: KindMessage, By: &t.chat.Settings.System, To: s.To, Content: content})
	return true
}

// flowTimedOut takes the other branch of the step at which the flow waits.
func (t *turn) flowTimedOut() {
	i := t.chat.flow.step.Index
	s := &t.chat.Settings.Flow.Steps[i]
	switch {
	case s.Authenticate != "":
		t.authenticated(AuthTimeout)
	case s.Wait == WaitTime:
		t.runFlow(s.following(i))
	default:
		t.runFlow(s.otherwise(i))
	}
}

// resume goes on with the flow if it waits for what has just happened.
func (t *turn) resume(w Waiting) {
	if t.chat.waitsFor(w) && !t.chat.Ended() {
		i := t.chat.flow.step.Index
		t.runFlow(t.chat.Settings.Flow.Steps[i].following(i))
	}
}

// offer invites the next user of the queue that the customer waits in.
func (t *turn) offer() {
	c := t.chat
	o := c.offer
	if o == nil || c.here(Agent) > 0 || c.offers >= len(o.Users)*o.Rounds {
		return
	}
	u := o.Users[(int(c.ID.UUID[15])+c.offers)%len(o.Users)]
	t.invite(u, &Invitation{User: u.ID, By: t.now.Add(time.Duration(o.Within) * time.Second), Offered: true}, "")
}
