package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/parley-chat/parley/bench/internal/process"
	"github.com/parley-chat/parley/bench/internal/talk"
)

// shared is what several nodes have in common: servers of the benchmark's own.
type shared struct {
	postgres *process.Postgres
	nats     *process.NATS
	remove   func()
}

// startShared starts PostgreSQL and NATS.
func (b *bench) startShared(ctx context.Context) (s *shared, err error) {
	dir, remove, err := b.dataDir()
	if err != nil {
		return nil, err
	}
	s = &shared{remove: remove}
	if s.postgres, err = process.StartPostgres(ctx, dir); err == nil {
		s.nats, err = process.StartNATS(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *shared) stop() error {
	var errs []error
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop())
	}
	if s.nats != nil {
		errs = append(errs, s.nats.Stop())
	}
	s.remove()
	return errors.Join(errs...)
}

// installation is what a trial talks to: one server, or nodes with what they share.
type installation struct {
	servers []*process.Server
	with    *shared // nil for one server by itself
	remove  func()
}

// installOne starts a server by itself, which keeps what it gets or doesn't.
func (b *bench) installOne(ctx context.Context, program string, kept bool) (*installation, error) {
	data, remove, err := b.dataDir()
	if err != nil {
		return nil, err
	}
	in := &installation{remove: remove}
	if !kept {
		data = process.InMemory
	}
	s, err := process.Start(ctx, program, data)
	if err != nil {
		return nil, errors.Join(err, in.stop())
	}
	in.servers = append(in.servers, s)
	return in, nil
}

// installNodes starts nodes on an empty database.
func (b *bench) installNodes(ctx context.Context, with *shared, n int) (*installation, error) {
	url, err := with.postgres.Database(ctx)
	if err != nil {
		return nil, err
	}
	in := &installation{with: with, remove: func() {}}
	for range n {
		s, err := process.Start(ctx, b.Program, os.DevNull, "--store", url, "--bus", with.nats.URL, "--attachments", "off",
			"--token-keys", "cGFybGV5LWJlbmNobWFyay1rZXk=") // all have the same
		if err != nil {
			return nil, errors.Join(err, in.stop())
		}
		in.servers = append(in.servers, s)
	}
	return in, nil
}

// controls talk to each of the servers.
func (in *installation) controls() (all []*talk.Control, done func()) {
	for _, s := range in.servers {
		all = append(all, talk.NewControl(s.URL))
	}
	return all, func() {
		for _, c := range all {
			c.Close()
		}
	}
}

// failed adds to an error what the servers have said.
func (in *installation) failed(err error) error {
	for i, s := range in.servers {
		err = fmt.Errorf("%w\nThe log of server %d ends with\n%s", err, i, s.Log())
	}
	return err
}

// stop ends the servers. What they share goes on.
func (in *installation) stop() error {
	var errs []error
	for _, s := range in.servers {
		errs = append(errs, s.Stop())
	}
	in.remove()
	return errors.Join(errs...)
}

// cpuTimes are CPU times at one moment.
type cpuTimes struct{ machine, server, postgres, nats, own time.Duration }

func (c cpuTimes) others() time.Duration { return c.machine - c.server - c.postgres - c.nats - c.own }

func (in *installation) cpu() (c cpuTimes, err error) {
	var errs []error
	read := func(t *time.Duration, from func() (time.Duration, error)) {
		d, err := from()
		*t += d
		errs = append(errs, err)
	}
	read(&c.machine, process.MachineCPU)
	read(&c.own, process.Self().CPU)
	for _, s := range in.servers {
		read(&c.server, s.Process.CPU)
	}
	if in.with != nil {
		read(&c.postgres, in.with.postgres.CPU)
		read(&c.nats, in.with.nats.Process.CPU)
	}
	return c, errors.Join(errs...)
}
