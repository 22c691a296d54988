//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

var errHandover = errors.New("the process is to be replaced")

// checkWithin is how long the check of a new program may take.
const checkWithin = 30 * time.Second

// serve serves until ctx ends, or a SIGHUP comes: then the process drains and replaces
// itself with what its executable is by then, which inherits the listening socket. No
// connection is refused meanwhile; those that come wait until the new one accepts them.
// If that one would not start with the settings as they are, nothing happens.
func (c *serveCmd) serve(ctx context.Context, out io.Writer, log *slog.Logger, srv *server.Server) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	c.greet(out, srv.Listening(), srv.URL())
	go func() {
		for ctx.Err() == nil {
			select {
			case <-hup:
				if err := wouldStart(ctx); err != nil {
					log.Error("the server is not replaced: what its program is now would not start", "err", err)
					continue
				}
				srv.Part(ctx)
				stop(errHandover)
			case <-ctx.Done():
			}
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

// wouldStart has the program that is to come look at the settings.
func wouldStart(ctx context.Context) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	args := slices.Clone(os.Args[1:])
	args[slices.Index(args, "serve")] = "config"
	var said strings.Builder
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", path, strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return nil
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
