package chat_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// TestWalks takes chats through random commands, and holds every step to what must
// be true of all chats. A failure names the seed, which alone repeats the walk.
func TestWalks(t *testing.T) {
	walks := 10_000
	if testing.Short() {
		walks = 1_000
	}
	for seed := range uint64(walks) {
		w := newWalk(seed)
		for range 40 {
			if err := w.step(); err != nil {
				t.Fatalf("seed %d, after %v: %v", seed, w.done, err)
			}
		}
		for _, check := range []func() error{w.alone, w.finish} {
			if err := check(); err != nil {
				t.Fatalf("seed %d, after %v: %v", seed, w.done, err)
			}
		}
	}
}

// walk is a chat, and its twin that Decide never sees.
type walk struct {
	rand *rand.Rand
	// now is the clock of whichever node is asked, latest the most that any has shown.
	now, latest time.Time
	count       counter
	chat, twin  *chat.Chat
	log         []chat.Entry
	done        []string
	people      []chat.ParticipantID
	presences   map[chat.ParticipantID]chat.Presence
	items       []chat.ID
	contacts    []chat.ContactID
	files       []upload
	parts       []chat.ID
	session     chat.ID
	// seen are all ids of entries; rows are what is stored.
	seen     map[chat.ID]bool
	rows     []chat.Summary
	ended    bool
	exits    bool // what follows the conversation has begun
	receipts map[[2]chat.ID]chat.Receipt
	// requests are the answers to requests with a ClientToken.
	requests map[chat.Command]chat.Outcome
	// given is when they were given, not counting repetitions.
	given map[chat.Command]time.Time
}

// upload is a file, and whose it is.
type upload struct {
	chat.ID
	by chat.ParticipantID
}

func newWalk(seed uint64) *walk {
	w := &walk{
		rand: rand.New(rand.NewPCG(seed, 1)), now: dawn,
		presences: make(map[chat.ParticipantID]chat.Presence), seen: make(map[chat.ID]bool),
		receipts: make(map[[2]chat.ID]chat.Receipt), requests: make(map[chat.Command]chat.Outcome),
		given: make(map[chat.Command]time.Time),
	}
	id := chat.ChatID{ID: w.count.id(dawn)}
	w.chat, w.twin = chat.New(id), chat.New(id)
	w.people, w.items = []chat.ParticipantID{{ID: w.count.id(dawn)}}, []chat.ID{w.count.id(dawn)}
	w.contacts, w.files = []chat.ContactID{id.FirstContact()}, []upload{{ID: w.count.id(dawn), by: w.people[0]}}
	return w
}

// one picks one of the values.
func one[T any](w *walk, of ...T) T { return of[w.rand.IntN(len(of))] }

// step does one command, twice to see that it decides alike, and checks what it leads to.
func (w *walk) step() error {
	w.turn(one(w, patience...))
	cmd := w.command()
	switch {
	case !w.chat.Started():
		cmd = chat.Start{Settings: w.settings()}
	case len(w.done) == 1 && w.rand.IntN(4) > 0: // else most customers come too late
		w.now = w.chat.Last
		cmd = chat.Connect{By: w.chat.Settings.Customer.ID}
	}
	w.done = append(w.done, fmt.Sprintf("%T", cmd)[5:])
	count := w.count
	out, err := chat.Decide(w.chat, cmd, w.now, w.count.id)
	if same, _ := chat.Decide(w.chat, cmd, w.now, count.id); !reflect.DeepEqual(same, out) {
		return fmt.Errorf("decided %+v and then %+v", out, same)
	}
	if r, ok := errors.AsType[*chat.Refusal](err); err != nil {
		if !ok || reasons[r.Reason] == "" || r.Detail == "" {
			return fmt.Errorf("refused with %#v", err)
		}
		return nil
	}
	return w.accept(cmd, out)
}

// accept checks what a command leads to, and lets it become true.
func (w *walk) accept(cmd chat.Command, out chat.Outcome) error {
	for i := range out.Entries {
		if err := w.entry(&out.Entries[i]); err != nil {
			return err
		}
	}
	if part, ok := cmd.(chat.SendPart); ok && part.ID.IsZero() {
		w.parts = append(w.parts, out.ID)
	}
	if err := w.answer(cmd, out); err != nil {
		return err
	}
	if err := w.apply(cmd, out); err != nil {
		return err
	}
	for i := range out.Entries {
		if e := &out.Entries[i]; w.chat.Find(e.Contact) == nil {
			return fmt.Errorf("the contact of %+v is not known", e)
		}
	}
	return w.state()
}

// turn turns the clock.
func (w *walk) turn(d time.Duration) {
	w.now = w.now.Add(d)
	for _, t := range []time.Time{w.now, w.chat.Last} {
		if t.After(w.latest) {
			w.latest = t
		}
	}
}

// entry checks one new entry against all before it.
func (w *walk) entry(e *chat.Entry) error {
	var last chat.Entry
	if n := len(w.log); n > 0 {
		last = w.log[n-1]
	}
	w.log = append(w.log, *e)
	sec, nsec := e.ID.Time().UnixTime()
	switch made := time.Unix(sec, nsec); {
	case e.Seq != last.Seq+1:
		return fmt.Errorf("seq %d follows %d", e.Seq, last.Seq)
	case !e.At.After(last.At) || e.At.Nanosecond()%1e6 != 0 || e.At.Location() != time.UTC:
		return fmt.Errorf("the time %v follows %v", e.At, last.At)
	case w.seen[e.ID]:
		return fmt.Errorf("the id %v is not new", e.ID)
	case e.ID.Version() != 7 || made.After(e.At) || !earlier[e.Kind] && !made.Equal(e.At):
		return fmt.Errorf("the id %v was made at %v and the entry is of %v", e.ID, made, e.At)
	case w.ended && e.Kind != chat.KindAttributes && e.Kind != chat.KindDescribed:
		return fmt.Errorf("%s follows the end", e.Kind)
	}
	w.seen[e.ID] = true
	if err := w.presence(e); err != nil {
		return err
	}
	switch e.Kind {
	case chat.KindMessage, chat.KindAttachment:
		w.items = append(w.items, e.ID)
	case chat.KindContact:
		w.contacts = append(w.contacts, e.Segment.ID)
		w.exits = w.exits || e.Segment.Method == chat.MethodDisconnect
	case chat.KindStepped:
		if exit := w.chat.Settings.Flow.Exit; exit > 0 && e.Step.Index >= exit && !w.exits {
			return fmt.Errorf("the step %d, which follows the conversation, comes before its end", e.Step.Index)
		}
	case chat.KindUpload:
		w.files = append(w.files, upload{e.File.ID, e.By.ID})
	case chat.KindAuthentication:
		w.session = e.Auth.Session
	case chat.KindAdded:
		w.people = append(w.people, e.By.ID)
	case chat.KindStarted:
		w.people = append(w.people, e.Started.Customer.ID)
	case chat.KindEnded:
		w.ended = true
	case chat.KindReceipt:
		return w.receipt(e)
	}
	return nil
}

// earlier are the kinds of entry whose id may have been made before them: that of a
// participant, a contact, a file, and of a message that was sent in parts.
var earlier = map[chat.Kind]bool{chat.KindAdded: true, chat.KindContact: true, chat.KindUpload: true, chat.KindMessage: true}

// presence checks that people come, are heard and go in this order, and once.
func (w *walk) presence(e *chat.Entry) error {
	if e.By == nil || e.By.Role == chat.System {
		return nil
	}
	want, next := chat.Present, chat.Present
	switch e.Kind {
	case chat.KindAdded:
		want, next = chat.Invited, chat.Invited
	case chat.KindJoined:
		want = chat.Invited
	case chat.KindInvited, chat.KindNotTransferred:
		want, next = chat.Invited, chat.Invited
	case chat.KindScanning, chat.KindAttachment, chat.KindDiscarding, chat.KindDiscarded: // of somebody who may have left
		return nil
	case chat.KindWatching:
		next = chat.Invited
	case chat.KindLeft:
		next = chat.Gone
	case chat.KindWithdrawn:
		want, next = chat.Invited, chat.Gone
	}
	if was := w.presences[e.By.ID]; was != want {
		return fmt.Errorf("%s of a participant who is %s", e.Kind, presences[was])
	}
	w.presences[e.By.ID] = next
	return nil
}

// receipt checks that receipts only ever gain, and keep what they had.
func (w *walk) receipt(e *chat.Entry) error {
	key := [2]chat.ID{e.Receipt.Item, e.By.ID.ID}
	had, r := w.receipts[key], *e.Receipt
	w.receipts[key] = r
	switch {
	case r.Delivered.IsZero() || r.Read.Before(r.Delivered) && !r.Read.IsZero():
		return fmt.Errorf("the receipt %+v is out of order", r)
	case !had.Delivered.IsZero() && !had.Delivered.Equal(r.Delivered), !had.Read.IsZero():
		return fmt.Errorf("the receipt %+v became %+v", had, r)
	case had.Delivered.IsZero() && r.Delivered != e.At, !r.Read.IsZero() && r.Read != e.At:
		return fmt.Errorf("the receipt %+v is not of its entry's time %v", r, e.At)
	}
	return nil
}

// answer checks what the caller is told, against what the same request was told before.
func (w *walk) answer(cmd chat.Command, out chat.Outcome) error {
	if out.ID.IsZero() || out.At.IsZero() {
		return errors.New("the caller is told nothing")
	}
	n := len(out.Entries)
	told := slices.ContainsFunc(out.Entries, func(e chat.Entry) bool { return e.At.Equal(out.At) })
	if out.Repeated && n+len(out.Signals) > 0 || n > 0 && !told {
		return fmt.Errorf("the answer is %+v", out)
	}
	if token(cmd) == "" {
		return nil
	}
	cmd = request(cmd)
	first, again := w.requests[cmd]
	switch same := out.ID == first.ID && out.At == first.At && len(out.Entries) == 0; {
	case again && !same && !first.At.Before(w.latest.Add(-window(cmd))):
		return fmt.Errorf("%+v was answered %+v and is now %+v", cmd, first, out)
	case again && out.Repeated && w.given[cmd].Before(w.now.Truncate(time.Millisecond).Add(-chat.TokenWindow)):
		return fmt.Errorf("%+v was answered %+v too long ago to be repeated", cmd, first)
	case !same:
		w.requests[cmd] = out
	}
	if !out.Repeated {
		// By the chat's time, which may be ahead of the clock.
		w.given[cmd] = slices.MaxFunc([]time.Time{w.now, w.latest, out.At}, time.Time.Compare)
	}
	return nil
}

// window is how long a repetition must be answered alike. A file that was begun, and that
// nobody may complete any more, is begun anew.
func window(cmd chat.Command) time.Duration {
	if _, begins := cmd.(chat.StartUpload); begins {
		return 2*chat.UploadWithin - time.Millisecond
	}
	return chat.TokenWindow
}

// apply lets the chat and its twin move on, and checks what was foretold.
func (w *walk) apply(cmd chat.Command, out chat.Outcome) error {
	rows, overdue := w.chat.SummariesAfter(out.Entries), w.chat.Overdue(w.now)
	if _, ticks := cmd.(chat.Tick); ticks {
		if overdue && len(out.Entries) == 0 {
			return errors.New("the chat is overdue, and a tick does nothing")
		}
		if rows == nil {
			rows = w.chat.Summaries()
		}
	}
	if rows != nil {
		w.rows = rows
	}
	for _, c := range []*chat.Chat{w.chat, w.twin} {
		c.Apply(out.Entries...)
		c.Keep(out)
	}
	if got := w.chat.Summaries(); !foretold(w.rows, got) {
		return fmt.Errorf("SummariesAfter foretold %+v, and it became %+v", w.rows, got)
	}
	if token(cmd) == "" && len(out.Entries) == 0 {
		return nil
	}
	// Whatever was just done, doing it again does nothing where the rules say so.
	again, err := chat.Decide(w.chat, cmd, w.now, w.count.id)
	if token(cmd) != "" && (err != nil || again.ID != out.ID || again.At != out.At || len(again.Entries) > 0) {
		return fmt.Errorf("%+v repeated gives %+v, %v; it gave %+v", cmd, again, err, out)
	}
	switch cmd.(type) {
	case chat.Start, chat.Connect, chat.Stop, chat.Tick:
		if len(again.Entries) > 0 && !w.chat.Overdue(w.chat.Last) {
			return fmt.Errorf("%+v repeated gives %+v", cmd, again)
		}
	}
	return nil
}
