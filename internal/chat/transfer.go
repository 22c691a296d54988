package chat

import "time"

// Transfer hands the customer over to another agent or into a queue (semantics.md 8).
// Into a queue it happens at once: the agents leave. To a user it happens when the user
// has connected; until then the agents stay, and they stay for good if the user doesn't
// come. The answer's ID is the contact that begins then.
type Transfer struct {
	User   *User
	Queue  string // if User is nil
	Offer  *Offer // how the queue finds an agent
	Within time.Duration
	Token  string
}

func (x Transfer) decide(t *turn) error {
	if t.repeated(ParticipantID{}, x.Token, keyTransfer, "") {
		return nil
	}
	c := t.chat
	switch {
	case c.Ended():
		return refuse(Ended, "the chat has ended; it can't be transferred")
	case c.present(Agent) == nil:
		return refuse(WrongState, "no agent has accepted the contact yet; only then can it be transferred")
	}
	if x.User != nil {
		return x.toUser(t)
	}
	next := t.handOver(MethodQueueTransfer, t.newContact(), ParticipantID{}, x.Token)
	t.append(Entry{Kind: KindQueued, Queue: x.Queue, Offer: x.Offer})
	t.offer()
	t.answer(next.ID, next.At)
	return nil
}

func (x Transfer) toUser(t *turn) error {
	c := t.chat
	for _, p := range c.people {
		switch {
		case p.Role != Agent || p.Presence == Gone:
		case p.User == x.User.ID:
			return refuse(WrongState, "the user is in the chat, or invited to it, already")
		case !p.transfer.IsZero():
			return refuse(WrongState, "the chat is being transferred already; wait until that has succeeded or failed")
		}
	}
	if err := c.room(Agent); err != nil {
		return err
	}
	id := t.newContact()
	t.invite(*x.User, &Invitation{User: x.User.ID, By: t.now.Add(within(x.Within)), Transfer: id}, x.Token)
	t.answer(id.ID, t.out.At)
	return nil
}

// handOver lets the agents go, but for the one who comes, and begins the next contact.
func (t *turn) handOver(m Method, id ContactID, to ParticipantID, token string) *Entry {
	leaver := t.chat.present(Agent)
	t.append(Entry{Kind: KindTransferred, By: &leaver.Author, Except: to})
	for _, p := range t.chat.people {
		if p.Role == Agent && p.Presence != Gone && p.ID != to {
			t.leave(p, "", CauseAgent)
		}
	}
	return t.begin(id, m, CauseAgent, token)
}

// takeOver completes a transfer to an agent who joins.
func (t *turn) takeOver(p *Participant) {
	if t.chat.present(Agent) != nil {
		t.handOver(MethodTransfer, p.transfer, p.ID, "")
	} else { // they have all left meanwhile, and the customer waits
		t.begin(p.transfer, MethodTransfer, CauseAgent, "")
	}
}
