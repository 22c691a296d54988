package restjson_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parley-chat/parley/internal/restjson"
)

// replay is a body that can be read again and again.
type replay struct{ bytes.Reader }

func (*replay) Close() error { return nil }

// sink is a response writer that keeps nothing.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

// BenchmarkOperation is a request like SendMessage without net/http around it: the
// way from the mux to the handler and back.
func BenchmarkOperation(b *testing.B) {
	type out struct {
		Id           string `json:"Id"`
		AbsoluteTime string `json:"AbsoluteTime"`
	}
	api := newAPI(restjson.Options{})
	restjson.Handle(api, "SendMessage", "POST", "/participant/message", func(_ context.Context, _ *messageIn) (*out, error) {
		return &out{"0191c2a0-0000-7000-8000-000000000001", "2026-11-23T10:00:00.000Z"}, nil
	})
	mux := http.NewServeMux()
	api.Register(mux)
	edge := restjson.Edge(mux, quiet, restjson.EdgeOptions{})
	body := []byte(`{"ClientToken":"5b0e6f0e-6f0c-4b0e-8f0c-6f0c4b0e8f0c","Content":"Hello, is anybody there?","ContentType":"text/plain"}`)
	r := httptest.NewRequest("POST", "/participant/message", nil)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Amz-Bearer", "token")
	r.ContentLength = int64(len(body))
	rd := new(replay)
	r.Body = io.ReadCloser(rd)
	for name, h := range map[string]http.Handler{"mux": mux, "edge": edge} {
		b.Run(name, func(b *testing.B) {
			w := &sink{make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				rd.Reset(body)
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
	}
}
