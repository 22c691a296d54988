package natsbus

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// golden is the notice in testdata.
func golden() bus.Notice {
	id := func(last byte) chat.ID { return chat.ID{UUID: uuid.UUID{6: 0x70, 8: 0x80, 15: last}} }
	at := time.Date(2026, 11, 23, 9, 30, 0, 123e6, time.UTC)
	by := chat.Author{ID: chat.ParticipantID{ID: id(3)}, Role: chat.Agent, Name: "Bøb 🦉"}
	return bus.Notice{
		Seq: 9,
		Entries: []chat.Entry{
			{Seq: 7, ID: id(1), At: at, Kind: chat.KindMessage, Contact: chat.ContactID{ID: id(2)}, By: &by,
				Token: "t", Content: &chat.Content{Type: chat.TypePlain, Text: "hi"}},
			{Seq: 8, ID: id(4), At: at.Add(time.Millisecond), Kind: chat.KindReceipt, Contact: chat.ContactID{ID: id(2)},
				By: &by, Receipt: &chat.Receipt{Item: id(1), Delivered: at.Add(time.Millisecond)}},
		},
		Signals: []chat.Signal{{ID: id(5), At: at.Add(time.Second), Contact: chat.ContactID{ID: id(2)}, By: by,
			ContentType: chat.TypePlain, Part: &chat.Part{Number: 2, Content: chat.Content{Type: chat.TypePlain, Text: "h"}}}},
	}
}

// What was released is still read. The file is never written anew; another version of
// the body has another file.
func TestReleasedMessage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "notice1"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := decode(data); err != nil || !reflect.DeepEqual(n, golden()) {
		t.Errorf("it reads\n%+v, %v, want\n%+v", n, err, golden())
	}
}

// Members that a later version adds are ignored.
func TestUnknownMembers(t *testing.T) {
	data := encode(golden(), math.MaxInt)
	for _, old := range []string{`{"e":`, `"seq":7`, `"receipt":{`, `"s":[{`} {
		n := bytes.Replace(data, []byte(old), []byte(strings.NewReplacer("{", `{"new":[1],`, `"seq"`, `"new":{},"seq"`).Replace(old)), 1)
		if got, err := decode(n); err != nil || !reflect.DeepEqual(got, golden()) || bytes.Equal(n, data) {
			t.Errorf("%q:\n%+v, %v", n, got, err)
		}
	}
}

func TestLimits(t *testing.T) {
	n := golden()
	whole := len(encode(n, math.MaxInt))
	for limit, want := range map[int]bus.Notice{
		whole:     n,
		whole - 1: {Seq: 9, Signals: n.Signals},
		50:        {Seq: 9},
		0:         {Seq: 9},
	} {
		if got, err := decode(encode(n, limit)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("in %d bytes: %+v, %v", limit, got, err)
		}
	}
	n.Seq = 0 // then the last entry tells
	if got, err := decode(encode(n, 0)); err != nil || got.Seq != 8 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Bytes from anywhere are a notice that makes sense, or an error.
func FuzzDecode(f *testing.F) {
	f.Add(encode(golden(), math.MaxInt))
	f.Add(head(noBody, 5))
	f.Add(head(77, 5))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x01{\"e\":[{\"seq\":1},{\"seq\":3}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := decode(data)
		if n.Seq < 0 || err != nil && len(n.Entries)+len(n.Signals) > 0 {
			t.Errorf("%+v, %v", n, err)
		}
		for i := range n.Entries {
			if n.Entries[i].Seq != n.Entries[0].Seq+int64(i) {
				t.Errorf("entry %d has Seq %d", i, n.Entries[i].Seq)
			}
		}
		if err == nil {
			if again, err := decode(encode(n, math.MaxInt)); err != nil || top(again) != top(n) {
				t.Errorf("%+v is sent as %+v, %v", n, again, err)
			}
		}
	})
}
