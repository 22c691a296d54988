package chat

import (
	"maps"
	"time"
)

// TimerType is what an idle timer leads to; the strings are the wire's (semantics.md 7).
type TimerType string

// The types of timer.
const (
	TimerIdle       TimerType = "IDLE"
	TimerDisconnect TimerType = "DISCONNECT_NONCUSTOMER"
)

// Timer sets an idle timer of a role, or with 0 minutes unsets it.
type Timer struct {
	Role    Role      `json:"role"`
	Type    TimerType `json:"type"`
	Minutes int       `json:"minutes,omitempty"`
}

type timerKey struct {
	role Role
	kind TimerType
}

// timers are the idle timers of a chat.
type timers struct {
	// set are those that the next agent brings with them; force those that the last one
	// has brought. Both are made anew with each change.
	set, force map[timerKey]time.Duration
	// since is when a role was last heard, or the timers began; nil while they don't run.
	// idle is since when a role is idle.
	since, idle map[Role]time.Time
}

func (t timers) clone() timers {
	return timers{t.set, t.force, maps.Clone(t.since), maps.Clone(t.idle)}
}

// SetTimers stores idle timers for the next agent who joins: UpdateParticipantRoleConfig
// (semantics.md 7).
type SetTimers struct {
	Timers []Timer
}

func (s SetTimers) decide(t *turn) error {
	if t.chat.Ended() {
		return refuse(Ended, "the chat has ended; its timers can't be set any more")
	}
	t.append(Entry{Kind: KindTimers, Timers: s.Timers})
	return nil
}

func (c *Chat) setTimers(e *Entry) {
	set := maps.Clone(c.timers.set)
	if set == nil {
		set = make(map[timerKey]time.Duration)
	}
	for _, s := range e.Timers {
		key := timerKey{s.Role, s.Type}
		if s.Minutes == 0 {
			delete(set, key)
		} else {
			set[key] = time.Duration(s.Minutes) * time.Minute
		}
	}
	c.timers.set = set
}

// served reports whether somebody is there with whom the customer's silence counts.
func (c *Chat) served() bool { return c.count(Present, Agent, CustomBot) > 0 }

// startTimers puts the stored timers in force when an agent or a bot joins, and has them
// run from when the customer is there as well. They begin anew with the first agent after
// a bot; with another agent those that are in force go on from where they are.
func (c *Chat) startTimers(p *Participant, e *Entry) {
	had := c.timers.force
	if p.Role == Agent || p.Role == CustomBot {
		c.timers.force = c.timers.set
	}
	another := p.Role == Agent && c.count(Present, Agent) > 1
	switch {
	case p.Role == Supervisor, c.Customer().Presence != Present, !c.served():
		return
	case !another:
		c.timers.since, c.timers.idle = make(map[Role]time.Time), make(map[Role]time.Time)
	}
	for _, r := range []Role{Customer, Agent} {
		if !another || had[timerKey{r, TimerIdle}]+had[timerKey{r, TimerDisconnect}] == 0 {
			c.timers.since[r] = e.At
		}
	}
}

// stopTimers ends them when nobody is left to serve the customer.
func (c *Chat) stopTimers() {
	if !c.served() {
		c.timers = timers{set: c.timers.set}
	}
}

// heard restarts the timers of a role that has said something.
func (c *Chat) heard(r Role, at time.Time) {
	if c.timers.since != nil {
		c.timers.since[r] = at
		delete(c.timers.idle, r)
	}
}

// isIdle reports whether a role has been silent for too long.
func (c *Chat) isIdle(r Role) bool { return !c.timers.idle[r].IsZero() }

// timerDue is when a timer of the role rings: that of its idleness first, if there is
// one, and then that of the disconnection, from when it is idle.
func (c *Chat) timerDue(r Role) time.Time {
	if r == Agent && c.present(Agent) == nil {
		return time.Time{}
	}
	since := c.timers.since[r]
	if c.isIdle(r) {
		since = c.timers.idle[r]
	} else if wait, ok := c.timers.force[timerKey{r, TimerIdle}]; ok {
		return since.Add(wait)
	}
	if wait, ok := c.timers.force[timerKey{r, TimerDisconnect}]; ok {
		return since.Add(wait)
	}
	return time.Time{}
}

// timedOut does what the timer that has rung leads to. A flow that waited for the bot
// goes on without it; without an agent or with one, the conversation is over.
func (t *turn) timedOut(r Role) {
	c := t.chat
	p, bot := c.Customer(), c.present(CustomBot)
	if r == Agent {
		p = c.present(Agent)
	}
	if !c.isIdle(r) && c.timers.force[timerKey{r, TimerIdle}] > 0 {
		t.append(Entry{Kind: KindIdle, By: &p.Author})
		return
	}
	t.append(Entry{Kind: KindAutoDisconnect, By: &p.Author})
	t.dismiss(CauseIdle, Agent, Supervisor, CustomBot)
	if bot != nil && t.chat.waitsFor(WaitBot) {
		t.resume(WaitBot)
	} else {
		t.over(CauseIdle)
	}
}
