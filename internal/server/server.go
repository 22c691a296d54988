// Package server puts a running server together from its settings: store, bus, node,
// both APIs and the websockets, behind one listener. The command and tests use it, so
// that what is tested is what runs.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/connect"
	"github.com/parley-chat/parley/internal/console"
	"github.com/parley-chat/parley/internal/console/meter"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/participant"
	"github.com/parley-chat/parley/internal/quota"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/sigv4"
	"github.com/parley-chat/parley/internal/socket"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/turnable"
	"github.com/parley-chat/parley/internal/work"
)

// Bounds of the HTTP server. A websocket is not bound by them.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

// Server is one server, open and ready to serve.
type Server struct {
	settings config.Settings
	log      *slog.Logger
	dir      *dataDir
	center   *center.Center
	store    store.Store
	bus      bus.Bus
	blobs    blob.Store
	worker   *work.Worker
	node     *node.Node
	sockets  *socket.Server
	handler  http.Handler
	listener net.Listener
	wall     clockwork.Clock // by which requests are signed
	clock    clockwork.Clock // wall, or what a local server is told
	draining atomic.Bool
	unready  atomic.Bool // as /readyz has found last
}

// Open takes the settings' data directory and address. Its error is a sentence for
// the person who started the server; no data was changed then.
func Open(s config.Settings, clock clockwork.Clock, log *slog.Logger) (*Server, error) {
	if err := Check(s); err != nil {
		return nil, err
	}
	l, err := listen(s.Listen)
	if err != nil {
		return nil, err
	}
	srv := &Server{log: log, listener: l, wall: clock, clock: clock}
	if srv.settings, err = atListener(s, l); err != nil {
		return nil, errors.Join(err, srv.close())
	}
	if srv.settings.Local() {
		srv.clock = turnable.New(clock)
	}
	if err := srv.open(srv.clock); err != nil {
		return nil, errors.Join(err, srv.close())
	}
	return srv, nil
}

func (s *Server) open(clock clockwork.Clock) (err error) {
	if s.dir, err = s.openDataDir(); err != nil {
		return err
	}
	tokens, err := s.tokens() // before there is a database: it must never be without its key
	if err != nil {
		return err
	}
	if s.center, err = newCenter(&s.settings, tokens); err != nil {
		return err
	}
	if s.store, err = s.openStore(); err != nil {
		return err
	}
	if s.bus, err = s.openBus(); err != nil {
		return err
	}
	if err = s.openBlobs(clock, tokens); err != nil {
		return err
	}
	scanner, err := s.scanner(clock)
	if err != nil {
		return err
	}
	s.worker = work.New(work.Config{Center: s.center, Blobs: s.blobs, Scanner: scanner, Clock: clock, Log: s.log})
	s.node = node.New(node.Config{
		Store: s.store, Bus: s.bus, Clock: clock, Worker: s.worker, MaxChats: s.maxChats(), Log: s.log,
		Alone: s.settings.Store == "", // the data directory, or memory, is this process's
	})
	s.sockets = socket.New(socket.Config{
		Node: s.node, Tokens: tokens, Clock: clock, Log: s.log, ReportLost: s.settings.AgentGone+s.settings.CustomerGone > 0,
	})
	return s.routes(clock, tokens)
}

// tokens is the keyring of the settings, or of the key kept with the data.
func (s *Server) tokens() (*token.Keyring, error) {
	keys, err := s.settings.Tokens()
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		key, err := s.dir.tokenKey()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return token.NewKeyring(keys...)
}

// routes builds the handler of everything the server answers.
func (s *Server) routes(clock clockwork.Clock, tokens *token.Keyring) error {
	keys, err := s.settings.Keys()
	if err != nil {
		return err
	}
	attachments, err := s.attachments()
	if err != nil {
		return err
	}
	var f faults
	var fault func(string, *http.Request) *restjson.Error
	if s.settings.Local() {
		fault = f.take
	}
	p := participant.New(participant.Config{
		Node: s.node, Center: s.center, Blobs: s.blobs, Tokens: tokens, Clock: clock,
		SocketBase: "ws" + strings.TrimPrefix(s.URL(), "http"), Attachments: attachments,
		Strict: s.settings.MessageLimit == config.StrictMessages,
		Fault:  fault, Limit: s.limit(quota.AWSParticipant, clock),
	})
	inside := connect.Config{
		Node: s.node, Center: s.center, Tokens: tokens,
		Strict:    s.settings.MessageLimit == config.StrictMessages,
		AgentGone: s.settings.AgentGone, CustomerGone: s.settings.CustomerGone,
	}
	outside := inside
	outside.Fault, outside.Limit = fault, s.limit(quota.AWSConnect, clock)
	outside.Verifier = &sigv4.Verifier{Keys: keys, Service: "connect", Clock: s.wall}
	c := connect.New(outside)
	mux, count := http.NewServeMux(), meter.New()
	p.Register(mux)
	c.Register(mux)
	if err := s.console(mux, count, connect.New(inside), tokens, clock); err != nil {
		return err
	}
	mux.Handle(participant.SocketPath, s.sockets)
	if h, ok := s.blobs.(http.Handler); ok {
		mux.Handle(served.Path, h)
	}
	mux.HandleFunc("GET "+livePath, s.live)
	mux.HandleFunc("GET "+readyPath, s.ready)
	mux.HandleFunc("/", restjson.NotFound)
	if fault != nil {
		f.known = func() (names []string) {
			for _, op := range append(p.Operations(), c.Operations()...) {
				names = append(names, op.Name)
			}
			return names
		}
		mux.Handle(faultsPath, &f)
	}
	if c, turns := clock.(*turnable.Clock); turns {
		mux.Handle(clockPath, hand{c})
	}
	s.handler = s.parting(restjson.Edge(count.Count(console.Path, "/participant/message", mux), s.log, restjson.EdgeOptions{Origins: s.settings.AllowOrigins}))
	return nil
}

// limit counts the calls of an API, if the settings say so.
func (s *Server) limit(aws func() quota.Limits, clock clockwork.Clock) func(op string) time.Duration {
	if s.settings.Quotas != config.QuotasAWS {
		return nil
	}
	return quota.New(aws(), clock).Take
}

// maxChats is how many chats may go on at a time.
func (s *Server) maxChats() int {
	if s.settings.MaxChats == 0 && s.settings.Quotas == config.QuotasAWS {
		return quota.ActiveChats
	}
	return s.settings.MaxChats
}

// URL is where clients reach the server.
func (s *Server) URL() string {
	if s.settings.PublicURL != "" {
		return strings.TrimSuffix(s.settings.PublicURL, "/")
	}
	return s.Listening()
}

// Listening is where the server listens, whatever the URL by which clients reach it.
func (s *Server) Listening() string {
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1" // ChatJS takes plain ws:// for this address only (semantics.md 1.1)
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Serve answers requests until ctx ends, then drains: it stops accepting, finishes
// what is under way, and closes sockets with 1012 after what is queued for them, all
// within DrainTime, which begins after DrainDelay and DrainSpread.
func (s *Server) Serve(ctx context.Context) error {
	// Handlers and deadlines go on while the server drains.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var background sync.WaitGroup
	background.Go(func() { s.node.Run(work) })
	background.Go(func() { s.sockets.Run(work) })
	background.Go(func() { s.worker.Run(work) })
	h := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	g := newGate(s.listener)
	h.ConnState = g.track
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(g) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	s.drain(work, h, g)
	stop()
	background.Wait()
	return errors.Join(err, s.close())
}

// close releases what was opened, in the reverse order.
func (s *Server) close() error {
	var errs []error
	if s.node != nil {
		s.node.Close()
	}
	if s.bus != nil {
		errs = append(errs, s.bus.Close())
	}
	if s.blobs != nil {
		errs = append(errs, s.blobs.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.dir != nil {
		errs = append(errs, s.dir.close())
	}
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
