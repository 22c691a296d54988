package main

import (
	"context"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/internal/terminal"
)

type tailCmd struct {
	remote
	Contact string `arg:"" help:"Contact to watch."`
	JSON    bool   `name:"json" help:"Print events as JSON, one on a line."`
}

// Run prints what happens in a contact until it is over or the command is interrupted.
func (c *tailCmd) Run(e *env) error {
	return c.watch(e.ctx, c.Contact, func(ctx context.Context, s *client.Session) error {
		out := &terminal.Teller{Out: e.stdout, JSON: c.JSON}
		for ev, err := range s.Events(ctx) {
			if err != nil {
				return err
			}
			if err := out.Tell(ev); err != nil {
				return err
			}
		}
		return nil
	})
}

// watch joins a contact as a supervisor, of whom nobody is told, and leaves it after.
func (r *remote) watch(ctx context.Context, contact string, do func(context.Context, *client.Session) error) error {
	ctx, stop := inChat(ctx)
	defer stop()
	cfg, err := r.config(ctx)
	if err != nil {
		return err
	}
	place, err := r.place(ctx, cfg, contact, "parley", "SUPERVISOR")
	if err != nil {
		return err
	}
	s, err := client.Join(ctx, cfg, place)
	if err != nil {
		return terminal.Explain(err)
	}
	defer s.Close()
	err = do(ctx, s)
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	_ = s.Disconnect(leave) // the place is given up; if that fails, the contact's end does it
	if ctx.Err() != nil {
		return nil // interrupted, which is how watching ends
	}
	return terminal.Explain(err)
}
