package talk

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/wire"
)

// sendMessage is the body of a request as the server reads it.
type sendMessage struct{ ContentType, Content, ClientToken string }

func readRequest(t *testing.T, b []byte) (*http.Request, sendMessage) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	var body sendMessage
	decoder := json.NewDecoder(r.Body)
	if err := decoder.Decode(&body); err != nil {
		t.Fatal(err)
	}
	return r, body
}

func TestRequestIsASendMessage(t *testing.T) {
	request := newRequest("127.0.0.1:8080", "the-token", 'A')
	r, first := readRequest(t, request.stamp(0, 5))
	if r.Method != "POST" || r.URL.Path != "/participant/message" || r.Host != "127.0.0.1:8080" || r.Header.Get("X-Amz-Bearer") != "the-token" {
		t.Errorf("%s %s, host %q, headers %v", r.Method, r.URL, r.Host, r.Header)
	}
	_, second := readRequest(t, request.stamp(1, 123456789))
	if first.ContentType != "text/plain" || len(first.Content) != textLength || len(second.Content) != textLength {
		t.Errorf("%q, %q", first, second)
	}
	for _, m := range []sendMessage{first, second} {
		if _, err := uuid.Parse(m.ClientToken); err != nil {
			t.Error(err)
		}
	}
	if first.ClientToken == second.ClientToken {
		t.Error("two messages have the same ClientToken")
	}
}

// dataFrame is a frame's payload as semantics.md 1.4 shows it.
func dataFrame(t *testing.T, item wire.Item) []byte {
	t.Helper()
	content, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(string(content))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(`{"content":` + string(quoted) + `,"contentType":"application/json","topic":"aws/chat"}`)
}

func TestParseMessageReadsWhatWasSent(t *testing.T) {
	_, body := readRequest(t, newRequest("h", "t", 'B').stamp(4711, 1234567890123))
	item := wire.Item{
		AbsoluteTime: "2026-11-22T21:46:58.296Z", Content: body.Content, ContentType: body.ContentType,
		Id: "0196f3a0-0000-7000-8000-000000000001", Type: "MESSAGE",
		ParticipantId: "0196f3a0-0000-7000-8000-000000000002", DisplayName: `an "Id":" of sorts`, ParticipantRole: "AGENT",
		InitialContactId: "0196f3a0-0000-7000-8000-000000000003", ContactId: "0196f3a0-0000-7000-8000-000000000004",
	}
	m, ours, err := parseMessage(dataFrame(t, item))
	want := message{id: uuid.MustParse(item.Id), side: 'B', number: 4711, sent: 1234567890123}
	if err != nil || !ours || m != want {
		t.Fatalf("%+v, ours %v, error %v; want %+v", m, ours, err, want)
	}
}

func TestParseMessageSkipsTheRest(t *testing.T) {
	for _, payload := range []string{
		`{"topic":"aws/heartbeat"}`, ``,
		string(dataFrame(t, wire.Item{Content: "Welcome", Id: "x", Type: "MESSAGE", ParticipantRole: "SYSTEM"})),
	} {
		if _, ours, err := parseMessage([]byte(payload)); ours || err != nil {
			t.Errorf("%s: ours %v, error %v", payload, ours, err)
		}
	}
}

func TestParseMessageReportsDamage(t *testing.T) {
	_, body := readRequest(t, newRequest("h", "t", 'B').stamp(1, 2))
	id := "0196f3a0-0000-7000-8000-000000000001"
	for name, item := range map[string]wire.Item{
		"a cut text":        {Content: textMark + "A 0000", Id: id},
		"letters in digits": {Content: strings.Replace(body.Content, "0000000001", "000000000x", 1), Id: id},
		"a broken id":       {Content: body.Content, Id: "not-a-uuid-at-all-but-long-enough-to-be-one"},
	} {
		if _, ours, err := parseMessage(dataFrame(t, item)); !ours || err == nil {
			t.Errorf("%s: ours %v, error %v; want an error", name, ours, err)
		}
	}
}

func TestDigits(t *testing.T) {
	b := make([]byte, 5)
	for _, n := range []int64{0, 7, 99_999, 12_340} {
		putDigits(b, n)
		if got, ok := digits(b); !ok || got != n {
			t.Errorf("%d became %q, then %d", n, b, got)
		}
	}
}
