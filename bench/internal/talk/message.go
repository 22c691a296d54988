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

// newText makes the text of one side, 'A' or 'B', of a conversation.
func newText(side byte) []byte {
	text := fmt.Appendf(nil, "%s%c %0*d %0*d ", textMark, side, numberLen, 0, sentLen, 0)
	return append(text, bytes.Repeat([]byte("x"), textLength-len(text))...)
}

// stampText makes a text that of the message with the given number, sent at a time in
// nanoseconds.
func stampText(text []byte, number, sent int64) {
	putDigits(text[numberAt:][:numberLen], number)
	putDigits(text[sentAt:][:sentLen], sent)
}

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
	token := uuid.New().String()
	body := `{"ContentType":"text/plain","Content":"` + string(newText(side)) + `","ClientToken":"` + token + `"}`
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
		stampText(r.bytes[r.text:], number, sent)
	}
	putDigits(r.bytes[r.counter:][:12], number)
	return r.bytes
}

// message is what a side gets: that of a side, or, if it is typing or a receipt, only an id.
type message struct {
	kind   kind
	id     uuid.UUID
	side   byte
	number int64
	sent   int64 // nanoseconds
}

// kind is what a message is.
type kind int

const (
	said   kind = iota
	typing      // of an event
	read        // the id is that of the message which was
)

// The members of an item inside a frame: its content is JSON within a JSON string.
// No other member's name ends like these.
var (
	itemContent = []byte(`\"Content\":\"` + textMark)
	itemID      = []byte(`\"Id\":\"`)
	answerID    = []byte(`"Id":"`)
)

var errFrame = errors.New("a frame with a message of the benchmark can't be read")

// parseMessage finds a message of ours in a frame's payload, or that somebody is typing.
// ours is false for any other frame: greetings, joins, answers to heartbeats.
func parseMessage(payload []byte) (m message, ours bool, err error) {
	at := bytes.Index(payload, itemContent)
	switch {
	case at >= 0:
	case bytes.Contains(payload, []byte(typingEvent)):
		m.kind = typing
		m.id, err = idAfter(payload, itemID)
		return m, true, err
	default:
		return message{}, false, nil
	}
	if m, err = parseText(payload[at+len(itemContent)-len(textMark):]); err != nil {
		return message{}, true, err
	}
	m.id, err = idAfter(payload, itemID)
	return m, true, err
}

// parseText reads what the text at the start of b says, which begins with textMark.
func parseText[T ~string | ~[]byte](b T) (m message, err error) {
	if len(b) < textLength {
		return message{}, errFrame
	}
	m.side = b[sideAt]
	var ok1, ok2 bool
	m.number, ok1 = digits(b[numberAt:][:numberLen])
	m.sent, ok2 = digits(b[sentAt:][:sentLen])
	if !ok1 || !ok2 {
		return message{}, errFrame
	}
	return m, nil
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

func digits[T ~string | ~[]byte](b T) (n int64, ok bool) {
	for _, c := range []byte(b) {
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
