package node_test

import (
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// check compares with the logs what everybody was told.
func (s *sim) check() {
	for _, c := range s.chats {
		log := s.log(c.id)
		s.checkLog(log)
		for _, r := range c.requests {
			is := func(e chat.Entry) bool { return e.ID == r.id && e.At.Equal(r.at) }
			if r.answered && !slices.ContainsFunc(log, is) {
				s.Errorf("%+v was answered with %v at %v, which is not in the log", r.cmd, r.id, r.at)
			}
		}
		for _, w := range c.watchers {
			s.checkWatcher(w, log, c.due)
		}
		s.checkDeadline(c.id, log)
	}
}

// checkWatcher wants a watcher to have got all entries in order, up to one that is due
// at least.
func (s *sim) checkWatcher(w *simWatcher, log []chat.Entry, due int64) {
	got := append(w.missed, w.got()...)
	for i, e := range got {
		if want := w.opened + 1 + int64(i); e.Seq != want || log[want-1].ID != e.ID {
			s.Errorf("a watcher got Seq %d, want %d", e.Seq, want)
		}
	}
	if w.after > w.from {
		s.Errorf("a watcher who came after %d began with %d", w.from, w.after+1)
	}
	if !w.parted && (len(got) == 0 || got[len(got)-1].Seq < due) {
		s.Errorf("a watcher who came after %d did not get entry %d", w.from, due)
	}
}

// checkDeadline wants the node whose clock is fastest to have kept the deadline.
func (s *sim) checkDeadline(id chat.ChatID, log []chat.Entry) {
	c := chat.New(id)
	c.Apply(log...)
	for _, clock := range s.clocks {
		polled := clock.Now().Add(-node.PollEvery)
		if due := c.Deadline(); !due.IsZero() && !due.After(polled) {
			s.Errorf("the deadline %v was not kept by %v", due, polled)
		}
	}
}

func (s *sim) checkLog(log []chat.Entry) {
	tokens, over := make(map[string]bool), false
	for i, e := range log {
		if e.Seq != int64(i)+1 || i > 0 && !e.At.After(log[i-1].At) {
			s.Errorf("entry %d has Seq %d and time %v", i+1, e.Seq, e.At)
		}
		if sec, nsec := e.ID.Time().UnixTime(); e.Visible() && time.Unix(sec, nsec).UnixMilli() != e.At.UnixMilli() {
			s.Errorf("item %v has the time %v", e.ID, e.At) // and so ids never run backwards
		}
		if e.Visible() && over {
			s.Errorf("entry %d is visible after the end", e.Seq)
		}
		over = over || e.Kind == chat.KindEnded
		if e.Token != "" && tokens[e.Token] {
			s.Errorf("entry %d has the ClientToken %q for the second time", e.Seq, e.Token)
		}
		tokens[e.Token] = true
	}
}
