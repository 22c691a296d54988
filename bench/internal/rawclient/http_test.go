package rawclient

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParseResponse(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX: y\r\n\r\n{}"
	for _, c := range []struct {
		name, in   string
		status     int
		body, fail string
	}{
		{"whole", answer, 200, "{}", ""},
		{"the header's name in any case", "HTTP/1.1 429 Too Many Requests\r\ncontent-LENGTH:3\r\n\r\nabc", 429, "abc", ""},
		{"empty body", "HTTP/1.0 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, "", ""},
		{"no reason phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "", ""},
		{"no content by its status", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", ""},
		{"a websocket begins", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00", 101, "", ""},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "", "Content-Length only"},
		{"no length", "HTTP/1.1 200 OK\r\n\r\n", 0, "", "no Content-Length"},
		{"a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n", 0, "", "no number"},
		{"a length too long to be true", "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", 0, "", "1 to 9 digits"},
		{"not HTTP", "SSH-2.0-something\r\n\r\n", 0, "", "no HTTP/1 status line"},
		{"a status that is no number", "HTTP/1.1 2x0 OK\r\n\r\n", 0, "", "no number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, size, err := parseResponse([]byte(c.in))
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) {
					t.Fatalf("error %v, want one about %q", err, c.fail)
				}
				return
			}
			if err != nil || size == 0 || r.Status != c.status || string(r.Body) != c.body {
				t.Fatalf("%d %q, size %d, error %v; want %d %q", r.Status, r.Body, size, err, c.status, c.body)
			}
		})
	}
	for i := range len(answer) {
		if _, size, err := parseResponse([]byte(answer[:i])); size != 0 || err != nil {
			t.Errorf("the first %d bytes: size %d, error %v; want more bytes to be asked for", i, size, err)
		}
	}
}

func TestHTTPReadsWhatAServerSends(t *testing.T) {
	sizes := []int{0, 1, 4 << 10, 60 << 10, 2}
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "hello" {
			t.Errorf("the server got %q, error %v", body, err)
		}
		w.Header().Set("Content-Length", itoa(sizes[calls]))
		io.WriteString(w, strings.Repeat("x", sizes[calls]))
		calls++
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	h, err := DialHTTP(context.Background(), host)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, size := range sizes {
		r, err := h.Do([]byte("POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 5\r\n\r\nhello"))
		if err != nil || r.Status != 200 || len(r.Body) != size {
			t.Fatalf("%d with %d bytes, error %v; want 200 with %d", r.Status, len(r.Body), err, size)
		}
	}
}

func TestHTTPRefusesAnEndlessAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", itoa(2*maxResponse))
		w.Write(make([]byte, 2*maxResponse))
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	h, err := DialHTTP(context.Background(), host)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := h.Do([]byte("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n")); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Fatalf("error %v, want one about the size", err)
	}
}
