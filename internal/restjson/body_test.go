package restjson_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/restjson"
)

func messageServer(t *testing.T, o restjson.Options) (*httptest.Server, *[]string) {
	t.Helper()
	var seen []string
	api := newAPI(o)
	restjson.Handle(api, "SendMessage", "POST", "/m", func(_ context.Context, in *messageIn) (*empty, error) {
		seen = append(seen, *in.Content)
		return nil, nil
	})
	restjson.Handle(api, "Get", "GET", "/g/{X}", func(_ context.Context, _ *struct {
		X *string `path:"X"`
	},
	) (*empty, error) {
		return nil, nil
	})
	srv := httptest.NewServer(restjson.Edge(muxOf(api), quiet, restjson.EdgeOptions{}))
	t.Cleanup(srv.Close)
	return srv, &seen
}

// TestBodyLimit sends too much over a real connection, with a Content-Length and in
// chunks, just above the limit and far above it. The answer must arrive whole, and
// afterwards the connection must be closed cleanly or work.
func TestBodyLimit(t *testing.T) {
	srv, seen := messageServer(t, restjson.Options{})
	for _, size := range []int{restjson.MaxBody + 1, restjson.MaxBody * 8} {
		for _, chunked := range []bool{false, true} {
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			sent := make(chan error, 1)
			go func() { sent <- post(conn, size, chunked) }()
			rd := bufio.NewReader(conn)
			r, err := http.ReadResponse(rd, nil)
			if err != nil {
				t.Fatalf("%d bytes, chunked %v: no answer: %v", size, chunked, err)
			}
			if m := message(t, r); r.StatusCode != 413 || r.Header.Get("X-Amzn-ErrorType") != "RequestEntityTooLargeException" || m == "" {
				t.Errorf("%d bytes, chunked %v: %d %s", size, chunked, r.StatusCode, m)
			}
			err = <-sent
			if r.Close {
				if _, err := rd.ReadByte(); err != io.EOF && size < restjson.MaxBody*2 {
					t.Errorf("%d bytes, chunked %v: the connection ends with %v", size, chunked, err)
				}
			} else if err != nil || post(conn, 10, false) != nil {
				t.Errorf("%d bytes, chunked %v: the connection is not usable: %v", size, chunked, err)
			} else if r, err := http.ReadResponse(rd, nil); err != nil || r.StatusCode != 200 {
				t.Errorf("%d bytes, chunked %v: the next answer: %v, %v", size, chunked, r, err)
			}
			_ = conn.Close()
		}
	}
	if slices.ContainsFunc(*seen, func(s string) bool { return len(s) > 10 }) {
		t.Error("too large a body reached the handler")
	}
}

// post writes a request whose body has about size bytes.
func post(w io.Writer, size int, chunked bool) error {
	body := `{"ContentType":"text/plain","Content":"` + strings.Repeat("x", size) + `"}`
	head := "POST /m HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	if !chunked {
		_, err := fmt.Fprintf(w, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
		return err
	}
	if _, err := io.WriteString(w, head+"Transfer-Encoding: chunked\r\n\r\n"); err != nil {
		return err
	}
	for part := range slices.Chunk([]byte(body), 10000) {
		if _, err := fmt.Fprintf(w, "%x\r\n%s\r\n", len(part), part); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "0\r\n\r\n")
	return err
}

func TestContentTypes(t *testing.T) {
	srv, _ := messageServer(t, restjson.Options{})
	const good = `{"ContentType":"text/plain","Content":"hi"}`
	for kind, want := range map[string]int{
		"": 200, "application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON": 200,
		"application/x-amz-json-1.0": 200, "application/x-amz-json-1.1": 200,
		"text/plain;charset=UTF-8": 415, "application/xml": 415, "application/x-www-form-urlencoded": 415, "json": 415, ";": 415,
	} {
		r := do(t, srv.Config.Handler, "POST", "/m", good, "Content-Type", kind)
		if r.StatusCode != want || r.StatusCode == 415 && message(t, r) == "" {
			t.Errorf("Content-Type %q: %d, want %d", kind, r.StatusCode, want)
		}
	}
	if r := do(t, srv.Config.Handler, "GET", "/g/x", "", "Content-Type", "text/plain"); r.StatusCode != 200 {
		t.Errorf("GET without a body: %d", r.StatusCode)
	}
}

func TestOrderOfChecks(t *testing.T) {
	var asked []string
	refuse := func(code string) *restjson.Error { return &restjson.Error{Code: code, Status: 403, Message: code} }
	var before, fault bool
	srv, seen := messageServer(t, restjson.Options{
		Fault: func(op string, _ *http.Request) *restjson.Error {
			asked = append(asked, "fault "+op)
			if fault {
				return refuse("Fault")
			}
			return nil
		},
		Before: func(r *http.Request, op string, body []byte) (context.Context, error) {
			asked = append(asked, "before "+op+" "+string(body))
			if before {
				return nil, refuse("Before")
			}
			return r.Context(), nil
		},
	})
	for _, step := range []struct {
		fault, before bool
		want          string
	}{{true, true, "Fault"}, {false, true, "Before"}, {false, false, "ValidationException"}} {
		asked, fault, before = nil, step.fault, step.before
		r := do(t, srv.Config.Handler, "POST", "/m", "bad")
		if got := r.Header.Get("X-Amzn-ErrorType"); got != step.want {
			t.Errorf("%+v: %s", step, got)
		}
	}
	if want := []string{"fault SendMessage", "before SendMessage bad"}; !slices.Equal(asked, want) || len(*seen) > 0 {
		t.Errorf("asked %q, want %q; handler saw %q", asked, want, *seen)
	}
}

func TestCutOffBody(t *testing.T) {
	srv, seen := messageServer(t, restjson.Options{})
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST /m HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"Content\":\"a\",\"ContentType\":\"b\"}")
	_ = conn.(*net.TCPConn).CloseWrite()
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != 400 || len(*seen) > 0 {
		t.Errorf("status %d, handler saw %q", r.StatusCode, *seen)
	}
}
