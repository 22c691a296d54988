package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/bus/natsbus"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/console"
	"github.com/parley-chat/parley/internal/console/desk"
	"github.com/parley-chat/parley/internal/console/meter"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
)

// console adds the web console, and sends browsers there that ask for nothing else.
// control is the Connect API for callers inside the server.
func (s *Server) console(mux *http.ServeMux, count *meter.Meter, control *restjson.API, tokens *token.Keyring, clock clockwork.Clock) error {
	inside := http.NewServeMux()
	var bus func() *desk.Bus
	if b, ok := s.bus.(*natsbus.Bus); ok {
		bus = func() *desk.Bus {
			well, _ := b.Health()
			n := b.Stats()
			return &desk.Bus{Well: well, Sent: n.Sent, Received: n.Received, Dropped: n.Dropped, Slow: n.Slow, Damaged: n.Damaged}
		}
	}
	control.Register(inside)
	pages, err := console.New(console.Config{
		Config: desk.Config{
			Node: s.node, Center: s.center, Tokens: tokens, Clock: clock, Local: s.settings.Local(), FlowID: config.LocalFlow,
			Attachments: s.settings.Attachments != "off", Blobs: s.blobs,
			Meter: count, Sockets: func() int { return s.sockets.Stats().Open }, Bus: bus,
		},
		URL: s.URL(), Start: inside, WidgetOrigins: s.settings.WidgetOrigins, FileOrigins: s.fileOrigins(),
	})
	if err != nil {
		return err
	}
	mux.Handle(console.Path, pages)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			w.Header().Set("Location", strings.TrimPrefix(console.Path, "/")) // a proxy may have put a path before it
			w.WriteHeader(http.StatusFound)
			return
		}
		restjson.NotFound(w, r)
	})
	return nil
}

// fileOrigins are where browsers send and fetch files, if not at this server: the place
// says so itself, by a URL that nobody uses.
func (s *Server) fileOrigins() []string {
	if s.settings.Blobs == "" {
		return nil
	}
	f := blob.File{Name: "a", ContentType: "text/plain", Size: 1, Metadata: blob.Metadata{
		ContactID: "a", InitialContactID: "a", AccountID: Account, OrganizationID: s.settings.InstanceID}}
	target, err := s.blobs.Upload(context.Background(), blob.Key{}, f, s.wall.Now().Add(blob.UploadLife).Truncate(time.Second))
	if err == nil {
		var at *url.URL
		if at, err = url.Parse(target.URL); err == nil {
			return []string{at.Scheme + "://" + at.Host}
		}
	}
	s.log.Warn("the console's pages can't reach the place of the files", "err", err)
	return nil
}
