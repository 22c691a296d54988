package chat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/parley-chat/parley/internal/chat"
)

// state checks what must be true of every chat at any time.
func (w *walk) state() error {
	c := w.chat
	count := func(at chat.Presence, roles ...chat.Role) (n int) {
		for p := range c.Participants() {
			for _, r := range roles {
				if p.Role == r && p.Presence == at {
					n++
				}
			}
		}
		return n
	}
	agents, bots, heard := count(chat.Present, chat.Agent), count(chat.Present, chat.CustomBot), count(chat.Present, chat.Supervisor)
	switch {
	case agents+bots+count(chat.Present, chat.Customer) > chat.MaxParticipants:
		return fmt.Errorf("%d agents and %d bots are in the chat", agents, bots)
	case bots+count(chat.Invited, chat.CustomBot) > 1, bots > 0 && agents > 0:
		return fmt.Errorf("%d bots, with %d agents", bots, agents)
	case heard > 1, heard+count(chat.Invited, chat.Supervisor) > chat.MaxSupervisors:
		return fmt.Errorf("%d supervisors are heard", heard)
	case c.Ended() == !c.Deadline().IsZero():
		return fmt.Errorf("ended %t, with the deadline %v", c.Ended(), c.Deadline())
	}
	if err := w.deadline(); err != nil {
		return err
	}
	return w.chain()
}

// deadline checks that the stored row, which is only written when it has to be, is not
// later than the chat.
func (w *walk) deadline() error {
	for _, row := range w.rows {
		if due := w.chat.Deadline(); row.Contact == w.chat.Contact && (row.Deadline.After(due) || row.Deadline.IsZero() != due.IsZero()) {
			return fmt.Errorf("the row says %v, and the chat is due at %v", row.Deadline, due)
		}
	}
	return nil
}

// chain checks the contacts: one of the chain goes on, after those before it; a
// participant's own one goes on for as long as the participant is there. All end with the
// chat.
func (w *walk) chain() error {
	c := w.chat
	var before chat.ContactID
	for k := range c.Contacts() {
		goes := k.Ended.IsZero()
		switch p := c.Participant(k.Of); {
		case goes && c.Ended():
			return fmt.Errorf("the contact %v goes on after the end", k.ID)
		case goes == (k.Cause != ""), !goes && k.Ended.Before(k.Began):
			return fmt.Errorf("the contact %v ended %v, %q", k.ID, k.Ended, k.Cause)
		case p != nil && (p.Contact != k.ID || !c.Ended() && goes != (p.Presence != chat.Gone)):
			return fmt.Errorf("the contact of %+v goes on: %t", p, goes)
		case p == nil && (k.Previous != before || !c.Ended() && goes != (k.ID == c.Contact)):
			return fmt.Errorf("the contact %v follows %v, goes on: %t", k.ID, k.Previous, goes)
		case p == nil:
			before = k.ID
		}
	}
	if before != c.Contact {
		return fmt.Errorf("the last contact is %v, and the current one %v", before, c.Contact)
	}
	return nil
}

// alone leaves the chat to itself: it comes to its end, and every Tick when it is due does
// something.
func (w *walk) alone() error {
	for range 500 {
		if w.chat.Ended() {
			return nil
		}
		w.now = w.chat.Deadline()
		out, err := chat.Decide(w.chat, chat.Tick{}, w.now, w.count.id)
		if err != nil || len(out.Entries) == 0 {
			return fmt.Errorf("a tick at the deadline %v leads to %+v, %v", w.now, out, err)
		}
		if err := w.accept(chat.Tick{}, out); err != nil {
			return err
		}
	}
	return errors.New("the chat goes on for ever")
}

// finish checks that deciding changed nothing, and that the stored log gives the
// same chat to whoever loads it.
func (w *walk) finish() error {
	if !reflect.DeepEqual(w.chat, w.twin) {
		return errors.New("Decide or SummariesAfter changed the chat")
	}
	log := w.log
	if w.rand.IntN(20) == 0 { // JSON takes longer than all the rest
		var err error
		if log, err = stored(w.log); err != nil {
			return err
		}
	}
	loaded := chat.New(w.chat.ID)
	for _, e := range log {
		loaded.Apply(e)
	}
	if a, b := w.chat.WithoutAnswers(), loaded.WithoutAnswers(); !reflect.DeepEqual(a, b) {
		return fmt.Errorf("the log replays to %+v, want %+v", b, a)
	}
	return nil
}

// stored gives the entries as they come back from their JSON, which must be as they were.
func stored(log []chat.Entry) (back []chat.Entry, err error) {
	for _, e := range log {
		body, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		again := chat.Entry{Seq: e.Seq, ID: e.ID, At: e.At} // these three are columns
		if err := json.Unmarshal(body, &again); err != nil || !reflect.DeepEqual(e, again) {
			return nil, fmt.Errorf("%s came back as %+v, %v", body, again, err)
		}
		back = append(back, again)
	}
	return back, nil
}
