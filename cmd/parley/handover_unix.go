//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

var errHandover = errors.New("the process is to be replaced")

// serve serves until ctx ends, or a SIGHUP comes: then the process drains and replaces
// itself with what its executable is by then, which inherits the listening socket. No
// connection is refused meanwhile; those that come wait until the new one accepts them.
func (c *serveCmd) serve(ctx context.Context, out io.Writer, srv *server.Server) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	c.greet(out, srv.Listening(), srv.URL())
	go func() {
		select {
		case <-hup:
			srv.Part(ctx)
			stop(errHandover)
		case <-ctx.Done():
		}
	}()
	heir, err := srv.Bequest()
	if err != nil {
		return errors.Join(err, srv.Serve(ctx))
	}
	defer heir.Close()
	err = srv.Serve(ctx)
	if err != nil || !errors.Is(context.Cause(ctx), errHandover) {
		return err
	}
	return replace(heir)
}

// replace makes the process another one, which inherits the file. It returns only if
// that fails.
func replace(heir *os.File) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	if _, err := unix.FcntlInt(heir.Fd(), unix.F_SETFD, 0); err != nil { // not to be closed by exec
		return err
	}
	signal.Ignore(syscall.SIGHUP) // until the new one listens for it: it would end by the next
	env := append(os.Environ(), fmt.Sprintf("%s=%d", config.InheritedListener, heir.Fd()))
	return fmt.Errorf("the process can't be replaced by %s: %w", path, syscall.Exec(path, os.Args, env))
}
