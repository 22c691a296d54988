package chat

import "fmt"

// AddParticipant gives somebody a place in the chat, and so a token:
// CreateParticipant (semantics.md 9.2), with AGENT and SUPERVISOR as our extension.
type AddParticipant struct {
	Role  Role
	Name  string
	Token string
}

func (a AddParticipant) decide(t *turn) error {
	if t.repeated(ParticipantID{}, a.Token, string(a.Role), a.Name) {
		return nil
	}
	c := t.chat
	if c.Ended() {
		return refuse(Ended, "the chat has ended; nobody can be added to it")
	}
	if err := c.room(a.Role); err != nil {
		return err
	}
	id := ParticipantID{t.ids(t.now)}
	t.append(Entry{Kind: KindAdded, ID: id.ID, Token: a.Token, By: &Author{ID: id, Role: a.Role, Name: a.Name}})
	return nil
}

// room refuses a participant for whom the chat has no place (semantics.md 8).
func (c *Chat) room(r Role) error {
	switch {
	case r != Agent && r != Supervisor && r != CustomBot:
		return refuse(WrongState, fmt.Sprintf("nobody can be added to a chat as %q; add an AGENT, a SUPERVISOR or a CUSTOM_BOT", r))
	case r == Supervisor && c.here(Supervisor) >= MaxSupervisors:
		return refuse(TooMany, "the chat already has five supervisors")
	case r == CustomBot && c.here(Agent) > 0:
		return refuse(WrongState, "a CUSTOM_BOT can't join a chat that has an agent")
	case r == CustomBot && c.here(CustomBot) > 0:
		return refuse(TooMany, "the chat already has a CUSTOM_BOT")
	case r != Supervisor && c.here(Customer, Agent, CustomBot) >= MaxParticipants:
		return refuse(TooMany, "the chat already has six participants")
	}
	return nil
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
	if p.Presence == Present || p.Role == Supervisor && cmd.Via == ViaSocket {
		t.nothing()
		return nil
	}
	if p.Role == Supervisor && t.chat.count(Present, Supervisor) > 0 {
		return refuse(WrongState, "another supervisor has barged in; one at a time can")
	}
	t.join(p, "")
	return nil
}

// join emits participant.joined and what follows from it: the customer brings the
// initial message and the flow, an agent takes over from the bot.
func (t *turn) join(p *Participant, token string) {
	t.append(Entry{Kind: KindJoined, By: &p.Author, Token: token})
	switch p.Role {
	case Customer:
		if m := t.chat.Settings.InitialMessage; m != nil {
			t.append(Entry{Kind: KindMessage, By: &p.Author, Content: m})
		}
		t.runFlow()
	case Agent:
		for _, bot := range t.chat.people {
			if bot.Role == CustomBot && bot.Presence != Gone {
				t.leave(bot, "", CauseAgent)
			}
		}
	}
}

// leave takes the participant out of the chat.
func (t *turn) leave(p *Participant, token string, cause Cause) {
	kind := KindLeft
	if p.Presence == Invited {
		kind = KindWithdrawn // nobody saw them come, so nobody sees them go
	}
	t.append(Entry{Kind: kind, By: &p.Author, Token: token, Cause: cause})
}

// Leave takes a participant out of the chat: DisconnectParticipant (semantics.md
// 3.6). The chat ends with its customer, or with its last agent, connected or invited.
type Leave struct {
	By    ParticipantID
	Token string
}

func (l Leave) decide(t *turn) error {
	if t.repeated(l.By, l.Token, EventLeft, "") {
		return nil
	}
	c := t.chat
	p, err := c.Admit(l.By)
	if err != nil {
		return err
	}
	cause := CauseCustomer
	if p.Role != Customer {
		cause = CauseAgent
	}
	t.leave(p, l.Token, cause)
	if p.Role == Customer || p.Role == Agent && c.lastAgent() {
		t.append(Entry{Kind: KindEnded, Cause: cause})
	}
	return nil
}

// lastAgent reports whether there is one agent left, and some agent has served the
// customer: a customer who still waits for the first one goes on waiting.
func (c *Chat) lastAgent() bool { return c.Agent() != nil && c.here(Agent) == 1 }
