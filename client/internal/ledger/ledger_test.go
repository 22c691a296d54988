package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/client/internal/ledger"
)

// tell gives in short what a ledger tells of an item.
func tell(t *testing.T, l *ledger.Ledger, raw string) string {
	t.Helper()
	it, err := event.Parse([]byte(raw), "me")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, e := range l.Tell(it) {
		switch e := e.(type) {
		case event.Message:
			said = append(said, "message "+e.ID+strings.Repeat(" late", map[bool]int{true: 1}[e.Late]))
		case event.Partial:
			said = append(said, "partial "+e.Text)
		case event.Attachment:
			said = append(said, "attachment "+string(e.Attachments[0].Status))
		case event.Typing:
			said = append(said, "typing")
		case event.Receipt:
			said = append(said, fmt.Sprint("receipt ", e.MessageID, " ", e.By.ParticipantID, " ", !e.By.Read.IsZero(), " ", e.Own))
		default:
			said = append(said, fmt.Sprintf("%T", e))
		}
	}
	return strings.Join(said, ", ")
}

func message(n int) string {
	return fmt.Sprintf(`{"Type":"MESSAGE","Id":"m%d","AbsoluteTime":"2026-04-02T10:%02d:%02d.000Z"}`, n, n/60, n%60)
}

func receipt(of, by, times string) string {
	return fmt.Sprintf(`{"Type":"MESSAGEMETADATA","Id":"r","MessageMetadata":{"MessageId":%q,"Receipts":[{%s,"RecipientParticipantId":%q}]}}`, of, times, by)
}

const (
	delivered = `"DeliveredTimestamp":"2026-04-02T11:00:00.000Z"`
	read      = delivered + `,"ReadTimestamp":"2026-04-02T11:00:01.000Z"`
)

func TestTell(t *testing.T) {
	const typing = `{"Type":"EVENT","Id":"t","ContentType":"application/vnd.amazonaws.connect.event.typing"}`
	const file = `{"Type":"ATTACHMENT","Id":"f","AbsoluteTime":"2026-04-02T10:09:00.000Z","Attachments":[{"Status":%q}]}`
	chunk := func(n int, text string) string {
		return fmt.Sprintf(`{"Type":"MESSAGE","Id":"b","AbsoluteTime":"2026-04-02T10:10:00.000Z","ParticipantRole":"SYSTEM","Content":%q,"MessageMetadata":{"MessageCompleted":false,"ChunkNumber":%d}}`, text, n)
	}
	l := ledger.New("me", "")
	for i, step := range []struct{ item, want string }{
		{message(1), "message m1"},
		{message(1), ""},
		{message(3), "message m3"},
		{message(2), "message m2 late"}, // which only Amazon does
		{message(2), ""},
		{typing, "typing"},
		{typing, ""}, // on the second socket
		{receipt("m1", "you", delivered), "receipt m1 you false false"},
		{receipt("m1", "you", delivered), ""},
		{receipt("m1", "me", delivered), "receipt m1 me false true"},
		{receipt("m1", "you", read), "receipt m1 you true false"},
		{receipt("m1", "you", delivered), ""},
		{fmt.Sprintf(`{"Type":"MESSAGE","Id":"m4","AbsoluteTime":"2026-04-02T10:08:00.000Z","MessageMetadata":{"MessageId":"m4","Receipts":[{%s,"RecipientParticipantId":"you"}]}}`, read),
			"message m4, receipt m4 you true false"}, // in a transcript
		{receipt("m4", "you", read), ""},
		{fmt.Sprintf(file, "IN_PROGRESS"), "attachment IN_PROGRESS"},
		{fmt.Sprintf(file, "APPROVED"), "attachment APPROVED"},
		{fmt.Sprintf(file, "APPROVED"), ""},
		{chunk(1, "Hel"), "partial Hel"},
		{chunk(1, "Hel"), ""},
		{chunk(2, "lo"), "partial Hello"},
		{chunk(4, "!"), ""},
		{`{"Type":"MESSAGE","Id":"b","AbsoluteTime":"2026-04-02T10:10:00.000Z","ParticipantRole":"SYSTEM","Content":"Hello you!","MessageMetadata":{"MessageCompleted":true}}`, "message b"},
		{chunk(1, "Hel"), ""},
		{`{"Type":"NEW"}`, "event.Unknown"},
		{`{"Type":"NEW"}`, "event.Unknown"}, // without id there is no telling
	} {
		if got := tell(t, l, step.item); got != step.want {
			t.Errorf("step %d, %s: told %q, want %q", i, step.item, got, step.want)
		}
	}
}

func TestAnchor(t *testing.T) {
	l := ledger.New("me", "")
	if got := l.Anchor().ID; got != "" {
		t.Errorf("an empty ledger has the anchor %q", got)
	}
	for n := range 200 {
		tell(t, l, message(n))
	}
	if got, want := l.Anchor().ID, fmt.Sprint("m", 200-ledger.ReceiptsBack); got != want {
		t.Errorf("the anchor is %s, want %s", got, want)
	}
	l = ledger.New("me", "m7")
	if got := l.Anchor().ID; got != "m7" {
		t.Errorf("the anchor is %s, want m7", got)
	}
	if got := tell(t, l, message(7)); got != "" {
		t.Errorf("what the program has told before is told again: %s", got)
	}
	rejected := `{"Type":"ATTACHMENT","Id":"m7","Attachments":[{"Status":"REJECTED"}]}`
	if got := tell(t, l, rejected); got != "" {
		t.Errorf("a file that was refused is told again: %s", got)
	}
	if got := tell(t, l, message(8)); got != "message m8" {
		t.Errorf("told %q", got)
	}
}
