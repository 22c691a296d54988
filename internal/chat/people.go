package chat

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// AddParticipant gives somebody a place in the chat, and so a token:
// CreateParticipant (semantics.md 9.2), with AGENT and SUPERVISOR as our extension. It
// answers with the participant who waits under that name, if there is one: a user to
// whom the chat was assigned or offered, say.
//
// A User is invited, as an agent, to a conversation that goes on, Within some time.
type AddParticipant struct {
	Role   Role
	Name   string
	User   string        // the id of the user; empty if there is none
	Within time.Duration // AcceptWithin if 0; for a User only
	Token  string
}

func (a AddParticipant) decide(t *turn) error {
	if t.repeated(ParticipantID{}, a.Token, string(a.Role), a.Name) {
		return nil
	}
	c := t.chat
	if c.Ended() {
		return refuse(Ended, "the chat has ended; nobody can be added to it")
	}
	if p := c.Waiting(a.Role, cmp.Or(a.User, a.Name)); p != nil {
		t.answer(p.ID.ID, p.AddedAt)
		t.keep(ParticipantID{}, a.Token, string(a.Role), a.Name)
		return nil
	}
	if a.User != "" && c.isAgent(a.User, Present) {
		return refuse(WrongState, "the user is in the chat already")
	}
	if err := c.room(a.Role); err != nil {
		return err
	}
	var how *Invitation
	switch {
	case a.User != "":
		how = &Invitation{User: a.User, By: t.now.Add(within(a.Within))}
	case a.Role == CustomBot:
		how = &Invitation{By: t.now.Add(BotConnectWithin)}
	}
	t.add(Author{Role: a.Role, Name: a.Name}, how, a.Token)
	return nil
}

// isAgent reports whether a user has come so far as an agent.
func (c *Chat) isAgent(user string, at Presence) bool {
	return slices.ContainsFunc(c.people, func(p *Participant) bool {
		return p.Role == Agent && p.User == user && p.Presence == at
	})
}

// add gives a participant a place. An agent who comes into a conversation that goes on
// has a contact of their own, and is announced (semantics.md 8).
func (t *turn) add(who Author, how *Invitation, token string) ParticipantID {
	joins := who.Role == Agent && t.chat.present(Agent) != nil && (how == nil || how.Transfer.IsZero())
	who.ID = ParticipantID{t.ids(t.now)}
	t.append(Entry{Kind: KindAdded, ID: who.ID.ID, Token: token, By: &who, Added: how})
	if joins {
		own := t.side(MethodTransfer, who.ID, "")
		t.append(Entry{Kind: KindInvited, By: &who, Contact: own})
	}
	return who.ID
}

// side begins a participant's own contact.
func (t *turn) side(m Method, of ParticipantID, token string) ContactID {
	id := t.newContact()
	t.append(Entry{Kind: KindContact, ID: id.ID, Segment: &Segment{ID: id, Method: m, Of: of}, Token: token})
	return id
}

// invite adds a user as an agent.
func (t *turn) invite(u User, how *Invitation, token string) {
	t.add(Author{Role: Agent, Name: u.Name}, how, token)
}

// room refuses a participant for whom the chat has no place (semantics.md 8).
func (c *Chat) room(r Role) error {
	switch {
	case r != Agent && r != Supervisor && r != CustomBot:
		return refuse(WrongState, fmt.Sprintf("nobody can be added to a chat as %q; add an AGENT, a SUPERVISOR or a CUSTOM_BOT", r))
	case r == Supervisor && c.here(Supervisor) >= MaxSupervisors:
		return refuse(TooMany, "the chat already has five supervisors")
	case r == CustomBot && c.present(Agent) != nil:
		return refuse(WrongState, "a CUSTOM_BOT can't join a chat that has an agent")
	case r == CustomBot && c.here(CustomBot) > 0:
		return refuse(TooMany, "the chat already has a CUSTOM_BOT")
	case r != Supervisor && c.here(Customer, Agent, CustomBot) >= MaxParticipants:
		return refuse(TooMany, "the chat already has six participants")
	}
	return nil
}

// Assign gives a chat that waits for an agent to a user, who is to connect in time:
// AssociateContactWithUser (semantics.md 9.8).
type Assign struct {
	Contact ContactID // must be the current one, if not zero; here and below
	User    User
	Within  time.Duration // AcceptWithin if 0
}

func (a Assign) decide(t *turn) error {
	c := t.chat
	switch {
	case c.Ended():
		return refuse(Ended, "the chat has ended; it can't be given to anybody")
	case !c.isCurrent(a.Contact):
		return c.notCurrent()
	case c.Current().Queue == "":
		return refuse(WrongState, "the contact is not in a queue; only queued contacts can be given to a user")
	case c.count(Present, Agent) > 0:
		return refuse(WrongState, "an agent has accepted the contact already; transfer it instead")
	case c.isAgent(a.User.ID, Invited):
		t.nothing()
		return nil
	}
	for _, p := range c.people {
		if p.Role == Agent && p.Presence == Invited && p.User != "" {
			t.leave(p, "", CauseMissed) // it was offered to somebody else
		}
	}
	if err := t.chat.room(Agent); err != nil {
		return err
	}
	t.invite(a.User, &Invitation{User: a.User.ID, By: t.now.Add(within(a.Within))}, "")
	return nil
}

func within(d time.Duration) time.Duration {
	if d == 0 {
		return AcceptWithin
	}
	return d
}

// Monitor lets a user watch the chat as a supervisor: MonitorContact (semantics.md 8).
// Repeated for the same user, it answers with the same contact, unless the user is to
// have another right now: then the former contact ends, and its token with it.
type Monitor struct {
	Contact ContactID
	User    User
	Barge   bool // the user may barge in
	Token   string
}

func (m Monitor) decide(t *turn) error {
	c := t.chat
	if t.repeated(ParticipantID{}, m.Token, keyMonitor, "") {
		return nil
	}
	switch {
	case c.Ended():
		return refuse(Ended, "the chat has ended; there is nothing to watch any more")
	case !c.isCurrent(m.Contact):
		return c.notCurrent()
	}
	if m.again(t) {
		return nil
	}
	if err := t.chat.room(Supervisor); err != nil {
		return err
	}
	id := t.add(Author{Role: Supervisor, Name: m.User.Name}, &Invitation{User: m.User.ID, Silent: !m.Barge}, "")
	own := t.side(MethodMonitor, id, m.Token)
	t.answer(own.ID, t.last())
	return nil
}

// again answers for a user who watches already, with the same right. With another one they
// go first.
func (m Monitor) again(t *turn) bool {
	for _, p := range t.chat.people {
		switch {
		case p.Role != Supervisor || p.User != m.User.ID || p.Presence == Gone:
		case p.silent == m.Barge:
			t.leave(p, "", CauseThirdParty)
		default:
			t.answer(p.Contact.ID, t.chat.Find(p.Contact).Began)
			t.keep(ParticipantID{}, m.Token, keyMonitor, "")
			return true
		}
	}
	return false
}

// Via says how a participant came to be connected.
type Via int

const (
	// ViaSocket: a websocket was subscribed to aws/chat.
	ViaSocket Via = iota
	// ViaRequest: CreateParticipantConnection with ConnectParticipant=true.
	ViaRequest
)

// Connect marks a participant as connected: they join, once. A customer's first
// connection starts the flow. A supervisor's socket only watches; a supervisor's
// request barges in.
type Connect struct {
	By  ParticipantID
	Via Via
}

func (cmd Connect) decide(t *turn) error {
	p, err := t.chat.Admit(cmd.By)
	if err != nil {
		return err
	}
	found := cmd.Via == ViaSocket && t.chat.goneAfter(p.Role) > 0 && (!p.online || !p.lostAt.IsZero())
	switch {
	case p.Presence == Present && found:
		t.append(Entry{Kind: KindFound, By: &p.Author})
		return nil
	case p.Presence == Present || p.Role == Supervisor && cmd.Via == ViaSocket:
		t.nothing()
		return nil
	case p.Role == Supervisor && p.silent:
		return refuse(Silent, "the supervisor may watch only: MonitorContact was called without the capability BARGE")
	case p.Role == Supervisor && t.chat.count(Present, Supervisor) > 0:
		return refuse(WrongState, "another supervisor has barged in; one at a time can")
	}
	t.join(p, "")
	if found && !t.chat.Ended() {
		t.append(Entry{Kind: KindFound, By: &p.Author})
	}
	return nil
}

// StepBack lets a supervisor who has barged in go on watching in silence:
// CreateParticipantConnection with ConnectParticipant=false, which is our extension.
type StepBack struct {
	By ParticipantID
}

func (s StepBack) decide(t *turn) error {
	p, err := t.chat.Admit(s.By)
	if err != nil {
		return err
	}
	if p.Role != Supervisor || p.Presence != Present {
		t.nothing()
		return nil
	}
	t.append(Entry{Kind: KindWatching, By: &p.Author})
	return nil
}

// Lost says that the last websocket of a participant is gone; Connect, that there is one.
// They leave a trace only where the settings make something of it. Who never had one
// doesn't lose it.
type Lost struct {
	By ParticipantID
}

func (l Lost) decide(t *turn) error {
	p, err := t.chat.Admit(l.By)
	if err != nil {
		return err
	}
	if p.Presence != Present || !p.online || !p.lostAt.IsZero() {
		t.nothing()
		return nil
	}
	t.append(Entry{Kind: KindLost, By: &p.Author})
	return nil
}

// join emits participant.joined and what follows from it: the customer brings the
// initial message and the flow, an agent takes over from the bot, or from other agents.
func (t *turn) join(p *Participant, token string) {
	if !p.transfer.IsZero() {
		t.takeOver(p)
	}
	e := t.append(Entry{Kind: KindJoined, By: &p.Author, Token: token})
	t.answer(e.ID, e.At)
	switch p.Role {
	case Customer:
		if m := t.chat.Settings.InitialMessage; m != nil {
			t.append(Entry{Kind: KindMessage, By: &p.Author, Content: m})
		}
		t.runFlow(0)
	case Agent:
		t.accepted()
		t.resume(WaitAgent)
	}
}

// accepted lets those go who are not needed any more now that an agent has come: users to
// whom the chat was offered or assigned, and the bot, after which the flow may end the chat.
func (t *turn) accepted() {
	var bot *Participant
	for _, p := range t.chat.people {
		switch {
		case p.Presence == Gone:
		case p.Role == CustomBot:
			bot = p
		case p.Role == Agent && p.Presence == Invited && p.User != "" && p.transfer.IsZero():
			t.leave(p, "", CauseMissed)
		}
	}
	if bot != nil {
		t.depart(bot, "", CauseAgent)
	}
}

// leave takes the participant out of the chat. A transfer that waited for them has failed.
func (t *turn) leave(p *Participant, token string, cause Cause) {
	kind := KindLeft
	if p.Presence == Invited {
		kind = KindWithdrawn // nobody saw them come, so nobody sees them go
	}
	if !p.transfer.IsZero() {
		t.append(Entry{Kind: KindNotTransferred, By: &p.Author})
	}
	t.append(Entry{Kind: kind, By: &p.Author, Token: token, Cause: cause})
}

// Leave takes a participant out of the chat: DisconnectParticipant (semantics.md
// 3.6). The chat ends with its customer, or with its last agent, connected or invited,
// unless its flow goes on with the customer then.
type Leave struct {
	By    ParticipantID
	Token string
}

func (l Leave) decide(t *turn) error {
	if t.repeated(l.By, l.Token, EventLeft, "") {
		return nil
	}
	p, err := t.chat.Admit(l.By)
	if err != nil {
		return err
	}
	cause := CauseAgent
	if p.Role == Customer {
		cause = CauseCustomer
	}
	t.depart(p, l.Token, cause)
	return nil
}

// depart lets a participant leave, with all that follows from it.
func (t *turn) depart(p *Participant, token string, cause Cause) {
	if p.Role == Customer && t.surveyed(token) {
		return
	}
	joined := p.Presence == Present
	t.leave(p, token, cause)
	switch {
	case p.Role == Customer:
		t.finish(cause)
	case p.Role == CustomBot && joined:
		t.resume(WaitBot)
	case p.Role == CustomBot:
		t.noBot()
	case p.Role == Agent:
		t.noAgent(cause)
	}
}

// noAgent does what follows when an agent has gone: the last one ends the conversation,
// unless there was none, and the customer still waits for the first.
func (t *turn) noAgent(cause Cause) {
	switch c := t.chat; {
	case c.here(Agent) > 0:
	case c.Current().ConnectedAt.IsZero():
		t.offer()
	default:
		t.over(cause)
	}
}

// noBot takes the other branch of a flow that waits for a bot which doesn't come.
func (t *turn) noBot() {
	if t.chat.waitsFor(WaitBot) {
		t.flowTimedOut()
	}
}

// surveyed keeps a customer who leaves in the chat, if it was started so that the agents
// leave then, and the flow has something to ask (DisconnectOnCustomerExit, semantics.md
// 3.6). Leaving a second time ends the chat.
func (t *turn) surveyed(token string) bool {
	c := t.chat
	if len(c.Settings.DisconnectOnCustomerExit) == 0 || c.Settings.Flow.Exit == 0 || c.flow.exits ||
		c.present(Customer) == nil || c.present(Agent) == nil {
		return false
	}
	t.exit(&c.Customer().Author, token, CauseCustomer)
	return true
}

// miss withdraws an invitation that nobody accepted in time.
func (t *turn) miss(p *Participant) {
	t.leave(p, "", CauseMissed)
	if p.Role == Agent {
		t.noAgent(CauseAgent)
	} else {
		t.noBot()
	}
}

// vanish takes out a participant whose websocket has been gone for too long.
func (t *turn) vanish(p *Participant) {
	if p.Role != Customer {
		t.depart(p, "", CauseAgentNetwork)
		return
	}
	t.leave(p, "", CauseCustomer)
	t.finish(CauseCustomer)
}
