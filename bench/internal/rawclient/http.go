// Package rawclient is the client side of HTTP/1.1 and of websockets, cut down to
// what a load generator needs: it shares its cores with the server it measures, so that
// each microsecond it takes is one the server lacks.
package rawclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// maxResponse is the largest answer the generator takes, headers and body, in bytes.
const maxResponse = 64 << 10

// HTTP is one HTTP/1.1 connection with at most one request under way. It reads
// no more of an answer than is needed: the generator shares its cores with the
// server it measures.
type HTTP struct {
	conn net.Conn
	buf  []byte
}

// DialHTTP connects to a host and port.
func DialHTTP(ctx context.Context, host string) (*HTTP, error) {
	conn, err := dial(ctx, host, nil)
	if err != nil {
		return nil, err
	}
	return &HTTP{conn: conn, buf: make([]byte, 0, 4<<10)}, nil
}

// dial connects without TCP keep-alives, which would be somebody else's traffic.
func dial(ctx context.Context, host string, local net.Addr) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: local, KeepAlive: -1}
	return dialer.DialContext(ctx, "tcp", host)
}

// SetDeadline bounds all that happens on the connection from now on.
func (h *HTTP) SetDeadline(t time.Time) error { return h.conn.SetDeadline(t) }

// Close ends the connection.
func (h *HTTP) Close() { h.conn.Close() }

// Do sends a request, given as its bytes, and waits for the answer. The answer's
// body is valid until the next call.
func (h *HTTP) Do(request []byte) (Response, error) {
	if _, err := h.conn.Write(request); err != nil {
		return Response{}, err
	}
	h.buf = h.buf[:0]
	for {
		if err := h.fill(); err != nil {
			return Response{}, err
		}
		resp, size, err := parseResponse(h.buf)
		if err != nil {
			return Response{}, err
		}
		if size > 0 {
			if size < len(h.buf) {
				return Response{}, fmt.Errorf("%d bytes follow the answer; the server must send one answer per request", len(h.buf)-size)
			}
			return resp, nil
		}
	}
}

// fill reads what has arrived, at least one byte.
func (h *HTTP) fill() error {
	if len(h.buf) == cap(h.buf) {
		if cap(h.buf) >= maxResponse {
			return fmt.Errorf("the answer is larger than %d bytes", maxResponse)
		}
		h.buf = append(make([]byte, 0, 2*cap(h.buf)), h.buf...)
	}
	n, err := h.conn.Read(h.buf[len(h.buf):cap(h.buf)])
	h.buf = h.buf[:len(h.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// Response is what the generator looks at of an HTTP answer.
type Response struct {
	Status int
	Body   []byte
}

var (
	headEnd       = []byte("\r\n\r\n")
	lineEnd       = []byte("\r\n")
	contentLength = []byte("content-length")
	transferCoded = []byte("transfer-encoding")
)

var errChunked = errors.New("the answer has a Transfer-Encoding; the generator reads answers with Content-Length only")

// parseResponse parses the answer at the start of b. size is how many bytes it
// takes, or 0 if b does not hold all of it yet.
func parseResponse(b []byte) (r Response, size int, err error) {
	end := bytes.Index(b, headEnd)
	if end < 0 {
		return Response{}, 0, nil
	}
	status, headers, _ := bytes.Cut(b[:end+len(lineEnd)], lineEnd)
	if len(status) < len("HTTP/1.1 200") || !bytes.HasPrefix(status, []byte("HTTP/1.")) {
		return Response{}, 0, fmt.Errorf("%q is no HTTP/1 status line", status)
	}
	if r.Status, err = number(status[9:12]); err != nil {
		return Response{}, 0, fmt.Errorf("the status line %q: %w", status, err)
	}
	length := -1
	for len(headers) > 0 {
		var line []byte
		line, headers, _ = bytes.Cut(headers, lineEnd)
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(name) == len(contentLength) && bytes.EqualFold(name, contentLength):
			if length, err = number(bytes.TrimSpace(value)); err != nil {
				return Response{}, 0, fmt.Errorf("header Content-Length: %w", err)
			}
		case len(name) == len(transferCoded) && bytes.EqualFold(name, transferCoded):
			return Response{}, 0, errChunked
		}
	}
	if r.Status < 200 || r.Status == 204 {
		length = 0
	}
	if length < 0 {
		return Response{}, 0, errors.New("the answer has no Content-Length")
	}
	size = end + len(headEnd) + length
	if len(b) < size {
		return Response{}, 0, nil
	}
	r.Body = b[end+len(headEnd) : size]
	return r, size, nil
}

// number reads a decimal number of at most 9 digits.
func number(b []byte) (int, error) {
	if len(b) == 0 || len(b) > 9 {
		return 0, fmt.Errorf("%q is no number of 1 to 9 digits", b)
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is no number", b)
		}
		n = 10*n + int(c-'0')
	}
	return n, nil
}
