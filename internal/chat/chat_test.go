package chat_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// must decides a command that can't be refused, and applies it.
func must(t *testing.T, c *chat.Chat, cmd chat.Command, ids chat.IDs) chat.Outcome {
	t.Helper()
	out, err := chat.Decide(c, cmd, dawn, ids)
	if err != nil {
		t.Fatalf("%T: %v", cmd, err)
	}
	c.Apply(out.Entries...)
	return out
}

// started gives a chat whose customer, of the id returned, has connected.
func started(t *testing.T, set chat.Settings) (*chat.Chat, chat.ParticipantID, chat.IDs) {
	ids := newIDs()
	c := chat.New(chat.ChatID{ID: ids(dawn)})
	by := chat.ParticipantID{ID: must(t, c, chat.Start{Settings: set}, ids).ID}
	must(t, c, chat.Connect{By: by}, ids)
	return c, by, ids
}

func TestParseID(t *testing.T) {
	const plain = "01960b2a-7c00-7000-8000-00000000002a"
	for in, want := range map[string]string{
		plain:                      plain,
		strings.ToUpper(plain):     plain,
		"":                         "",
		plain[:35]:                 "",
		plain + "0":                "",
		"{" + plain + "}":          "",
		"urn:uuid:" + plain:        "",
		strings.Repeat("0", 36):    "",
		plain[:35] + "g":           "",
		"01960b2a7c0070008000ffff": "",
	} {
		id, err := chat.ParseID(in)
		if got := id.String(); want != "" && (err != nil || got != want) {
			t.Errorf("ParseID(%q) = %s, %v, want %s", in, got, err, want)
		}
		if want == "" && (err == nil || !id.IsZero()) {
			t.Errorf("ParseID(%q) = %s, want an error", in, id)
		}
	}
}

func TestReasonsAreNamed(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range chat.Reasons() {
		name := reasons[r]
		if name == "" || seen[name] {
			t.Errorf("reason %d has no name of its own in this test", r)
		}
		seen[name] = true
	}
	if len(seen) != len(reasons) {
		t.Errorf("Reasons lists %d of %d reasons", len(seen), len(reasons))
	}
}

// What is sent and what is kept in the transcript (semantics.md 2.6).
func TestVisibility(t *testing.T) {
	for kind, want := range map[chat.Kind][2]bool{ // visible, delivered
		chat.KindStarted: {}, chat.KindAdded: {}, chat.KindWithdrawn: {}, chat.KindQueued: {}, chat.KindAttributes: {},
		chat.KindJoined: {true, true}, chat.KindLeft: {true, true}, chat.KindMessage: {true, true}, chat.KindEnded: {true, true},
		chat.KindReceipt: {false, true},
		"unheard of":     {},
	} {
		e := chat.Entry{Kind: kind}
		if got := [2]bool{e.Visible(), e.Delivered()}; got != want {
			t.Errorf("%s: visible, delivered = %v, want %v", kind, got, want)
		}
	}
}

// A node of the next version may write entries that this one has never heard of.
func TestApplyUnknownKind(t *testing.T) {
	c, by, ids := started(t, chat.Settings{})
	at := c.Last.Add(time.Second)
	c.Apply(chat.Entry{Seq: c.Seq + 1, ID: ids(at), At: at, Kind: "unheard of", Token: "x", By: &chat.Author{ID: by}})
	out := must(t, c, chat.SendMessage{By: by, Token: "x", Content: chat.Content{Type: chat.TypePlain, Text: "hi"}}, ids)
	if out.Repeated || c.Seq != 4 || !c.Last.Equal(at.Add(time.Millisecond)) {
		t.Errorf("seq %d at %v, want the message to be entry 4, after %v", c.Seq, c.Last, at)
	}
}

func TestAttributesLimit(t *testing.T) {
	// of is a map whose keys and values have n bytes.
	of := func(key string, n int) map[string]string {
		return map[string]string{key: strings.Repeat("x", n-len(key))}
	}
	for _, tt := range []struct {
		name      string
		had, give map[string]string
		ok        bool
	}{
		{"all of it", nil, of("a", chat.MaxAttributes), true},
		{"one too many", nil, of("a", chat.MaxAttributes+1), false},
		{"together", of("a", 1000), of("b", chat.MaxAttributes-1000), true},
		{"together one too many", of("a", 1000), of("b", chat.MaxAttributes-999), false},
		{"what is replaced does not count", of("a", 1000), of("a", chat.MaxAttributes), true},
		{"bytes count, not characters", nil, map[string]string{"a": strings.Repeat("é", chat.MaxAttributes/2)}, false},
		{"room is made", of("a", chat.MaxAttributes), map[string]string{"a": "", "b": "x"}, true},
	} {
		c, _, ids := started(t, chat.Settings{Attributes: tt.had})
		_, err := chat.Decide(c, chat.UpdateAttributes{Attributes: tt.give}, dawn, ids)
		if r, _ := errors.AsType[*chat.Refusal](err); (err == nil) != tt.ok || !tt.ok && r.Reason != chat.BadContent {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestStart(t *testing.T) {
	given := chat.Settings{
		Instance: "i", FlowID: "f", Customer: chat.Author{Name: "Jane"}, Minutes: 60, CustomerID: "c-1",
		ContentTypes: []string{chat.TypePlain, chat.TypeJSON}, Attributes: map[string]string{"a": "b"},
		Persistent: &chat.Persistent{Rehydration: "FROM_SEGMENT", Source: "s"}, RelatedContact: "r",
		SegmentAttributes:        map[string]string{"connect:Subtype": "connect:Guide"},
		DisconnectOnCustomerExit: []chat.Role{chat.Agent}, ResponseMode: "COMPLETE",
	}
	c, by, _ := started(t, given)
	want := given
	want.Customer = chat.Author{ID: by, Role: chat.Customer, Name: "Jane"}
	want.System = c.Settings.System
	if !reflect.DeepEqual(c.Settings, want) {
		t.Errorf("settings became %+v, want %+v", c.Settings, want)
	}
	if s := c.Settings.System; s.ID.IsZero() || s.ID == by || s.Role != chat.System || s.Name != "SYSTEM_MESSAGE" {
		t.Errorf("the system's author is %+v", s)
	}
	if c.Contact != c.ID.FirstContact() {
		t.Errorf("the first contact is %v, want the chat's id %v", c.Contact, c.ID)
	}
	given.Attributes["a"] = "changed by the caller afterwards"
	if c.Attributes["a"] != "b" {
		t.Error("the chat shares its attributes with the caller")
	}
}

func TestStartDefaults(t *testing.T) {
	c, _, _ := started(t, chat.Settings{})
	if got := c.Settings.ContentTypes; len(got) != 1 || got[0] != chat.TypePlain {
		t.Errorf("content types %q, want text/plain", got)
	}
	if got := c.Settings.Minutes; got != chat.DefaultMinutes {
		t.Errorf("%d minutes, want %d", got, chat.DefaultMinutes)
	}
}

func TestLookups(t *testing.T) {
	c, by, ids := started(t, chat.Settings{})
	must(t, c, chat.AddParticipant{Role: chat.Agent}, ids)
	for p := range c.Participants() {
		if p.ID != by {
			t.Errorf("the first participant is %v, want the customer", p.Author)
		}
		break // an iteration may stop early
	}
	if got := c.Receipts(ids(dawn)); got != nil {
		t.Errorf("receipts of an unknown item: %v", got)
	}
	if p := c.Participant(chat.ParticipantID{}); p != nil {
		t.Errorf("found %v by the zero id", p)
	}
}

// A chat in which people type for days and say nothing does not grow.
func TestKeepForgets(t *testing.T) {
	typing := func(tokens ...string) *chat.Chat {
		c, by, _ := started(t, chat.Settings{})
		for i, token := range tokens {
			at := dawn.Add(time.Duration(i) * (chat.TokenWindow + time.Second))
			ids := func(time.Time) chat.ID { return c.ID.ID }
			out, err := chat.Decide(c, chat.SendEvent{By: by, Type: chat.EventTyping, Token: token}, at, ids)
			if err != nil {
				t.Fatal(err)
			}
			c.Keep(out)
		}
		return c
	}
	got, want := typing("a", "b"), typing("", "b")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("an hour after it was kept, an answer is still there: %+v, want %+v", got, want)
	}
}
