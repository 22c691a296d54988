package proxytest_test

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/proxytest"
)

// lateEnd is a request's body whose end is looked for only after the answer began.
type lateEnd struct {
	io.ReadCloser
	answered <-chan struct{}
	read     bool
}

func (b *lateEnd) Read(p []byte) (int, error) {
	if b.read {
		<-b.answered
		return b.ReadCloser.Read(p)
	}
	b.read = true
	return io.ReadFull(b.ReadCloser, p[:len("question")])
}

// began says when a response's header was written, and with it the body closed.
type began struct {
	http.ResponseWriter
	answered chan struct{}
}

func (w *began) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *began) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	if err == nil {
		err = http.NewResponseController(w.ResponseWriter).Flush()
	}
	if w.answered != nil {
		close(w.answered)
		w.answered = nil
	}
	return n, err
}

func TestFront(t *testing.T) {
	const size = 1 << 22 // more than fits into the connections' buffers
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, strings.Repeat("x", size))
	}))
	defer node.Close()
	target, err := url.Parse(node.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	front := httptest.NewServer(proxytest.Front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := make(chan struct{})
		r.Body = &lateEnd{ReadCloser: r.Body, answered: answered}
		proxy.ServeHTTP(&began{w, answered}, r)
	})))
	defer front.Close()
	for range 20 {
		resp, err := http.Post(front.URL, "text/plain", strings.NewReader("question"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || n != size {
			t.Fatalf("%d bytes came, and %v", n, err)
		}
	}
}

// A proxy that reaches nobody answers without having looked at the question. The connection
// is good for the next one all the same.
func TestFrontWithNothingBehind(t *testing.T) {
	var said bytes.Buffer // to be read when the server has ended
	front := httptest.NewUnstartedServer(proxytest.Front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	})))
	front.Config.ErrorLog = log.New(&said, "", 0)
	front.Start()
	for range 20 {
		resp, err := http.Post(front.URL, "text/plain", strings.NewReader("question"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	front.Close()
	if said.Len() > 0 {
		t.Errorf("the server says: %.300s", &said)
	}
}
