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
	t := &turn{chat: c, now: now.UTC().Truncate(time.Millisecond), ids: ids, contact: c.Contact}
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
	chat    *Chat
	now     time.Time
	ids     IDs
	contact ContactID
	out     Outcome
}

// append gives an entry its place, time and id (unless it has one), and adds it to
// the outcome. The first one is the answer to the caller.
func (t *turn) append(e Entry) *Entry {
	n := int64(len(t.out.Entries))
	e.Seq = t.chat.Seq + n + 1
	e.At = t.now
	if last := t.last(); !e.At.After(last) {
		e.At = last.Add(time.Millisecond)
	}
	if e.ID.IsZero() {
		e.ID = t.ids(e.At)
	}
	e.Contact = t.contact
	t.out.Entries = append(t.out.Entries, e)
	if n == 0 {
		t.answer(e.ID, e.At)
	}
	return &t.out.Entries[n]
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
	if !ok || a.given.Before(t.now.Add(-TokenWindow)) {
		return false // what nobody has forgotten yet may be too old all the same
	}
	t.answer(a.id, a.at)
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

// here counts participants of any of the roles who have not gone.
func (c *Chat) here(roles ...Role) int {
	return c.count(Invited, roles...) + c.count(Present, roles...)
}

// count counts participants of any of the roles that are at the presence.
func (c *Chat) count(at Presence, roles ...Role) int {
	n := 0
	for _, p := range c.people {
		if p.Presence != at {
			continue
		}
		for _, r := range roles {
			if p.Role == r {
				n++
			}
		}
	}
	return n
}
