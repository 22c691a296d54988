package main

import (
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// deadlines counts what has happened by itself, by the first entry that it led to.
type deadlines struct {
	kinds  map[chat.Kind]int
	latest time.Duration
}

func (d *deadlines) String() string {
	return fmt.Sprintf("happened by itself, at most %v late: %v", (d.latest / haste).Round(time.Millisecond), d.kinds)
}

// lateness is how late, by the nodes' clocks, what is due may happen: as long as nobody got
// anything done, and a while for which a node may be busy or dead before another looks.
func (c *crowd) lateness() time.Duration { return 2*maxOff + haste*(c.quiet+10*time.Second) }

// checkDue goes through the log as a node does. Once something is due, it is what must
// come next, and not late; and it comes at no other time.
func (k *conversation) checkDue(log []chat.Entry) {
	k.Helper()
	c := chat.New(k.id)
	for i := range log {
		e, due := &log[i], c.Deadline()
		late := e.At.Sub(due)
		switch {
		case due.IsZero(), late < 0:
			if e.Kind == chat.KindIdle || e.Kind == chat.KindAutoDisconnect || e.Cause == chat.CauseNotConnected {
				k.Errorf("%s: %s at %v, which nothing led to", k.name, e.Kind, e.At)
			}
		case e.At.Equal(c.Last.Add(time.Millisecond)): // goes with the entry before it
		default:
			out, err := chat.Decide(c, chat.Tick{}, e.At, node.NewID)
			if err != nil || len(out.Entries) == 0 || !alike(&out.Entries[0], e) {
				k.Errorf("%s: %s at %v comes in place of what was due at %v: %+v, %v", k.name, e.Kind, e.At, due, out.Entries, err)
			}
			if late > k.lateness() {
				k.Errorf("%s: %s at %v was due %v earlier", k.name, e.Kind, e.At, late/haste)
			}
			k.kept.kinds[e.Kind]++
			k.kept.latest = max(k.kept.latest, late)
		}
		c.Apply(*e)
	}
}

// alike reports whether two entries say the same, at whatever time and place.
func alike(a, b *chat.Entry) bool {
	return a.Kind == b.Kind && a.Cause == b.Cause && (a.By == nil) == (b.By == nil) && (a.By == nil || *a.By == *b.By) &&
		(a.Content == nil) == (b.Content == nil) && (a.Content == nil || *a.Content == *b.Content)
}

// checkTicks looks whether the tickFlow says everything in its order and time.
func (k *conversation) checkTicks(log []chat.Entry) {
	k.Helper()
	if k.flow != tickFlow {
		return
	}
	said, until := 0, time.Time{}
	for i := range log {
		switch e := &log[i]; e.Kind {
		case chat.KindMessage:
			if want := tick(said); e.Content.Text != want || e.At.Before(until) {
				k.Errorf("%s: %q at %v, want %q, at %v at the earliest", k.name, e.Content.Text, e.At, want, until)
			}
			said++
		case chat.KindStepped:
			until = e.Step.Until
		}
	}
}

// checkGiven looks whether the chat was given to one user at a time, that only the one
// who has it was let in, and that the wait in the queue ended once: well or not.
func (k *conversation) checkGiven(log []chat.Entry) {
	k.Helper()
	if !k.inLine() {
		return
	}
	var asked, has chat.ParticipantID
	none := chat.ParticipantID{}
	outcomes := 0
	for i := range log {
		switch e := &log[i]; {
		case e.Kind == chat.KindAdded && e.Added != nil && e.Added.User != "":
			if asked != none || has != none {
				k.Errorf("%s is given to %s although %v was asked and %v has it", k.name, e.Added.User, asked, has)
			}
			asked = e.By.ID
		case e.Kind == chat.KindWithdrawn && e.By.Role == chat.Agent:
			if e.By.ID != asked {
				k.Errorf("%s is withdrawn from %v, who was not asked", k.name, e.By)
			}
			asked = none
		case e.Kind == chat.KindJoined && e.By.Role == chat.Agent:
			if e.By.ID != asked || has != none {
				k.Errorf("%s is taken by %v, %v was asked and %v has it", k.name, e.By, asked, has)
			}
			asked, has = none, e.By.ID
		case e.Kind == chat.KindMessage && (e.Content.Text == nobodyCame || e.Content.Text == somebodyCame):
			outcomes++
			if (e.Content.Text == somebodyCame) != (has != none) {
				k.Errorf("%s: the flow says that %s, %v has the chat", k.name, e.Content.Text, has)
			}
		}
	}
	for _, m := range k.members {
		if m.role == chat.Agent && m.in != (m.id == has) {
			k.Errorf("%v: let in: %t, by the log %v has the chat", m, m.in, has)
		}
	}
	if len(k.members) > 0 && k.members[0].in && outcomes != 1 {
		k.Errorf("%s: the wait ended %d times", k.name, outcomes)
	}
}
