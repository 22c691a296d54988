package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

type serveCmd struct {
	config.Settings
}

// gcPercent is the GOGC of a server. The memory of a large one is idle sockets, which
// the default of 100 would let take about a KiB more each; with the durable store, the
// CPU it costs is not to be measured.
const gcPercent = 50

// processClock is the clock of the server; tests put it wrong.
var processClock = clockwork.NewRealClock()

// Run serves until the context ends.
func (c *serveCmd) Run(e *env) error {
	c.Center = e.sources.Center()
	log := newLog(e.stderr, c.Settings)
	srv, err := server.Open(c.Settings, processClock, log)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" { // not earlier: what a start takes, it needs no collection for
		debug.SetGCPercent(gcPercent)
	}
	return c.serve(e.ctx, e.stdout, log, srv)
}

func newLog(w io.Writer, s config.Settings) *slog.Logger {
	opts := &slog.HandlerOptions{Level: s.Level()}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// greet says where the server is and how to point a client at it. Programs wait for
// the first line.
func (c *serveCmd) greet(w io.Writer, listening, url string) {
	fmt.Fprintf(w, "listening on %s\n", listening)
	switch {
	case c.Store != "":
		fmt.Fprintln(w, "data in the database of the setting store")
	case c.Data == config.Memory:
		fmt.Fprintln(w, "nothing is kept: all chats are gone when the server stops")
	default:
		fmt.Fprintf(w, "data in %s\n", c.Data)
	}
	fmt.Fprintf(w, "console at %s/console/\n", url)
	if !c.Local() {
		return
	}
	fmt.Fprintf(w, `
Point any AWS SDK or the AWS CLI at it:

  export AWS_ENDPOINT_URL_CONNECTPARTICIPANT=%[1]s
  export AWS_ENDPOINT_URL_CONNECT=%[1]s
  export AWS_ACCESS_KEY_ID=%[2]s AWS_SECRET_ACCESS_KEY=%[3]s AWS_REGION=%[4]s

and ChatJS, before the first create():

  connect.ChatSession.setGlobalConfig({ endpoint: "%[1]s", region: "%[4]s" })

Instance %[5]s, contact flow %[6]s (any other id will do).
`, url, config.LocalKeyID, config.LocalSecret, c.Region, c.InstanceID, config.LocalFlow)
}
