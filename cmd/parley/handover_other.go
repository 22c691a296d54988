//go:build !unix

package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/parley-chat/parley/internal/server"
)

// serve serves until ctx ends. Here a process can't be replaced by another.
func (c *serveCmd) serve(ctx context.Context, out io.Writer, _ *slog.Logger, srv *server.Server) error {
	c.greet(out, srv.Listening(), srv.URL())
	return srv.Serve(ctx)
}
