package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
)

// A server behind a load balancer says that it is not ready, and serves until that was
// noticed.
func TestDrainDelay(t *testing.T) {
	clock := clockwork.NewFakeClock()
	srv, err := Open(settings(func(s *config.Settings) { s.DrainDelay = time.Hour }), clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	for path, want := range map[string]string{livePath: "ok\n", readyPath: "ready\n"} {
		if status, body := ask(t, "GET", srv.URL()+path, ""); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	stop()
	for !srv.draining.Load() {
		select {
		case err := <-served:
			t.Fatalf("the server ended at once: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if status, _ := ask(t, "GET", srv.URL()+readyPath, ""); status != http.StatusServiceUnavailable {
		t.Errorf("while draining, %s: %d", readyPath, status)
	}
	resp, err := http.Get(srv.URL() + livePath)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !resp.Close {
		t.Errorf("while draining, %s: %d, and the connection may be used again: %t", livePath, resp.StatusCode, !resp.Close)
	}
	for waiting := true; waiting; { // the server may not have come to wait yet
		clock.Advance(time.Hour)
		select {
		case err := <-served:
			waiting = false
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Millisecond):
		}
	}
}

// Whoever is told to part can do it without losing a request: the next one goes by a new
// connection, and is served.
func TestPart(t *testing.T) {
	clock := clockwork.NewFakeClock()
	srv, err := Open(settings(func(*config.Settings) {}), clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.close()
	parted := make(chan struct{})
	go func() {
		srv.Part(t.Context())
		close(parted)
	}()
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	srv.handler.ServeHTTP(w, httptest.NewRequest("GET", livePath, nil))
	if w.Code != http.StatusOK || w.Header().Get("Connection") != "close" {
		t.Errorf("%d, Connection: %s", w.Code, w.Header().Get("Connection"))
	}
	clock.Advance(partFor)
	<-parted
}

// impatient is a store that asks nobody for those who are gone, as a database's driver does.
type impatient struct{ store.Store }

func (impatient) Due(ctx context.Context, _ int) ([]store.Due, error) { return nil, ctx.Err() }

func TestNotReadyWithoutStore(t *testing.T) {
	var log strings.Builder
	srv, err := Open(settings(func(*config.Settings) {}), clockwork.NewRealClock(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.close() // whose error says that the store is closed
	there, gone := srv.store, memstore.New()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		store store.Store
		want  int
	}{{there, 200}, {gone, 503}, {gone, 503}, {there, 200}, {there, 200}} {
		srv.store = c.store
		w := httptest.NewRecorder()
		srv.handler.ServeHTTP(w, httptest.NewRequest("GET", readyPath, nil))
		if w.Code != c.want {
			t.Errorf("%s: %d %q; want %d", readyPath, w.Code, w.Body, c.want)
		}
	}
	srv.store = impatient{there}
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	srv.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", readyPath, nil))
	for _, words := range []string{"not ready", "ready again"} {
		if n := strings.Count(log.String(), words); n != 1 {
			t.Errorf("%d times %q; want it once:\n%s", n, words, log.String())
		}
	}
}
