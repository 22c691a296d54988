package blobtest

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
)

// Serve opens a store that a node serves, behind the edge that a node has.
func Serve(t *testing.T, open func(served.Config) (*served.Store, error)) Place {
	t.Helper()
	tokens, err := token.NewKeyring(token.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	clock := clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 9, 30, 0, 123e6, time.UTC))
	srv := httptest.NewUnstartedServer(nil)
	store, err := open(served.Config{Base: "http://" + srv.Listener.Addr().String(), Tokens: tokens, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	const origin = "https://shop.example.com"
	srv.Config.Handler = restjson.Edge(store, slog.New(slog.DiscardHandler), restjson.EdgeOptions{Origins: []string{origin}})
	srv.Start()
	t.Cleanup(srv.Close)
	return Place{Store: store, Now: clock.Now, Pass: clock.Advance, Origin: origin}
}
