package chat

import "time"

// Transfer hands the customer over to another agent or into a queue (semantics.md 8).
// Into a queue it happens at once: the agents leave. To a user it happens when the user
// has connected; until then the agents stay, and they stay for good if the user doesn't
// come. The answer's ID is the contact that begins then.
type Transfer struct {
	Contact ContactID // must be the current one, if not zero
	User    *User
	Queue   string // if User is nil
	Offer   *Offer // how the queue finds an agent
	Within  time.Duration
	Token   string
}

func (x Transfer) decide(t *turn) error {
	if t.repeated(ParticipantID{}, x.Token, keyTransfer, "") {
		return nil
	}
	c := t.chat
	switch {
	case c.Ended():
		return refuse(Ended, "the chat has ended; it can't be transferred")
	case !c.isCurrent(x.Contact):
		return c.notCurrent()
	case c.present(Agent) == nil:
		return refuse(WrongState, "no agent has accepted the contact yet; only then can it be transferred")
	}
	for _, p := range c.people {
		switch {
		case p.Role != Agent || p.Presence == Gone:
		case !p.transfer.IsZero():
			return refuse(WrongState, "the chat is being transferred already; wait until that has succeeded or failed")
		case x.User != nil && p.is(*x.User):
			return refuse(WrongState, "the user is in the chat, or invited to it, already")
		}
	}
	id := t.newContact()
	if x.User != nil {
		// There is room for the user: the agents leave then.
		t.invite(*x.User, &Invitation{User: x.User.ID, By: t.now.Add(within(x.Within)), Transfer: id}, x.Token)
		return nil
	}
	next := t.handOver(Segment{ID: id, Method: MethodQueueTransfer}, ParticipantID{}, x.Token)
	t.append(Entry{Kind: KindQueued, Queue: x.Queue, Offer: x.Offer})
	t.offer()
	t.answer(next.ID, next.At)
	return nil
}

// handOver lets the agents go, but for the one who comes, and begins the next contact.
func (t *turn) handOver(s Segment, to ParticipantID, token string) *Entry {
	t.append(Entry{Kind: KindTransferred, By: &t.chat.present(Agent).Author, Except: to})
	for _, p := range t.chat.people {
		if p.Role == Agent && p.Presence != Gone && p.ID != to {
			t.leave(p, "", CauseAgent)
		}
	}
	return t.begin(s, Entry{Cause: CauseAgent, Token: token})
}

// takeOver completes a transfer to an agent who joins.
func (t *turn) takeOver(p *Participant) {
	s := Segment{ID: p.transfer, Method: MethodTransfer}
	if t.chat.present(Agent) != nil {
		t.handOver(s, p.ID, "")
	} else { // they have all left meanwhile, and the customer waits
		t.begin(s, Entry{Cause: CauseAgent})
	}
}
