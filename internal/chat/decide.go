package chat

import "time"

// Command is a request to change a chat, before it is decided: one of the
// command types of this package.
type Command interface {
	decide(t *turn) error
}

// Outcome is what a command leads to.
type Outcome struct {
	// Entries are to be appended after the chat's Seq, all or none.
	Entries []Entry
	// Signals are to be sent when the entries are durable, or at once if there are none.
	Signals []Signal
	// Jobs are to be done when the entries are durable.
	Jobs []Job
	// Provider is where an Authenticate leads.
	Provider string
	// ID and At are what the caller is told. For AddParticipant and Start, ID is
	// the participant's.
	ID ID
	At time.Time
	// Repeated says that the ClientToken was seen before: ID and At are those of
	// the first time and nothing happens again.
	Repeated bool

	kept   tokenKey // see Chat.Keep; zero for most
	keptAt time.Time
}

// Decide says what a command does to a chat, without changing it. The only errors
// are of type [*Refusal].
func Decide(c *Chat, cmd Command, now time.Time, ids IDs) (Outcome, error) {
	t := &turn{chat: c, seq: c.Seq, now: now.UTC().Truncate(time.Millisecond), ids: ids, contact: c.Contact}
	if t.now.Before(c.Last) {
		t.now = c.Last // clocks of nodes differ; a chat's time never runs back
	}
	if _, starts := cmd.(Start); !starts && !c.Started() {
		return Outcome{}, refuse(UnknownParticipant, "there is no such chat")
	}
	if err := cmd.decide(t); err != nil {
		return Outcome{}, err
	}
	return t.out, nil
}

// turn is one decision in the making.
type turn struct {
	// chat is the chat as it is after the entries so far, but for what was said; a
	// sketch from the first entry on.
	chat    *Chat
	seq     int64 // of the chat before
	sketch  bool
	now     time.Time
	ids     IDs
	contact ContactID
	out     Outcome
}

// append gives an entry its place, time and id (unless it has one), and adds it to
// the outcome. The first one is the answer to the caller, or that with the ClientToken:
// a repetition is answered with it.
func (t *turn) append(e Entry) *Entry {
	n := int64(len(t.out.Entries))
	e.Seq = t.seq + n + 1
	e.At = t.now
	if last := t.last(); !e.At.After(last) {
		e.At = last.Add(time.Millisecond)
	}
	if e.ID.IsZero() {
		e.ID = t.ids(e.At)
	}
	if e.Contact == (ContactID{}) {
		e.Contact = t.contact
	}
	t.out.Entries = append(t.out.Entries, e)
	if n == 0 || e.Token != "" {
		t.answer(e.answer(), e.At)
	}
	t.follow(&t.out.Entries[n])
	return &t.out.Entries[n]
}

// follow lets the rules that are still to come see what an entry has changed. What was
// said changes nothing that they look at, so a message alone needs no sketch.
func (t *turn) follow(e *Entry) {
	switch {
	case t.sketch:
		t.chat.applyState(e)
	case e.inSummary():
		t.chat, t.sketch = t.chat.sketch(), true
		for i := range t.out.Entries {
			t.chat.applyState(&t.out.Entries[i])
		}
	}
}

func (t *turn) last() time.Time {
	if n := len(t.out.Entries); n > 0 {
		return t.out.Entries[n-1].At
	}
	return t.chat.Last
}

func (t *turn) answer(id ID, at time.Time) { t.out.ID, t.out.At = id, at }

// nothing answers a request that is fine and leaves no entry.
func (t *turn) nothing() { t.answer(t.ids(t.now), t.now) }

// nothingButKept does the same for a request that may have a ClientToken.
func (t *turn) nothingButKept(by ParticipantID, token, contentType, content string) {
	t.nothing()
	t.keep(by, token, contentType, content)
}

// keep has the answer remembered though it leaves no entry; see Chat.Keep.
func (t *turn) keep(by ParticipantID, token, contentType, content string) {
	if token != "" {
		t.out.kept, t.out.keptAt = newTokenKey(by, token, contentType, content), t.now
	}
}

// repeated answers a request whose ClientToken was seen before.
func (t *turn) repeated(by ParticipantID, token, contentType, content string) bool {
	if token == "" {
		return false
	}
	a, ok := t.chat.tokens.answers[newTokenKey(by, token, contentType, content)]
	if !ok || a.given < momentOf(t.now.Add(-TokenWindow)) {
		return false // what nobody has forgotten yet may be too old all the same
	}
	t.answer(a.id, a.at.time())
	t.out.Repeated = true
	return true
}

// speaker finds a participant who may be heard.
func (t *turn) speaker(id ParticipantID) (*Participant, error) {
	p, err := t.chat.Admit(id)
	if err != nil {
		return nil, err
	}
	if p.Presence == Present {
		return p, nil
	}
	if p.Role == Supervisor {
		return nil, refuse(Silent, "a supervisor who only watches can't be heard; barge in with CreateParticipantConnection and ConnectParticipant=true")
	}
	return nil, refuse(NotPresent, "the participant has not connected yet; open the websocket and subscribe, or call CreateParticipantConnection with ConnectParticipant=true")
}

// Job is work that a command leads to and that takes more than rules: the node does it
// when the entries are durable, and tells the chat by another command. A job that is
// lost with its node is asked for again by a Tick, or its deadline passes; but for the
// JobDiscards of a chat's end, which are then not done.
type Job struct {
	Kind JobKind
	// File and By, the participant who sent it, of JobScan and JobDiscard.
	File File
	By   ParticipantID
	// Auth and Code of JobExchange.
	Auth Authentication
	Code string
}

// JobKind is what is to be done.
type JobKind int

// The kinds of job.
const (
	JobScan     JobKind = iota + 1 // have the file scanned, then Scanned
	JobDiscard                     // remove the file, which nobody gets, then Discarded
	JobExchange                    // ask the identity provider who the customer is, then Authenticated
)
