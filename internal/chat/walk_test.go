package chat_test

import (
	"encoding/json"
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
	walks := 20_000
	if testing.Short() {
		walks = 1_000
	}
	for seed := range uint64(walks) {
		w := newWalk(seed)
		for range 25 {
			if err := w.step(); err != nil {
				t.Fatalf("seed %d, after %v: %v", seed, w.done, err)
			}
		}
		if err := w.finish(); err != nil {
			t.Fatalf("seed %d, after %v: %v", seed, w.done, err)
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
	ended       bool
	receipts    map[[2]chat.ID]chat.Receipt
	// requests are the answers to requests with a ClientToken.
	requests map[chat.Command]chat.Outcome
	// given is when they were given, not counting repetitions.
	given map[chat.Command]time.Time
}

func newWalk(seed uint64) *walk {
	w := &walk{
		rand: rand.New(rand.NewPCG(seed, 1)), now: dawn,
		presences: make(map[chat.ParticipantID]chat.Presence),
		receipts:  make(map[[2]chat.ID]chat.Receipt), requests: make(map[chat.Command]chat.Outcome),
		given: make(map[chat.Command]time.Time),
	}
	id := chat.ChatID{ID: w.count.id(dawn)}
	w.chat, w.twin = chat.New(id), chat.New(id)
	w.people, w.items = []chat.ParticipantID{{ID: w.count.id(dawn)}}, []chat.ID{w.count.id(dawn)}
	return w
}

// one picks one of the values.
func one[T any](w *walk, of ...T) T { return of[w.rand.IntN(len(of))] }

// command makes up a command. Names, tokens and contents are few, so that they
// meet again.
func (w *walk) command() chat.Command {
	token := one(w, "", "", "x", "y")
	by, item := one(w, w.people...), one(w, w.items...)
	switch w.rand.IntN(16) {
	case 0:
		return chat.Start{Settings: w.settings()}
	case 1, 2:
		role := one(w, chat.Agent, chat.Agent, chat.Supervisor, chat.CustomBot, chat.Customer)
		return chat.AddParticipant{Role: role, Name: one(w, "Bob", "Sue"), Token: token}
	case 3, 4, 5:
		return chat.Connect{By: by, Via: one(w, chat.ViaSocket, chat.ViaRequest)}
	case 6, 7, 8:
		typ := one(w, chat.TypePlain, chat.TypePlain, chat.TypeMarkdown)
		return chat.SendMessage{By: by, Token: token, Content: chat.Content{Type: typ, Text: one(w, "a", "b")}}
	case 9, 10, 11:
		typ := one(w, chat.EventDelivered, chat.EventRead)
		return chat.SendEvent{By: by, Type: typ, Token: token, Content: fmt.Sprintf(`{"messageId":"%s"}`, item)}
	case 12:
		return chat.SendEvent{By: by, Type: one(w, chat.EventTyping, chat.EventAcknowledged), Token: token}
	case 13:
		return chat.UpdateAttributes{Attributes: map[string]string{one(w, "a", "b"): one(w, "1", "2")}}
	case 14:
		return chat.Leave{By: one(w, by, w.people[len(w.people)-1]), Token: token}
	case 15:
		if w.rand.IntN(8) == 0 {
			return chat.Stop{}
		}
	}
	return chat.Tick{}
}

func (w *walk) settings() chat.Settings {
	set := chat.Settings{
		Instance: "i", Customer: chat.Author{Name: "Jane"}, Minutes: one(w, 0, 0, 0, 3, 60),
		Flow: chat.Flow{Steps: []chat.Step{{Say: "welcome"}, {Queue: "q"}}},
	}
	if w.rand.IntN(2) == 0 {
		set.InitialMessage = &chat.Content{Type: chat.TypePlain, Text: "help"}
	}
	return set
}

// step does one command, twice to see that it decides alike, and checks what it leads to.
func (w *walk) step() error {
	w.turn(one(w, 0, 0, 300*time.Microsecond, time.Second, time.Second, -time.Second, time.Minute, 20*time.Minute))
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
	for i := range out.Entries {
		if err := w.entry(&out.Entries[i]); err != nil {
			return err
		}
	}
	if err := w.answer(cmd, out); err != nil {
		return err
	}
	return w.apply(cmd, out)
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
	case e.Kind != chat.KindAdded && e.Kind != chat.KindContact && (e.ID.Version() != 7 || !made.Equal(e.At)):
		return fmt.Errorf("the id %v was made at %v and the entry is of %v", e.ID, made, e.At)
	case w.ended && (e.Delivered() || e.Kind != chat.KindAttributes):
		return fmt.Errorf("%s follows the end", e.Kind)
	}
	if err := w.presence(e); err != nil {
		return err
	}
	switch e.Kind {
	case chat.KindMessage:
		w.items = append(w.items, e.ID)
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
	case chat.KindInvited:
		want, next = chat.Invited, chat.Invited
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

// token gives the ClientToken of a command.
func token(cmd chat.Command) string {
	switch cmd := cmd.(type) {
	case chat.SendMessage:
		return cmd.Token
	case chat.SendEvent:
		return cmd.Token
	case chat.AddParticipant:
		return cmd.Token
	case chat.Leave:
		return cmd.Token
	}
	return ""
}

// answer checks what the caller is told, against what the same request was told before.
func (w *walk) answer(cmd chat.Command, out chat.Outcome) error {
	if out.ID.IsZero() || out.At.IsZero() {
		return errors.New("the caller is told nothing")
	}
	if n := len(out.Entries); out.Repeated && n+len(out.Signals) > 0 || n > 0 && out.Entries[0].At != out.At {
		return fmt.Errorf("the answer is %+v", out)
	}
	if token(cmd) == "" {
		return nil
	}
	first, again := w.requests[cmd]
	switch same := out.ID == first.ID && out.At == first.At && len(out.Entries) == 0; {
	case again && !same && !first.At.Before(w.latest.Add(-chat.TokenWindow)):
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

// apply lets the chat and its twin move on, and checks what was foretold.
func (w *walk) apply(cmd chat.Command, out chat.Outcome) error {
	before, foretold := w.chat.Summaries(), w.chat.SummariesAfter(out.Entries)
	if foretold == nil {
		foretold = before
	}
	for _, c := range []*chat.Chat{w.chat, w.twin} {
		c.Apply(out.Entries...)
		c.Keep(out)
	}
	if got := w.chat.Summaries(); !slices.Equal(got, foretold) {
		return fmt.Errorf("SummariesAfter foretold %+v, and it became %+v", foretold, got)
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
		if len(again.Entries) > 0 {
			return fmt.Errorf("%+v repeated gives %+v", cmd, again)
		}
	}
	return nil
}

// finish checks that deciding changed nothing, and that the stored log gives the
// same chat to whoever loads it.
func (w *walk) finish() error {
	if !reflect.DeepEqual(w.chat, w.twin) {
		return errors.New("Decide or SummariesAfter changed the chat")
	}
	loaded := chat.New(w.chat.ID)
	for _, e := range w.log {
		loaded.Apply(e)
	}
	if a, b := w.exported(w.chat), w.exported(loaded); !reflect.DeepEqual(a, b) {
		return fmt.Errorf("the log replays to %+v, want %+v", b, a)
	}
	if w.rand.IntN(20) > 0 {
		return nil // JSON takes longer than all the rest
	}
	return stored(w.log)
}

// exported gathers all that can be asked of a chat.
func (w *walk) exported(c *chat.Chat) []any {
	all := []any{
		c.ID, c.Seq, c.Last, c.Contact, c.Settings, c.StartedAt, c.Attributes, slices.Collect(c.Contacts()), c.EndedAt, c.Cause,
		c.Started(), c.Ended(), c.Deadline(), c.Summaries(),
	}
	for p := range c.Participants() {
		_, refusal := c.Admit(p.ID)
		all = append(all, *p, refusal)
	}
	for _, item := range w.items {
		all = append(all, c.Receipts(item))
	}
	return all
}

// stored checks that entries come back from their JSON as they were.
func stored(log []chat.Entry) error {
	for _, e := range log {
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		back := chat.Entry{Seq: e.Seq, ID: e.ID, At: e.At} // these three are columns
		if err := json.Unmarshal(body, &back); err != nil || !reflect.DeepEqual(e, back) {
			return fmt.Errorf("%s came back as %+v, %v", body, back, err)
		}
	}
	return nil
}
