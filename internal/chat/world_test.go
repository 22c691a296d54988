package chat_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
)

// dawn is when every story begins.
var dawn = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)

// counter makes ids that differ, carry their time and are the same in every run.
type counter uint32

func (n *counter) id(at time.Time) chat.ID {
	*n++
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:], uint64(at.UnixMilli())<<16)
	u[6], u[8] = 0x70, 0x80 // version 7, variant 10
	binary.BigEndian.PutUint32(u[12:], uint32(*n))
	return chat.ID{UUID: u}
}

func newIDs() chat.IDs { return new(counter).id }

// world is a chat with a clock that is turned by hand, and names for its ids.
type world struct {
	t     *testing.T
	where string // the line that is played
	now   time.Time
	ids   chat.IDs
	chat  *chat.Chat
	log   []chat.Entry
	// names of participants (Jane), messages (m1) and other entries (#7), by id and back.
	names map[chat.ID]string
	known map[string]chat.ID
	// newcomer is the name for whom the current command lets in.
	newcomer string
	// answers are the times of the ids that callers were told.
	answers map[chat.ID]time.Time
	// how many are named m1, c1, f1, s1, p1 and so on
	messages, chain, files, sessions, parts int
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, now: dawn, ids: newIDs(), names: make(map[chat.ID]string),
		known: make(map[string]chat.ID), answers: make(map[chat.ID]time.Time),
	}
	w.chat = chat.New(chat.ChatID{ID: w.ids(dawn)})
	w.chain++
	w.name("c1", w.chat.ID.ID)
	w.name("nobody", w.ids(dawn))
	w.name("nothing", w.ids(dawn))
	return w
}

func (w *world) name(name string, id chat.ID) {
	if _, taken := w.known[name]; taken {
		w.t.Fatalf("%s: the story already has something named %q", w.where, name)
	}
	w.names[id], w.known[name] = name, id
}

// id finds what a name in a story stands for.
func (w *world) id(name string) chat.ID {
	id, ok := w.known[name]
	if !ok {
		w.t.Fatalf("%s: nothing in the story so far is named %q", w.where, name)
	}
	return id
}

func (w *world) participant(name string) chat.ParticipantID {
	return chat.ParticipantID{ID: w.id(name)}
}

// do decides a command as a node does, and shows what it leads to.
func (w *world) do(cmd chat.Command) []string {
	before := state(w.chat)
	out, err := chat.Decide(w.chat, cmd, w.now, w.ids)
	summaries := w.chat.SummariesAfter(out.Entries)
	if summaries == nil {
		summaries = w.chat.Summaries()
	}
	if state(w.chat) != before {
		w.t.Errorf("%s: Decide or SummariesAfter changed the chat", w.where)
	}
	if err != nil {
		w.newcomer = ""
		return []string{refused(w.t, err)}
	}
	w.chat.Apply(out.Entries...)
	w.chat.Keep(out)
	w.log = append(w.log, out.Entries...)
	if got := w.chat.Summaries(); !foretold(summaries, got) {
		w.t.Errorf("%s: SummariesAfter foretold %+v, and it became %+v", w.where, summaries, got)
	}
	return w.show(cmd, out)
}

// show renders an outcome and gives names to what is new in it.
func (w *world) show(cmd chat.Command, out chat.Outcome) (lines []string) {
	switch cmd := cmd.(type) {
	case chat.Start:
		if !out.Repeated {
			w.name(w.newcomer, out.ID)
		}
		w.newcomer = ""
	case chat.SendPart:
		switch {
		case out.Repeated:
			return append(lines, "ok, as "+w.names[out.ID])
		case cmd.ID.IsZero():
			w.parts++
			w.name(fmt.Sprintf("p%d", w.parts), out.ID)
		}
	}
	for i := range out.Entries {
		lines = append(lines, w.entry(&out.Entries[i]))
	}
	for i := range out.Signals {
		s := &out.Signals[i]
		lines = append(lines, w.signal(s))
		if s.ID != out.ID || s.At != out.At {
			w.t.Errorf("%s: the signal's Id and time are not what the sender is told", w.where)
		}
	}
	for i := range out.Jobs {
		lines = append(lines, w.job(&out.Jobs[i]))
	}
	if out.Provider != "" {
		lines = append(lines, "provider "+out.Provider)
	}
	w.newcomer = ""
	if name := w.names[out.ID]; w.known["p1"] != (chat.ID{}) && strings.HasPrefix(name, "p") {
		return lines // the Id of a message in parts is told again and again
	}
	return append(lines, w.answer(out)...)
}

// answer shows what the caller is told, where the entries don't say it already.
func (w *world) answer(out chat.Outcome) []string {
	first, seen := w.answers[out.ID]
	w.answers[out.ID] = out.At
	if seen && !first.Equal(out.At) {
		w.t.Errorf("%s: the same Id is told with the times %v and %v", w.where, first, out.At)
	}
	if seen && len(out.Entries)+len(out.Signals) > 0 {
		w.t.Errorf("%s: an answer was repeated, yet something happened", w.where)
	}
	switch name := w.names[out.ID]; {
	case seen && name != "":
		return []string{"ok, as " + name}
	case seen:
		return []string{"ok, as at " + clock(out.At)}
	case name != "" && len(out.Entries) == 0:
		return []string{"ok, the Id is that of " + name}
	case len(out.Entries)+len(out.Signals) == 0:
		return []string{"ok"}
	}
	return nil
}

// status shows the chat as far as its exported side tells of it.
func (w *world) status() []string {
	lines := strings.FieldsFunc(state(w.chat), func(r rune) bool { return r == '\n' })
	for m := 1; m <= w.messages; m++ {
		name := fmt.Sprintf("m%d", m)
		for _, r := range w.chat.Receipts(w.known[name]) {
			lines = append(lines, fmt.Sprintf("%s %s %s", name, w.names[r.By.ID], receipt(r.Receipt)))
		}
	}
	return lines
}

// refused shows a refusal by the name of its reason.
func refused(t *testing.T, err error) string {
	r, ok := errors.AsType[*chat.Refusal](err)
	if !ok {
		t.Fatalf("%v is a %T, want a *Refusal", err, err)
	}
	return fmt.Sprintf("refused %s: %v", reasons[r.Reason], err)
}

var reasons = map[chat.Reason]string{
	chat.Ended: "Ended", chat.UnknownParticipant: "UnknownParticipant", chat.NotPresent: "NotPresent",
	chat.Silent: "Silent", chat.BadContent: "BadContent", chat.UnsupportedContentType: "UnsupportedContentType",
	chat.UnknownItem: "UnknownItem", chat.ReceiptsOff: "ReceiptsOff", chat.WrongState: "WrongState", chat.TooMany: "TooMany",
	chat.TooLate: "TooLate", chat.QuotaExceeded: "QuotaExceeded", chat.AlreadyDone: "AlreadyDone",
}

// clock shows a time as what has passed since the beginning.
func clock(t time.Time) string { return t.Sub(dawn).String() }

func short(contentType string) string { return strings.TrimPrefix(contentType, chat.EventPrefix) }

func receipt(r chat.Receipt) string {
	s := "delivered " + clock(r.Delivered)
	if !r.Read.IsZero() {
		s += " read " + clock(r.Read)
	}
	return s
}
