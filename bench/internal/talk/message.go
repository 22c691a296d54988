package talk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// The text of a message says who sent it, its number and when its sending began, so
// that whoever gets it needs nothing else to check and time it:
//
//	bench A 0000000042 0000000001234567890 xxxx…
//
// Positions and lengths are in bytes; textLength is that of a sentence or two.
const (
	textMark   = "bench "
	sideAt     = len(textMark)
	numberAt   = sideAt + 2
	numberLen  = 10
	sentAt     = numberAt + numberLen + 1
	sentLen    = 19
	textLength = 120
)

// request is a SendMessage request whose text and ClientToken are overwritten from
// one message to the next, or a SendEvent request.
type request struct {
	bytes   []byte
	typing  bool // it is that of a typing event, which has no text
	text    int  // where the text starts
	counter int  // where the last 12 digits of the ClientToken start
}

// newRequest makes the request of one side, 'A' or 'B', of a conversation. Its
// ClientToken is like that of an SDK, a UUID that no other message has.
func newRequest(host, connectionToken string, side byte) *request {
	text := fmt.Sprintf("%s%c %0*d %0*d ", textMark, side, numberLen, 0, sentLen, 0)
	text += string(bytes.Repeat([]byte("x"), textLength-len(text)))
	token := uuid.New().String()
	body := `{"ContentType":"text/plain","Content":"` + text + `","ClientToken":"` + token + `"}`
	r := &request{bytes: post("message", host, connectionToken, body)}
	r.text = bytes.Index(r.bytes, []byte(textMark))
	r.counter = bytes.Index(r.bytes, []byte(token)) + len(token) - 12
	return r
}

func post(what, host, connectionToken, body string) []byte {
	return fmt.Appendf(nil, "POST /participant/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"X-Amz-Bearer: %s\r\nContent-Length: %d\r\n\r\n%s", what, host, connectionToken, len(body), body)
}

// stamp makes the request that of the message with the given number, sent at a time
// in nanoseconds.
func (r *request) stamp(number, sent int64) []byte {
	if !r.typing {
		putDigits(r.bytes[r.text+numberAt:][:numberLen], number)
		putDigits(r.bytes[r.text+sentAt:][:sentLen], sent)
	}
	putDigits(r.bytes[r.counter:][:12], number)
	return r.bytes
}

// message is what a side reads from a delivered frame.
type message struct {
	id     uuid.UUID
	side   byte
	number int64
	sent   int64 // nanoseconds
}

// The members of an item inside a frame: its content is JSON within a JSON string.
// No other member's name ends like these.
var (
	itemContent = []byte(`\"Content\":\"` + textMark)
	itemID      = []byte(`\"Id\":\"`)
	answerID    = []byte(`"Id":"`)
)

var errFrame = errors.New("a frame with a message of the benchmark can't be read")

// parseMessage finds a message of ours in a frame's payload. ours is false for any
// other frame: greetings, joins, answers to heartbeats.
func parseMessage(payload []byte) (m message, ours bool, err error) {
	at := bytes.Index(payload, itemContent)
	if at < 0 {
		return message{}, false, nil
	}
	text := payload[at+len(itemContent)-len(textMark):]
	if len(text) < textLength {
		return message{}, true, errFrame
	}
	m.side = text[sideAt]
	var ok1, ok2 bool
	m.number, ok1 = digits(text[numberAt:][:numberLen])
	m.sent, ok2 = digits(text[sentAt:][:sentLen])
	if !ok1 || !ok2 {
		return message{}, true, errFrame
	}
	m.id, err = idAfter(payload, itemID)
	return m, true, err
}

// idAfter reads the UUID that follows a mark.
func idAfter(b, mark []byte) (uuid.UUID, error) {
	at := bytes.Index(b, mark)
	if at < 0 || len(b) < at+len(mark)+36 {
		return uuid.UUID{}, fmt.Errorf("no Id in %s", b)
	}
	return uuid.ParseBytes(b[at+len(mark):][:36])
}

func putDigits(b []byte, n int64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

func digits(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// idDigest folds ids in their order into one number, so that two sockets' orders can
// be compared without keeping both.
func idDigest(digest uint64, id uuid.UUID) uint64 {
	const prime = 1099511628211 // of FNV-1a
	digest = (digest ^ binary.BigEndian.Uint64(id[:8])) * prime
	return (digest ^ binary.BigEndian.Uint64(id[8:])) * prime
}
