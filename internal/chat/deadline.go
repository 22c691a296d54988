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
	fileOverdue
	urlOverdue
	exchangeOverdue
)

// due is what happens next by itself, and when; at is zero if nothing does.
type due struct {
	at   time.Time
	what happening
	of   *Participant // missed, vanished
	role Role         // timerRings
	file ID           // fileOverdue
}

// sooner takes another happening if it comes before, and reports whether it does: of two at
// the same time, the first one asked about counts.
func (d *due) sooner(at time.Time, what happening) bool {
	if at.IsZero() || !d.at.IsZero() && !at.Before(d.at) {
		return false
	}
	d.at, d.what = at, what
	return true
}

// next is what happens next by itself.
func (c *Chat) next() (d due) {
	if !c.Started() || c.Ended() {
		return due{}
	}
	d.sooner(c.Expiry(), expires)
	if c.Customer().Presence == Invited {
		d.sooner(c.StartedAt.Add(ConnectWithin), neverConnected)
	}
	for _, p := range c.people {
		switch {
		case p.Presence == Invited && d.sooner(p.by, missed),
			p.Presence == Present && !p.lostAt.IsZero() && d.sooner(p.lostAt.Add(c.goneAfter(p.Role)), vanished):
			d.of = p
		}
	}
	if c.flow.waits {
		d.sooner(c.flow.step.Until, flowTimeout)
	}
	if c.timers.since != nil && len(c.timers.force) > 0 {
		for _, r := range [...]Role{Customer, Agent} {
			if d.sooner(c.timerDue(r), timerRings) {
				d.role = r
			}
		}
	}
	for id := range c.pending {
		if d.sooner(c.files[id].until, fileOverdue) {
			d.file = id
		}
	}
	if c.auth != nil {
		switch c.auth.State {
		case AuthInitiated:
			d.sooner(c.auth.at.Add(AuthURLWithin), urlOverdue)
		case AuthCode:
			d.sooner(c.auth.since.Add(exchangeWithin), exchangeOverdue)
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
	case fileOverdue:
		t.askAgain(d.file)
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
