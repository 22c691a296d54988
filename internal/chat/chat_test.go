package chat_test

import (
	"errors"
	"reflect"
	"slices"
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

// AppendText writes what MarshalText does.
func TestAppendText(t *testing.T) {
	id := newIDs()(dawn)
	got, err := id.AppendText([]byte("id "))
	if want := "id " + id.String(); err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
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
	const neither, sent, item = 0, 1, 2
	for kind, want := range map[chat.Kind]int{
		chat.KindStarted: neither, chat.KindContact: neither, chat.KindAdded: neither, chat.KindWithdrawn: neither,
		chat.KindQueued: neither, chat.KindStepped: neither, chat.KindAttributes: neither, chat.KindDescribed: neither,
		chat.KindTimers: neither, chat.KindUpload: neither, chat.KindScanning: neither, chat.KindDiscarding: neither,
		chat.KindDiscarded: neither, chat.KindLost: neither, chat.KindFound: neither, "unheard of": neither,
		chat.KindReceipt: sent, chat.KindIdle: sent, chat.KindReturned: sent, chat.KindAutoDisconnect: sent,
		chat.KindRenamed: sent, chat.KindRehydrated: sent,
		chat.KindInvited: item, chat.KindJoined: item, chat.KindLeft: item, chat.KindWatching: item,
		chat.KindTransferred: item, chat.KindNotTransferred: item, chat.KindMessage: item, chat.KindAttachment: item,
		chat.KindEnded: item,
	} {
		e := chat.Entry{Kind: kind}
		if e.Visible() != (want == item) || e.Delivered() != (want >= sent) {
			t.Errorf("%s: visible %t, delivered %t", kind, e.Visible(), e.Delivered())
		}
	}
	for state, told := range map[chat.AuthState]bool{
		chat.AuthInitiated: true, chat.AuthURL: false, chat.AuthCode: false, chat.AuthSucceeded: true, chat.AuthFailed: true,
		chat.AuthTimeout: true, chat.AuthExpired: true, chat.AuthCancelled: true,
	} {
		e := chat.Entry{Kind: chat.KindAuthentication, Auth: &chat.Authentication{State: state}}
		if e.Visible() || e.Delivered() != told {
			t.Errorf("authentication %s: visible %t, delivered %t", state, e.Visible(), e.Delivered())
		}
	}
}

// Who is sent what (semantics.md 2.6, 2.7).
func TestFor(t *testing.T) {
	ids := newIDs()
	some := func() chat.ParticipantID { return chat.ParticipantID{ID: ids(dawn)} }
	author, newcomer := some(), some()
	by := &chat.Author{ID: author}
	roles := []chat.Role{chat.Customer, chat.Agent, chat.Supervisor, chat.CustomBot}
	for name, tt := range map[string]struct {
		entry chat.Entry
		to    []chat.Role
	}{
		"everybody":       {chat.Entry{Kind: chat.KindMessage, By: by}, roles},
		"nobody's":        {chat.Entry{Kind: chat.KindEnded}, roles},
		"the customer":    {chat.Entry{Kind: chat.KindMessage, By: by, To: chat.ToCustomer}, []chat.Role{chat.Customer, chat.Supervisor}},
		"agents":          {chat.Entry{Kind: chat.KindMessage, By: by, To: chat.ToAgent}, []chat.Role{chat.Agent, chat.Supervisor}},
		"a transfer":      {chat.Entry{Kind: chat.KindTransferred, By: by, Except: newcomer}, []chat.Role{chat.Customer, chat.Agent, chat.CustomBot}},
		"a failed one":    {chat.Entry{Kind: chat.KindNotTransferred, By: by}, roles},
		"a supervisor's":  {chat.Entry{Kind: chat.KindJoined, By: &chat.Author{ID: author, Role: chat.Supervisor}}, roles},
		"an unknown one":  {chat.Entry{Kind: chat.KindMessage, By: by, To: "EVERYBODY"}, roles},
		"an idle one":     {chat.Entry{Kind: chat.KindIdle, By: by}, roles},
		"a receipt's too": {chat.Entry{Kind: chat.KindReceipt, By: by, To: chat.ToAgent}, []chat.Role{chat.Agent, chat.Supervisor}},
	} {
		for _, r := range roles {
			if got, want := tt.entry.For(some(), r), slices.Contains(tt.to, r); got != want {
				t.Errorf("%s: for a %s: %t, want %t", name, r, got, want)
			}
			if tt.entry.By != nil && !tt.entry.For(author, r) {
				t.Errorf("%s: its author, a %s, is not sent it", name, r)
			}
		}
		if got := tt.entry.For(newcomer, chat.Agent); got != (slices.Contains(tt.to, chat.Agent) && tt.entry.Kind != chat.KindTransferred) {
			t.Errorf("%s: who takes over: %t", name, got)
		}
	}
}

func TestOverdue(t *testing.T) {
	c := chat.New(chat.ChatID{})
	if c.Overdue(dawn) || !c.Deadline().IsZero() {
		t.Error("a chat that was not started is overdue")
	}
	c, _, _ = started(t, chat.Settings{Minutes: 60})
	for after, want := range map[time.Duration]bool{
		0: false, time.Hour - time.Millisecond: false, time.Hour: true, 2 * time.Hour: true,
	} {
		if got := c.Overdue(dawn.Add(after)); got != want {
			t.Errorf("after %s: overdue %t, want %t", after, got, want)
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
		// What a flow sets, nobody is told of.
		c, _, _ = started(t, chat.Settings{Attributes: tt.had, Flow: chat.Flow{Steps: []chat.Step{{Set: tt.give}}}})
		for key, value := range tt.give {
			if set := c.Attributes[key] == value; set != tt.ok {
				t.Errorf("%s, of a flow: the attribute %s was set: %v", tt.name, key, set)
			}
		}
	}
}

func TestStart(t *testing.T) {
	given := chat.Settings{
		Instance: "i", FlowID: "f", Customer: chat.Author{Name: "Jane"}, Minutes: 60, CustomerID: "c-1",
		ContentTypes: []string{chat.TypePlain, chat.TypeJSON}, Attributes: map[string]string{"a": "b"},
		RelatedContact:           "r",
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

// What is moved along with a chat is what somebody can get, or may yet get.
func TestKept(t *testing.T) {
	c, jane, ids := started(t, chat.Settings{})
	upload := func() chat.ID {
		return must(t, c, chat.StartUpload{By: jane, File: chat.File{Name: "a.png", Type: "image/png", Size: 9}}, ids).ID
	}
	wantKept := func(want ...chat.ID) {
		t.Helper()
		var got []chat.ID
		for _, f := range c.Kept() {
			got = append(got, f.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Kept has %v, want %v", got, want)
		}
	}
	wantKept()
	sent, scanned, rejected, _ := upload(), upload(), upload(), upload()
	wantKept()
	must(t, c, chat.CompleteUpload{By: jane, ID: rejected, Scan: true}, ids)
	must(t, c, chat.CompleteUpload{By: jane, ID: scanned, Scan: true}, ids)
	must(t, c, chat.CompleteUpload{By: jane, ID: sent}, ids)
	wantKept(sent, scanned, rejected)
	must(t, c, chat.Scanned{File: chat.File{ID: rejected, Attempt: 1}, Result: chat.Rejected}, ids)
	wantKept(sent, scanned)
	must(t, c, chat.Stop{}, ids)
	wantKept(sent)
}
