package frame

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/wire"
)

func TestFrameSizes(t *testing.T) {
	for _, n := range []int{0, 1, 124, 125, 126, 127, 65535, 65536, 70000} {
		payload := bytes.Repeat([]byte{'x'}, n)
		got, err := readFrame(text(payload))
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("payload of %d bytes: got %d, %v", n, len(got), err)
		}
	}
}

// readFrame reads an unmasked, unfragmented text frame; it knows the layout from RFC
// 6455, and nothing of this package.
func readFrame(f []byte) ([]byte, error) {
	if len(f) < 2 || f[0] != 0x81 || f[1]&0x80 != 0 {
		return nil, fmt.Errorf("frame begins with % x", f[:min(len(f), 2)])
	}
	n, payload := uint64(f[1]), f[2:]
	switch n {
	case 126:
		n, payload = uint64(binary.BigEndian.Uint16(payload)), payload[2:]
		if n < 126 {
			return nil, errors.New("the length is not minimal")
		}
	case 127:
		n, payload = binary.BigEndian.Uint64(payload), payload[8:]
		if n < 1<<16 {
			return nil, errors.New("the length is not minimal")
		}
	}
	if n != uint64(len(payload)) {
		return nil, fmt.Errorf("the header says %d bytes, there are %d", n, len(payload))
	}
	return payload, nil
}

func TestItemFrame(t *testing.T) {
	for _, content := range []string{"hi", `"\`, "<&>\u2028\u2029", "\xff", strings.Repeat("é", 20_000), "\x00\x1f\x7f"} {
		frame, err := Item(wire.Item{Id: "1", Content: content})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := readFrame(frame)
		if err != nil || !utf8.Valid(payload) {
			t.Fatalf("%.20q: %v", content, err)
		}
		var envelope struct{ Content string }
		var it wire.Item
		if err = json.Unmarshal(payload, &envelope); err == nil {
			err = json.Unmarshal([]byte(envelope.Content), &it)
		}
		if want := strings.ToValidUTF8(content, "\ufffd"); err != nil || it.Content != want {
			t.Errorf("%.20q: got %.20q, %v", content, it.Content, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}})`, `{"topic": "aws/ping"}`, `{"topic":"aws/heartbeat","content":5}`,
		`{"topic":"aws/unsubscribe","content":{"topics":null}}`, `{`, `[]`, `null`, "\xff", `{"topic":"\ud800"}`, `{"topic":"a","topic":"b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		req, ok := Parse(bytes.Clone(frame))
		if ok == (req.Topic == "") {
			t.Fatalf("ok %v with topic %q", ok, req.Topic)
		}
		// What follows the first value makes no difference, and the standard library,
		// if it understands the frame, understands the same.
		if again, _ := Parse(append(bytes.Clone(frame), ')')); ok && again.Topic != req.Topic {
			t.Fatalf("%q, then %q", req.Topic, again.Topic)
		}
		var in map[string]any
		if json.NewDecoder(bytes.NewReader(frame)).Decode(&in) == nil {
			if topic, _ := in["topic"].(string); ok && utf8.Valid(frame) && topic != req.Topic {
				t.Fatalf("%q, want %q", req.Topic, topic)
			}
		}
		for _, f := range [][]byte{
			Topics(Subscribe, Failure, req.Topics), Error(req.Topic, "c", "r"),
		} {
			if payload, err := readFrame(f); err != nil || !json.Valid(payload) {
				t.Fatalf("reply %s, %v", payload, err)
			}
		}
	})
}
