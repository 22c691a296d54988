// Package frame writes the frames that participants get over websockets, and reads those
// that they send.
package frame

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/wire"
)

// The topics of frames (semantics.md 1.2).
const (
	Chat        = "aws/chat"
	Subscribe   = "aws/subscribe"
	Unsubscribe = "aws/unsubscribe"
	Ping        = "aws/ping"
	Heartbeat   = "aws/heartbeat"
)

// What is answered to a subscribe or unsubscribe (semantics.md 1.3).
const Success, Failure = "success", "failure"

// The replies that are always the same (semantics.md 1.3). Nobody changes them.
var (
	PingReply      = text([]byte(`{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}`))
	HeartbeatReply = text([]byte(`{"topic":"aws/heartbeat"}`))
)

// lenient makes an encoder write whatever it is given: an item that is stored must
// never be one that can't be shown.
var lenient = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// headRoom is the size of the longest header of an unmasked frame.
const headRoom = 10

// draft is an item on its way into a frame.
type draft struct {
	item wire.Item
	text bytes.Buffer // before it is quoted
}

var drafts = sync.Pool{New: func() any { return new(draft) }}

// Item is the complete frame that carries an item: header, envelope, and the
// item as a JSON string (semantics.md 1.4; ChatJS drops an item that is an object).
func Item(it wire.Item) ([]byte, error) {
	d := drafts.Get().(*draft)
	defer func() {
		d.item = wire.Item{}
		d.text.Reset()
		drafts.Put(d)
	}()
	d.item = it
	err := json.MarshalWrite(&d.text, &d.item, lenient)
	if err != nil {
		return nil, err
	}
	item := d.text.Bytes()
	const head, tail = `{"content":`, `,"contentType":"application/json","topic":"aws/chat"}`
	b := make([]byte, headRoom, headRoom+len(head)+len(item)*5/4+len(tail))
	b = append(b, head...)
	if b, err = jsontext.AppendQuote(b, item); err != nil {
		return nil, err
	}
	return seal(append(b, tail...)), nil
}

// text is a complete text frame.
func text(payload []byte) []byte {
	return seal(append(make([]byte, headRoom, headRoom+len(payload)), payload...))
}

// seal writes the header of an unmasked text frame in front of the payload, which
// begins at headRoom, and cuts off what is not needed of the room.
func seal(b []byte) []byte {
	const finalText = 0x81
	n := len(b) - headRoom
	switch {
	case n < 126:
		b = b[headRoom-2:]
		b[1] = byte(n)
	case n < 1<<16:
		b = b[headRoom-4:]
		b[1] = 126
		binary.BigEndian.PutUint16(b[2:], uint16(n))
	default:
		b[1] = 127
		binary.BigEndian.PutUint64(b[2:], uint64(n))
	}
	b[0] = finalText
	return b
}

// Close is a complete close frame. The reason has at most 123 bytes.
func Close(code int, reason string) []byte {
	const finalClose = 0x88
	body := websocket.FormatCloseMessage(code, reason)
	return append([]byte{finalClose, byte(len(body))}, body...)
}

// Topics answers a subscribe or unsubscribe. topics is an array in every case:
// ChatJS throws otherwise (semantics.md 1.3).
func Topics(topic, status string, topics []string) []byte {
	type content struct {
		Status string   `json:"status"`
		Topics []string `json:"topics"`
	}
	return encode(struct {
		Topic   string  `json:"topic"`
		Content content `json:"content"`
	}{topic, content{status, topics}})
}

// Error says what is wrong, in the shape of an API Gateway (semantics.md 1.3).
func Error(message, connectionID, requestID string) []byte {
	return encode(struct {
		Message      string `json:"message"`
		ConnectionID string `json:"connectionId"`
		RequestID    string `json:"requestId"`
	}{message, connectionID, requestID})
}

// encode writes one of the structs above, which can't fail.
func encode(v any) []byte {
	b, err := json.Marshal(v, lenient)
	if err != nil {
		panic(err)
	}
	return text(b)
}
