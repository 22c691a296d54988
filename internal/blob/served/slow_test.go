package served_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/blobtest"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
)

// pipes are connections within the process: their deadlines follow the test's time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// slow runs a test against a server with the time-outs of a node, in fake time.
func slow(t *testing.T, run func(t *testing.T, s *served.Store, dial func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		keys, err := token.NewKeyring([]byte("0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		s := memblob.New(served.Config{Base: "http://node", Tokens: keys, Clock: clockwork.NewRealClock()})
		conns := make(pipes)
		srv := http.Server{
			Handler:     restjson.Edge(s, slog.New(slog.DiscardHandler), restjson.EdgeOptions{}),
			ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		}
		go func() { _ = srv.Serve(conns) }()
		defer srv.Close()
		defer close(conns)
		run(t, s, func() net.Conn {
			ours, theirs := net.Pipe()
			conns <- theirs
			return ours
		})
	})
}

// announce sends the head of an upload of those bytes.
func announce(t *testing.T, s blob.Store, c net.Conn, key blob.Key, f blob.File) {
	t.Helper()
	target, err := s.Upload(t.Context(), key, f, time.Now().Add(blob.UploadLife))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	var head strings.Builder
	fmt.Fprintf(&head, "PUT %s HTTP/1.1\r\nHost: node\r\n", u.RequestURI())
	for name, value := range target.Headers {
		fmt.Fprintf(&head, "%s: %s\r\n", name, value)
	}
	if _, err := io.WriteString(c, head.String()+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

// A client with a slow line may take longer than the server gives to requests, as long
// as something comes.
func TestSlowUpload(t *testing.T) {
	slow(t, func(t *testing.T, s *served.Store, dial func() net.Conn) {
		c := dial()
		defer c.Close()
		key, f := blobtest.NewKey(), blobtest.NewFile(strings.Repeat("x", 20))
		announce(t, s, c, key, f)
		for range 20 {
			time.Sleep(stallTime - time.Second)
			if _, err := io.WriteString(c, "x"); err != nil {
				t.Fatal(err)
			}
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("PUT: %v, %v", resp, err)
		}
		if err := s.Commit(t.Context(), key, f); err != nil {
			t.Error(err)
		}
	})
}

// stallTime is how long nothing may come.
const stallTime = 30 * time.Second

// A client that sends nothing any more is not waited for, nor one that takes for ever.
func TestStalledUpload(t *testing.T) {
	for name, pause := range map[string]time.Duration{"silent": stallTime + time.Second, "for ever": stallTime - time.Second} {
		t.Run(name, func(t *testing.T) {
			slow(t, func(t *testing.T, s *served.Store, dial func() net.Conn) {
				c := dial()
				defer c.Close()
				go func() { _, _ = io.Copy(io.Discard, c) }() // whatever it says
				key, f := blobtest.NewKey(), blobtest.NewFile(strings.Repeat("x", 100))
				announce(t, s, c, key, f)
				sent := 0
				for ; sent < 100; sent++ {
					time.Sleep(pause)
					if _, err := io.WriteString(c, "x"); err != nil {
						break
					}
				}
				most := int(blob.UploadLife/pause) + 1
				if pause > stallTime {
					most = 0
				}
				if sent > most {
					t.Errorf("%d bytes were taken, one each %v; want %d at most", sent, pause, most)
				}
				if err := s.Commit(context.Background(), key, f); err == nil {
					t.Error("what was not complete could be committed")
				}
			})
		})
	}
}

// A client may also read slowly.
func TestSlowDownload(t *testing.T) {
	slow(t, func(t *testing.T, s *served.Store, dial func() net.Conn) {
		const size = 1 << 20 // 32 times what is written at once
		c := dial()
		defer c.Close()
		key, f := blobtest.NewKey(), blobtest.NewFile(strings.Repeat("x", size))
		announce(t, s, c, key, f)
		if _, err := io.WriteString(c, strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("PUT: %v, %v", resp, err)
		}
		if err := s.Commit(t.Context(), key, f); err != nil {
			t.Fatal(err)
		}
		down, err := s.Download(t.Context(), key, f, time.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(down)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: node\r\n\r\n", u.RequestURI()); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("GET: %v, %v", resp, err)
		}
		begin := time.Now()
		part := make([]byte, 64<<10)
		for n := 0; n < size; n += len(part) {
			time.Sleep(stallTime - time.Second)
			if _, err := io.ReadFull(resp.Body, part); err != nil {
				t.Fatalf("after %d of %d bytes and %v: %v", n, size, time.Since(begin), err)
			}
		}
	})
}
