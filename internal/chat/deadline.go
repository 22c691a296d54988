package chat

import "time"

// what happens by itself.
type happening int

const (
	expires happening = iota + 1
	neverConnected
	missed
	vanished
	flowTimeout
	timerRings
	scanOverdue
	urlOverdue
	exchangeOverdue
)

// due is what happens next by itself, and when; at is zero if nothing does.
type due struct {
	at   time.Time
	what happening
	of   *Participant // missed, vanished
	role Role         // timerRings
	file ID           // scanOverdue
}

// sooner takes another happening if it comes before: of two at the same time, the first
// one asked about counts.
func (d *due) sooner(other due) {
	if !other.at.IsZero() && (d.at.IsZero() || other.at.Before(d.at)) {
		*d = other
	}
}

// next is what happens next by itself.
func (c *Chat) next() (d due) {
	if !c.Started() || c.Ended() {
		return due{}
	}
	d.sooner(due{at: c.Expiry(), what: expires})
	if c.Customer().Presence == Invited {
		d.sooner(due{at: c.StartedAt.Add(ConnectWithin), what: neverConnected})
	}
	for _, p := range c.people {
		switch {
		case p.Presence == Invited && !p.by.IsZero():
			d.sooner(due{at: p.by, what: missed, of: p})
		case p.Presence == Present && !p.lostAt.IsZero():
			d.sooner(due{at: p.lostAt.Add(c.goneAfter(p.Role)), what: vanished, of: p})
		}
	}
	if c.flow.waits {
		d.sooner(due{at: c.flow.step.Until, what: flowTimeout})
	}
	if c.timers.since != nil {
		d.sooner(due{at: c.timerDue(Customer), what: timerRings, role: Customer})
		d.sooner(due{at: c.timerDue(Agent), what: timerRings, role: Agent})
	}
	for id := range c.scanning {
		d.sooner(due{at: c.files[id].until, what: scanOverdue, file: id})
	}
	if c.auth != nil {
		switch c.auth.State {
		case AuthInitiated:
			d.sooner(due{at: c.auth.at.Add(AuthURLWithin), what: urlOverdue})
		case AuthCode:
			d.sooner(due{at: c.auth.since.Add(exchangeWithin), what: exchangeOverdue})
		}
	}
	return d
}

// goneAfter is how long participants of a role may be without websocket before they count
// as gone; 0 is for ever.
func (c *Chat) goneAfter(r Role) time.Duration {
	switch r {
	case Customer:
		return time.Duration(c.Settings.CustomerGone) * time.Second
	case Agent:
		return time.Duration(c.Settings.AgentGone) * time.Second
	}
	return 0
}

// happen does what is due.
func (t *turn) happen(d due) {
	switch d.what {
	case expires:
		t.end(CauseExpired)
	case neverConnected:
		t.end(CauseNotConnected)
	case missed:
		t.miss(d.of)
	case vanished:
		t.vanish(d.of)
	case flowTimeout:
		t.flowTimedOut()
	case timerRings:
		t.timedOut(d.role)
	case scanOverdue:
		t.scanAgain(d.file)
	case urlOverdue:
		t.authenticated(AuthExpired)
	case exchangeOverdue:
		t.authenticated(AuthFailed)
	}
}

// Deadline is when the next Tick is due; the zero time means never.
func (c *Chat) Deadline() time.Time { return c.next().at }

// Overdue reports whether a Tick is due at the time.
func (c *Chat) Overdue(now time.Time) bool {
	at := c.Deadline()
	return !at.IsZero() && !now.Before(at)
}

// Expiry is when the chat's whole duration is over.
func (c *Chat) Expiry() time.Time {
	return c.StartedAt.Add(time.Duration(c.Settings.Minutes) * time.Minute)
}

// Tick says that the time is now; it does what Deadline announced, and nothing
// when it comes too early.
type Tick struct{}

// maxDue bounds what one Tick does; the next one does the rest.
const maxDue = 32

func (Tick) decide(t *turn) error {
	t.nothing()
	for range maxDue {
		d := t.chat.next()
		if d.at.IsZero() || t.now.Before(d.at) {
			break
		}
		t.happen(d)
	}
	return nil
}
