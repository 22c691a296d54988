package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-chat/parley/internal/server"
	"github.com/parley-chat/parley/internal/store/storecopy"
)

type copyCmd struct {
	From string `help:"Data directory, or URL of a PostgreSQL database, to copy from. No server may run on it." required:"" placeholder:"DIR|URL"`
	To   string `help:"Data directory or URL to copy to; an empty one, or one of an earlier copy that was interrupted." required:"" placeholder:"DIR|URL"`
}

// Run copies, then reads both stores and compares them.
func (c *copyCmd) Run(e *env) (err error) {
	log := slog.New(slog.NewTextHandler(e.stderr, nil))
	from, err := server.OpenStore(e.ctx, c.From, true, log)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := server.OpenStore(e.ctx, c.To, false, log)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	t, err := storecopy.Copy(e.ctx, from, to, e.progress("copied"))
	if err != nil {
		return fmt.Errorf("the copy is not complete; run the same command again to go on: %w", err)
	}
	fmt.Fprintf(e.stdout, "copied %d chats with %d entries, %d of which were new\n", t.Chats, t.Entries, t.Written)
	if t, err = storecopy.Compare(e.ctx, from, to, e.progress("compared")); err != nil {
		return fmt.Errorf("the copy is not like the original: %w", err)
	}
	fmt.Fprintf(e.stdout, "both have %d chats with %d entries; sha256 of all: %s\n", t.Chats, t.Entries, t.Digest)
	return nil
}

// progress says every few seconds how far something is.
func (e *env) progress(did string) func(storecopy.Tally) {
	begun, said := time.Now(), time.Now()
	return func(t storecopy.Tally) {
		if time.Since(said) < 2*time.Second {
			return
		}
		said = time.Now()
		rate := float64(t.Entries) / said.Sub(begun).Seconds()
		fmt.Fprintf(e.stderr, "%s %d chats with %d entries, %.0f entries/s\n", did, t.Chats, t.Entries, rate)
	}
}
