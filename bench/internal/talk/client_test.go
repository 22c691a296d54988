package talk

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/client/event"
)

func TestTextSaysWhatItIs(t *testing.T) {
	text := newText('B')
	stampText(text, 4711, 1234567890123)
	if m, err := parseText(string(text)); err != nil || m != (message{side: 'B', number: 4711, sent: 1234567890123}) {
		t.Errorf("%+v, error %v", m, err)
	}
	if _, err := parseText(text[:textLength-1]); err == nil {
		t.Error("a cut text is taken")
	}
}

// What a session tells is read as what a websocket's frames say.
func TestClientReadsEvents(t *testing.T) {
	id, text := "0196f3a0-0000-7000-8000-000000000001", newText('A')
	stampText(text, 7, 8)
	said := func(id, content string) event.Event {
		return event.Message{Item: event.Item{ID: id, Content: content, Type: event.TypeMessage}}
	}
	receipt := func(own bool, read time.Time) event.Event {
		return event.Receipt{Item: event.Item{Own: own}, MessageID: id, By: event.ReceiptBy{Delivered: time.Unix(1, 0), Read: read}}
	}
	lost := errors.New("the network is down")
	for name, c := range map[string]struct {
		event event.Event
		want  message
		ours  bool
		fails bool
	}{
		"a message":        {said(id, string(text)), message{id: uuid.MustParse(id), side: 'A', number: 7, sent: 8}, true, false},
		"a cut message":    {said(id, string(text[:30])), message{}, true, true},
		"a broken id":      {said("x", string(text)), message{side: 'A', number: 7, sent: 8}, true, true},
		"a greeting":       {said("x", "Welcome"), message{}, false, false},
		"a receipt":        {receipt(false, time.Unix(2, 0)), message{kind: read, id: uuid.MustParse(id)}, true, false},
		"our own receipt":  {receipt(true, time.Unix(2, 0)), message{}, false, false},
		"delivered only":   {receipt(false, time.Time{}), message{}, false, false},
		"somebody came":    {event.Joined{}, message{}, false, false},
		"a lost websocket": {event.Disconnected{Err: lost}, message{}, false, true},
	} {
		l := &clientLine{name: 'B', newest: make(chan string, 1)}
		m, ours, err := l.read(c.event)
		if m != c.want || ours != c.ours || (err != nil) != c.fails {
			t.Errorf("%s: %+v, ours %t, error %v; want %+v, ours %t", name, m, ours, err, c.want, c.ours)
		}
	}
}

// The newest message of the other side is what is marked as read.
func TestClientMarksTheNewest(t *testing.T) {
	l := &clientLine{name: 'B', newest: make(chan string, 1)}
	var last string
	for _, side := range []byte("ABAAB") {
		id := uuid.NewString()
		if side == 'A' {
			last = id
		}
		if _, _, err := l.read(event.Message{Item: event.Item{ID: id, Content: string(newText(side))}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-l.newest; got != last || len(l.newest) != 0 {
		t.Errorf("%s is marked, want %s", got, last)
	}
}

func TestClientDoesNotType(t *testing.T) {
	if err := (&clientLine{}).begin(true, time.Now()); err == nil || !strings.Contains(err.Error(), "10 seconds") {
		t.Errorf("error %v", err)
	}
}
