package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// id makes an id that a reader recognises: it ends in n.
func id(n byte) chat.ID {
	return chat.ID{UUID: uuid.UUID{0: 1, 6: 0x70, 8: 0x80, 15: n}}
}

func person(n byte, role chat.Role, name string) *chat.Author {
	return &chat.Author{ID: chat.ParticipantID{ID: id(n)}, Role: role, Name: name}
}

var (
	theChat = chat.ChatID{ID: id(0xc1)}
	second  = chat.ContactID{ID: id(0xc2)} // the chat was transferred once
	jane    = person(0x0a, chat.Customer, "Jane")
	bob     = person(0x0b, chat.Agent, "Bob")
	system  = person(0x05, chat.System, "SYSTEM_MESSAGE")
	at      = time.Date(2026, 4, 1, 9, 0, 0, 7e6, time.UTC)
	later   = at.Add(1500 * time.Millisecond)
)

// show gives the JSON, with all of an id but its last two digits written as #.
func show(t *testing.T, it wire.Item) string {
	t.Helper()
	b, err := json.Marshal(it)
	if err != nil {
		t.Fatal(err)
	}
	s := strings.ReplaceAll(string(b), "01000000-0000-7000-8000-0000000000", "#")
	return strings.ReplaceAll(s, chat.EventPrefix, "E:")
}

// The order of the members, and which of them are left out, is what was seen in
// production (semantics.md 2).
func TestFromEntry(t *testing.T) {
	const where = `"InitialContactId":"#c1","ContactId":"#c2"`
	for _, tt := range []struct {
		name  string
		entry chat.Entry
		want  string
	}{
		{
			"a message",
			chat.Entry{Kind: chat.KindMessage, By: jane, Content: &chat.Content{Type: chat.TypePlain, Text: `"hi" <b>é</b>`}},
			`{"AbsoluteTime":"2026-04-01T09:00:00.007Z","Content":"\"hi\" \u003cb\u003eé\u003c/b\u003e","ContentType":"text/plain","Id":"#01",` +
				`"Type":"MESSAGE","ParticipantId":"#0a","DisplayName":"Jane","ParticipantRole":"CUSTOMER",` + where + `}`,
		},
		{
			"the flow's message",
			chat.Entry{Kind: chat.KindMessage, By: system, Content: &chat.Content{Type: chat.TypeMarkdown, Text: "*hi*"}},
			`{"AbsoluteTime":"2026-04-01T09:00:00.007Z","Content":"*hi*","ContentType":"text/markdown","Id":"#01",` +
				`"Type":"MESSAGE","ParticipantId":"#05","DisplayName":"SYSTEM_MESSAGE","ParticipantRole":"SYSTEM",` + where + `}`,
		},
		{
			"joined",
			chat.Entry{Kind: chat.KindJoined, By: bob},
			`{"AbsoluteTime":"2026-04-01T09:00:00.007Z","ContentType":"E:participant.joined","Id":"#01",` +
				`"Type":"EVENT","ParticipantId":"#0b","DisplayName":"Bob","ParticipantRole":"AGENT",` + where + `}`,
		},
		{
			"left",
			chat.Entry{Kind: chat.KindLeft, By: bob, Cause: chat.CauseAgent},
			`{"AbsoluteTime":"2026-04-01T09:00:00.007Z","ContentType":"E:participant.left","Id":"#01",` +
				`"Type":"EVENT","ParticipantId":"#0b","DisplayName":"Bob","ParticipantRole":"AGENT",` + where + `}`,
		},
		{
			"ended, by nobody",
			chat.Entry{Kind: chat.KindEnded, Cause: chat.CauseExpired},
			`{"AbsoluteTime":"2026-04-01T09:00:00.007Z","ContentType":"E:chat.ended","Id":"#01","Type":"EVENT",` + where + `}`,
		},
		{
			"delivered",
			chat.Entry{Kind: chat.KindReceipt, By: bob, Receipt: &chat.Receipt{Item: id(9), Delivered: at}},
			`{"AbsoluteTime":"2026-04-01T09:00:00.007Z","ContentType":"E:message.metadata","Id":"#01","Type":"MESSAGEMETADATA",` +
				`"MessageMetadata":{"MessageId":"#09","Receipts":[{"DeliveredTimestamp":"2026-04-01T09:00:00.007Z","RecipientParticipantId":"#0b"}]},` + where + `}`,
		},
		{
			"read",
			chat.Entry{Kind: chat.KindReceipt, By: bob, Receipt: &chat.Receipt{Item: id(9), Delivered: at, Read: later}},
			`{"AbsoluteTime":"2026-04-01T09:00:00.007Z","ContentType":"E:message.metadata","Id":"#01","Type":"MESSAGEMETADATA",` +
				`"MessageMetadata":{"MessageId":"#09","Receipts":[{"DeliveredTimestamp":"2026-04-01T09:00:00.007Z",` +
				`"ReadTimestamp":"2026-04-01T09:00:01.507Z","RecipientParticipantId":"#0b"}]},` + where + `}`,
		},
	} {
		tt.entry.ID, tt.entry.At, tt.entry.Contact = id(1), at, second
		if !tt.entry.Delivered() {
			t.Errorf("%s: the entry is not for clients", tt.name)
		}
		if got := show(t, wire.FromEntry(theChat, &tt.entry)); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestFromSignal(t *testing.T) {
	s := chat.Signal{ID: id(2), At: at, Contact: second, By: *jane, ContentType: chat.EventTyping}
	const want = `{"AbsoluteTime":"2026-04-01T09:00:00.007Z","ContentType":"E:typing","Id":"#02","Type":"EVENT",` +
		`"ParticipantId":"#0a","DisplayName":"Jane","ParticipantRole":"CUSTOMER","InitialContactId":"#c1","ContactId":"#c2"}`
	if got := show(t, wire.FromSignal(theChat, &s)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWithReceipts(t *testing.T) {
	message := wire.Item{Id: id(9).String(), Type: "MESSAGE"}
	for _, tt := range []struct {
		name     string
		receipts []chat.ReceiptBy
		want     string
	}{
		{"none", nil, `{"AbsoluteTime":"","Id":"#09","Type":"MESSAGE"}`},
		{
			"of two, in order",
			[]chat.ReceiptBy{
				{By: bob.ID, Receipt: chat.Receipt{Item: id(9), Delivered: at, Read: later}},
				{By: jane.ID, Receipt: chat.Receipt{Item: id(9), Delivered: later}},
			},
			`{"AbsoluteTime":"","Id":"#09","Type":"MESSAGE","MessageMetadata":{"MessageId":"#09","Receipts":[` +
				`{"DeliveredTimestamp":"2026-04-01T09:00:00.007Z","ReadTimestamp":"2026-04-01T09:00:01.507Z","RecipientParticipantId":"#0b"},` +
				`{"DeliveredTimestamp":"2026-04-01T09:00:01.507Z","RecipientParticipantId":"#0a"}]}}`,
		},
	} {
		if got := show(t, wire.WithReceipts(message, tt.receipts)); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
	if message.MessageMetadata != nil {
		t.Error("WithReceipts changed the item it was given")
	}
}

// Clients compare times as strings, so all have the same width and zone.
func TestTime(t *testing.T) {
	east := time.FixedZone("", 2*60*60)
	for _, tt := range []struct {
		in   time.Time
		want string
	}{
		{time.Time{}, ""},
		{at, "2026-04-01T09:00:00.007Z"},
		{at.Truncate(time.Second), "2026-04-01T09:00:00.000Z"},
		{at.In(east), "2026-04-01T09:00:00.007Z"},
		{at.Add(999 * time.Microsecond), "2026-04-01T09:00:00.007Z"}, // cut off, never rounded up
		{time.Date(2026, 1, 1, 0, 0, 0, 0, east), "2025-12-31T22:00:00.000Z"},
	} {
		if got := wire.Time(tt.in); got != tt.want {
			t.Errorf("Time(%v) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
