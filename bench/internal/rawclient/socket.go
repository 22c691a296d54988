package rawclient

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// The websocket opcodes of RFC 6455, 5.2.
const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

// maxFrame is the largest frame the generator takes, in bytes.
const maxFrame = 256 << 10

// The frames a client sends (semantics.md 1.2).
const (
	subscribeFrame = `{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`
	pingFrame      = `{"topic":"aws/ping"}`
	heartbeatFrame = `{"topic":"aws/heartbeat"}`
)

// Socket is the client's end of a websocket. One goroutine may read while another
// writes.
type Socket struct {
	conn net.Conn
	// buf[r:w] has arrived and was not looked at yet.
	buf  []byte
	r, w int
}

// DialSocket opens a websocket with a read buffer of size bytes. local is the
// address to connect from; the kernel chooses if it is nil.
func DialSocket(ctx context.Context, address string, local net.Addr, size int) (*Socket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "ws" {
		return nil, fmt.Errorf("the websocket URL has scheme %q; the benchmark speaks ws only", u.Scheme)
	}
	conn, err := dial(ctx, u.Host, local)
	if err != nil {
		return nil, err
	}
	s := &Socket{conn: conn, buf: make([]byte, size)}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	if err == nil {
		err = s.upgrade(u)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("opening a websocket: %w", err)
	}
	return s, nil
}

// upgrade does the opening handshake. It doesn't check Sec-WebSocket-Accept: that is
// a test's business.
func (s *Socket) upgrade(u *url.URL) error {
	request := "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := io.WriteString(s.conn, request); err != nil {
		return err
	}
	for s.w < len(s.buf) {
		n, err := s.conn.Read(s.buf[s.w:])
		if err != nil {
			return err
		}
		s.w += n
		// Whatever follows the head is the first frames: an answer of status 101 has no body.
		resp, size, err := parseResponse(s.buf[:s.w])
		if err != nil {
			return err
		}
		if size > 0 && resp.Status != 101 {
			return fmt.Errorf("the server answers %d: %s", resp.Status, resp.Body)
		}
		if size > 0 {
			s.r = size
			return nil
		}
	}
	return fmt.Errorf("the answer to the handshake is larger than %d bytes", len(s.buf))
}

// Subscribe asks for the chat's items and waits until the server agrees.
func (s *Socket) Subscribe() error {
	if err := s.write(opText, subscribeFrame); err != nil {
		return err
	}
	return s.await(`"aws/subscribe"`, `"success"`)
}

// Heartbeat sends a ping and a heartbeat, as ChatJS does every 10 seconds, and waits
// for both answers.
func (s *Socket) Heartbeat() error {
	if err := errors.Join(s.write(opText, pingFrame), s.write(opText, heartbeatFrame)); err != nil {
		return err
	}
	if err := s.await(`"aws/ping"`, "200"); err != nil {
		return err
	}
	return s.await(`"aws/heartbeat"`)
}

// await skips frames until one contains all the texts.
func (s *Socket) await(texts ...string) error {
	for {
		payload, err := s.Next()
		if err != nil {
			return fmt.Errorf("waiting for a frame with %s: %w", strings.Join(texts, ", "), err)
		}
		found := true
		for _, t := range texts {
			found = found && strings.Contains(string(payload), t)
		}
		if found {
			return nil
		}
	}
}

// Next returns the payload of the next text frame, valid until the following call,
// and answers pings on the way.
func (s *Socket) Next() ([]byte, error) {
	for {
		f, size, err := parseFrame(s.buf[s.r:s.w])
		if err != nil {
			return nil, err
		}
		if size == 0 {
			if err := s.fill(); err != nil {
				return nil, err
			}
			continue
		}
		s.r += size
		switch f.op {
		case opText:
			return f.payload, nil
		case opPing:
			if err := s.write(opPong, string(f.payload)); err != nil {
				return nil, err
			}
		case opClose:
			return nil, closeError(f.payload)
		case opPong:
		default:
			return nil, fmt.Errorf("a frame has opcode %d; a chat has text frames only", f.op)
		}
	}
}

// fill reads what has arrived, at least one byte.
func (s *Socket) fill() error {
	if s.r == s.w {
		s.r, s.w = 0, 0
	}
	if s.w == len(s.buf) {
		if s.r == 0 {
			if len(s.buf) >= maxFrame {
				return fmt.Errorf("a frame is larger than %d bytes", maxFrame)
			}
			s.buf = append(s.buf, make([]byte, len(s.buf))...)
		}
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
	}
	n, err := s.conn.Read(s.buf[s.w:])
	s.w += n
	if n > 0 {
		return nil
	}
	return err
}

// write sends one frame of at most 125 bytes. Its mask is zero: there is nobody
// between two ends of the loopback to hide it from.
func (s *Socket) write(op byte, payload string) error {
	if len(payload) > 125 {
		return fmt.Errorf("a frame of %d bytes; the generator sends 125 at most", len(payload))
	}
	b := append([]byte{0x80 | op, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	_, err := s.conn.Write(b)
	return err
}

// SetDeadline bounds all that happens on the socket from now on.
func (s *Socket) SetDeadline(t time.Time) error { return s.conn.SetDeadline(t) }

// Close ends the connection, without a closing handshake.
func (s *Socket) Close() { s.conn.Close() }

// frame is a websocket frame.
type frame struct {
	op      byte
	payload []byte
}

// parseFrame parses the server's frame at the start of b. size is how many bytes it
// takes, or 0 if b does not hold all of it yet.
func parseFrame(b []byte) (f frame, size int, err error) {
	if len(b) < 2 {
		return frame{}, 0, nil
	}
	switch {
	case b[0]&0x70 != 0:
		return frame{}, 0, errors.New("a frame has reserved bits set; no extension was agreed on")
	case b[0]&0x80 == 0:
		return frame{}, 0, errors.New("a frame is a fragment; the generator takes whole messages only")
	case b[1]&0x80 != 0:
		return frame{}, 0, errors.New("a frame is masked; a server must not mask (RFC 6455, 5.1)")
	}
	head, length := 2, uint64(b[1]&0x7f)
	switch length {
	case 126:
		if head = 4; len(b) < head {
			return frame{}, 0, nil
		}
		length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if head = 10; len(b) < head {
			return frame{}, 0, nil
		}
		length = binary.BigEndian.Uint64(b[2:])
	}
	if length > maxFrame {
		return frame{}, 0, fmt.Errorf("a frame is larger than %d bytes", maxFrame)
	}
	size = head + int(length)
	if len(b) < size {
		return frame{}, 0, nil
	}
	return frame{b[0] & 0x0f, b[head:size]}, size, nil
}

func closeError(payload []byte) error {
	if len(payload) < 2 {
		return errors.New("the server closed the websocket without a code")
	}
	return fmt.Errorf("the server closed the websocket: %d %s", binary.BigEndian.Uint16(payload), payload[2:])
}
