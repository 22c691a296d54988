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
	// set are those that the next agent brings with them; running those in force.
	set, running map[timerKey]time.Duration
	// since is when a role was last heard, or the timers began; idle since when it is
	// idle.
	since, idle map[Role]time.Time
}

func (t timers) clone() timers {
	return timers{maps.Clone(t.set), maps.Clone(t.running), maps.Clone(t.since), maps.Clone(t.idle)}
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

// startTimers puts the stored timers in force when an agent or a bot joins. Those that
// run already go on from where they are.
func (c *Chat) startTimers(p *Participant, at time.Time) {
	if p.Role != Agent && p.Role != CustomBot {
		return
	}
	if c.timers.running == nil {
		c.timers.since = map[Role]time.Time{Customer: at, Agent: at}
		c.timers.idle = make(map[Role]time.Time)
	}
	c.timers.running = maps.Clone(c.timers.set)
	if c.timers.running == nil {
		c.timers.running = make(map[timerKey]time.Duration)
	}
}

// stopTimers ends them when nobody is left to serve the customer.
func (c *Chat) stopTimers(p *Participant) {
	if (p.Role == Agent || p.Role == CustomBot) && !c.served() {
		c.timers = timers{set: c.timers.set}
	}
}

// heard restarts the timers of a role that has said something.
func (c *Chat) heard(r Role, at time.Time) {
	if c.timers.running == nil {
		return
	}
	c.timers.since[r] = at
	delete(c.timers.idle, r)
}

// timerDue is when a timer of the role rings: that of its idleness first, if there is
// one, and then that of the disconnection, from when it is idle.
func (c *Chat) timerDue(r Role) time.Time {
	if r == Agent && c.present(Agent) == nil {
		return time.Time{}
	}
	since, idle := c.timers.since[r], c.timers.idle[r]
	if wait, ok := c.timers.running[timerKey{r, TimerIdle}]; ok && idle.IsZero() {
		return since.Add(wait)
	}
	wait, ok := c.timers.running[timerKey{r, TimerDisconnect}]
	switch {
	case !ok:
		return time.Time{}
	case idle.IsZero():
		return since.Add(wait)
	}
	return idle.Add(wait)
}

// timedOut does what the timer that has rung leads to.
func (t *turn) timedOut(r Role) {
	c := t.chat
	p := c.Customer()
	if r == Agent {
		p = c.present(Agent)
	}
	if c.timers.idle[r].IsZero() && c.timers.running[timerKey{r, TimerIdle}] > 0 {
		t.append(Entry{Kind: KindIdle, By: &p.Author})
		return
	}
	t.append(Entry{Kind: KindAutoDisconnect, By: &p.Author})
	t.dismiss(CauseIdle, Agent, Supervisor, CustomBot)
	t.over(CauseIdle)
}

// heard tells everybody that an idle participant has returned.
func (t *turn) heard(p *Participant) {
	if !t.chat.timers.idle[p.Role].IsZero() {
		t.append(Entry{Kind: KindReturned, By: &p.Author})
	}
}
