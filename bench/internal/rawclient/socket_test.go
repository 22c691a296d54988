package rawclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

var noDeadline time.Time

func itoa(n int) string { return strconv.Itoa(n) }

func TestParseFrame(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 70_000)
	for _, c := range []struct {
		name    string
		in      []byte
		op      byte
		payload []byte
		fail    string
	}{
		{"empty text", []byte{0x81, 0}, opText, nil, ""},
		{"short text", []byte("\x81\x02hi"), opText, []byte("hi"), ""},
		{"text with a length of two bytes", append([]byte{0x81, 126, 0x01, 0x00}, long[:256]...), opText, long[:256], ""},
		{"text with a length of eight bytes", append([]byte{0x81, 127, 0, 0, 0, 0, 0, 0x01, 0x11, 0x70}, long...), opText, long, ""},
		{"ping", []byte("\x89\x01p"), opPing, []byte("p"), ""},
		{"close", []byte("\x88\x02\x03\xe8"), opClose, []byte("\x03\xe8"), ""},
		{"a fragment", []byte("\x01\x02hi"), 0, nil, "fragment"},
		{"compressed", []byte("\xc1\x02hi"), 0, nil, "reserved bits"},
		{"masked", []byte("\x81\x82\x00\x00\x00\x00hi"), 0, nil, "masked"},
		{"huge", []byte{0x81, 127, 0xff, 0, 0, 0, 0, 0, 0, 0}, 0, nil, "larger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, size, err := parseFrame(c.in)
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) {
					t.Fatalf("error %v, want one about %q", err, c.fail)
				}
				return
			}
			if err != nil || size != len(c.in) || f.op != c.op || !bytes.Equal(f.payload, c.payload) {
				t.Fatalf("opcode %d, %d bytes, size %d, error %v", f.op, len(f.payload), size, err)
			}
			for i := range min(len(c.in), 300) {
				if _, size, err := parseFrame(c.in[:i]); i < len(c.in) && (size != 0 || err != nil) {
					t.Fatalf("the first %d bytes: size %d, error %v; want more bytes to be asked for", i, size, err)
				}
			}
		})
	}
}

// serveSocket runs talk on the server's end of a websocket and returns the client's.
func serveSocket(t *testing.T, talk func(*websocket.Conn)) *Socket {
	t.Helper()
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		if r.URL.RequestURI() != "/participant/socket?token=abc%3D" {
			t.Errorf("the server was asked for %q", r.URL.RequestURI())
		}
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		talk(conn)
	}))
	socket, err := DialSocket(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http")+"/participant/socket?token=abc%3D", nil, 256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close(); <-done; s.Close() })
	return socket
}

func TestSocketReadsFramesOfAllSizes(t *testing.T) {
	sizes := []int{0, 1, 125, 126, 255, 256, 5000, 65_535, 65_536, 3}
	s := serveSocket(t, func(conn *websocket.Conn) {
		for _, size := range sizes {
			if err := conn.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte("y"), size)); err != nil {
				t.Error(err)
			}
		}
	})
	for _, size := range sizes {
		payload, err := s.Next()
		if err != nil || string(payload) != strings.Repeat("y", size) {
			t.Fatalf("a payload of %d bytes, error %v; want %d", len(payload), err, size)
		}
	}
	if _, err := s.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("error %v in the end, want EOF", err)
	}
}

func TestSocketSubscribesAndKeepsAlive(t *testing.T) {
	answers := map[string]string{
		subscribeFrame: `{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}`,
		pingFrame:      `{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}`,
		heartbeatFrame: `{"topic":"aws/heartbeat"}`,
	}
	s := serveSocket(t, func(conn *websocket.Conn) {
		for range 3 {
			_, b, err := conn.ReadMessage()
			if err != nil {
				t.Error(err)
				return
			}
			// Something else may come first.
			conn.WriteMessage(websocket.TextMessage, []byte(`{"topic":"aws/chat"}`))
			conn.WriteMessage(websocket.TextMessage, []byte(answers[string(b)]))
		}
	})
	if err := s.Subscribe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Heartbeat(); err != nil {
		t.Fatal(err)
	}
}

func TestSocketAnswersPings(t *testing.T) {
	s := serveSocket(t, func(conn *websocket.Conn) {
		conn.SetPongHandler(func(text string) error {
			return conn.WriteMessage(websocket.TextMessage, []byte("pong "+text))
		})
		conn.WriteControl(websocket.PingMessage, []byte("42"), noDeadline)
		conn.ReadMessage()
	})
	payload, err := s.Next()
	if err != nil || string(payload) != "pong 42" {
		t.Fatalf("%q, error %v; want the pong's echo", payload, err)
	}
}

func TestSocketReportsWhyItWasClosed(t *testing.T) {
	s := serveSocket(t, func(conn *websocket.Conn) {
		conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1013, "slow"), noDeadline)
	})
	if _, err := s.Next(); err == nil || !strings.Contains(err.Error(), "1013 slow") {
		t.Fatalf("error %v, want one with 1013 slow", err)
	}
}

func TestDialSocketReportsARefusal(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no such token", http.StatusForbidden)
	}))
	defer s.Close()
	_, err := DialSocket(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http")+"/x", nil, 1024)
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Fatalf("error %v, want one with 403", err)
	}
}

func TestDialSocketFromAnotherAddress(t *testing.T) {
	var from string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from = r.RemoteAddr
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer s.Close()
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}
	if probe, err := net.Listen("tcp", "127.0.0.3:0"); err != nil {
		t.Skip("this system has no address 127.0.0.3:", err)
	} else {
		probe.Close()
	}
	DialSocket(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http")+"/x", local, 1024)
	if !strings.HasPrefix(from, "127.0.0.3:") {
		t.Fatalf("the server was reached from %q, want 127.0.0.3", from)
	}
}
