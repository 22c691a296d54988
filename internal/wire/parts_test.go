package wire_test

import (
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// streamed is a message for a customer who wants it in parts.
func streamed(by *chat.Author, how chat.Streaming, text string) *chat.Entry {
	return &chat.Entry{
		ID: id(1), At: at, Contact: second, Kind: chat.KindMessage, By: by,
		Content: &chat.Content{Type: chat.TypePlain, Text: text, Stream: how},
	}
}

// The parts are deltas, counted from 1; the whole comes last, and replaces them
// (semantics.md 2.3).
func TestParts(t *testing.T) {
	const head = `{"AbsoluteTime":"2026-04-01T09:00:00.007Z","Content":`
	const flow = `,"ContentType":"text/plain","Id":"#01","Type":"MESSAGE","ParticipantId":"#05","DisplayName":"SYSTEM_MESSAGE","ParticipantRole":"SYSTEM",`
	const where = `"InitialContactId":"#c1","ContactId":"#c2"}`
	want := []string{
		head + `"One "` + flow + `"MessageMetadata":{"MessageId":"#01","MessageCompleted":false,"ChunkNumber":1},` + where,
		head + `"two."` + flow + `"MessageMetadata":{"MessageId":"#01","MessageCompleted":false,"ChunkNumber":2},` + where,
		head + `"One two."` + flow + `"MessageMetadata":{"MessageId":"#01","MessageCompleted":true},` + where,
	}
	got := wire.Parts(theChat, streamed(system, chat.StreamSplit, "One two."))
	for i := range want {
		if i >= len(got) || show(t, got[i]) != want[i] {
			t.Errorf("got\n%v\nwant\n%s", got, want[i])
		}
	}
}

// A bot has sent its parts as it wrote them, so that the whole is what is left. ChatJS
// knows parts by the role SYSTEM only, whoever speaks.
func TestPartsOfABot(t *testing.T) {
	robo := person(0x0e, chat.CustomBot, "Robo")
	got := wire.Parts(theChat, streamed(robo, chat.StreamDone, "One two."))
	const want = `{"AbsoluteTime":"2026-04-01T09:00:00.007Z","Content":"One two.","ContentType":"text/plain","Id":"#01","Type":"MESSAGE",` +
		`"ParticipantId":"#0e","DisplayName":"Robo","ParticipantRole":"SYSTEM","MessageMetadata":{"MessageId":"#01","MessageCompleted":true},` +
		`"InitialContactId":"#c1","ContactId":"#c2"}`
	if len(got) != 1 || show(t, got[0]) != want {
		t.Errorf("got\n%v\nwant\n%s", got, want)
	}
	s := chat.Signal{
		ID: id(1), At: at, Contact: second, By: *robo, ContentType: chat.TypePlain,
		Part: &chat.Part{Number: 2, Content: chat.Content{Type: chat.TypePlain, Text: "two."}},
	}
	const part = `{"AbsoluteTime":"2026-04-01T09:00:00.007Z","Content":"two.","ContentType":"text/plain","Id":"#01","Type":"MESSAGE",` +
		`"ParticipantId":"#0e","DisplayName":"Robo","ParticipantRole":"SYSTEM","MessageMetadata":{"MessageId":"#01","MessageCompleted":false,"ChunkNumber":2},` +
		`"InitialContactId":"#c1","ContactId":"#c2"}`
	if got := show(t, wire.FromSignal(theChat, &s)); got != part {
		t.Errorf("got\n%s\nwant\n%s", got, part)
	}
}

// Whatever the text, its parts put together are the text, and none is empty. There are a
// hundred at the most: more could cut a slow reader off.
func TestSplit(t *testing.T) {
	for text, want := range map[string]int{
		"One": 1, "One two three.": 3, "One ": 1, " One": 2, "  ": 2, "日本 語": 2,
		strings.Repeat("word ", 100): 100, strings.Repeat("word ", 101): 51, strings.Repeat(" ", 16384): 100,
	} {
		items := wire.Parts(theChat, streamed(system, chat.StreamSplit, text))
		parts, whole := items[:len(items)-1], ""
		for i, it := range parts {
			whole += it.Content
			if it.Content == "" || it.MessageMetadata.ChunkNumber != i+1 {
				t.Errorf("part %d of %.20q is %+v", i+1, text, it)
			}
		}
		if whole != text || len(parts) != want {
			t.Errorf("%.20q has %d parts, want %d, which make %.20q", text, len(parts), want, whole)
		}
	}
}
