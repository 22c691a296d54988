// Command bench measures a parley server: how many messages a second it acknowledges
// durably and delivers, what nodes on PostgreSQL and NATS make of that, what an idle
// socket and package client cost, how fast it starts.
//
// It builds the server, runs it as a process of its own on the loopback interface
// with an empty data directory, and talks to it as clients do, over HTTP and
// websockets. Everything sent is checked to arrive: a wrong answer, or a message lost,
// repeated or out of order, ends the run with an error. See README.md next to it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-chat/parley/bench/internal/process"
)

// runWait bounds the whole run.
const runWait = time.Hour

// settings are what the flags say.
type settings struct {
	What          []string
	Conversations []int
	Duration      time.Duration
	Warmup        time.Duration
	Trials        int
	Nodes         []int
	Rates         []int
	Typing        int
	Pace          int
	Sockets       int
	Settle        time.Duration
	Starts        int
	Stores        []string
	Program       string
	Against       string
	Dir           string
	JSON          string
}

// bench is one run.
type bench struct {
	settings
	out    io.Writer
	report report
}

func main() {
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = run(ctx, s, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// scenarios are what can be measured.
var scenarios = []string{"send", "nodes", "client", "sockets", "startup"}

// parse reads the flags.
func parse(arguments []string) (s settings, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	what := f.String("what", strings.Join(scenarios, ","), "what to measure, one after the other")
	conversations := f.String("conversations", "64,256", "numbers of conversations to send in, one after the other; nodes and client have the first")
	kept := f.String("stores", strings.Join(stores[:], ","), "where one server keeps what is sent, any of durable and memory")
	nodes := f.String("nodes", "0,1,2,3", "numbers of nodes on PostgreSQL and NATS to compare; 0 is one server with SQLite")
	rates := f.String("rates", "1000,2500", "messages a second to send to nodes as a pace, one after the other, besides as many as they take; or none")
	f.IntVar(&s.Typing, "typing", 5000, "typing events a second to send to nodes, or 0")
	f.IntVar(&s.Pace, "pace", 500, "messages a second to send by package client as a pace, besides as many as it takes, or 0")
	f.DurationVar(&s.Duration, "duration", 5*time.Second, "how long a trial of sending is measured")
	f.DurationVar(&s.Warmup, "warmup", 2*time.Second, "how long a trial runs before")
	f.IntVar(&s.Trials, "trials", 3, "trials of each kind")
	f.IntVar(&s.Sockets, "sockets", 10_000, "idle sockets")
	f.DurationVar(&s.Settle, "settle", 130*time.Second, "how long to wait for memory to settle; the Go runtime needs 2 minutes")
	f.IntVar(&s.Starts, "starts", 11, "how often to start with an empty directory, and again")
	f.StringVar(&s.Program, "parley", "", "server to measure instead of building bin/parley")
	f.StringVar(&s.Against, "against", "", "another server, an older one say, whose trials of sending alternate with the measured one's; their ratios are printed")
	f.StringVar(&s.Dir, "dir", "", "where to put data directories instead of bin/; its disk is what is measured")
	f.StringVar(&s.JSON, "json", "", "file to write all figures to")
	if err := f.Parse(arguments); err != nil {
		return s, err
	}
	s.What = strings.Split(*what, ",")
	for _, w := range s.What {
		if !slices.Contains(scenarios, w) {
			return s, fmt.Errorf("-what: %q is none of %s", w, strings.Join(scenarios, ", "))
		}
	}
	s.Stores = strings.Split(*kept, ",")
	for _, store := range s.Stores {
		if !slices.Contains(stores[:], store) {
			return s, fmt.Errorf("-stores: %q is not durable or memory", store)
		}
	}
	if s.Conversations, err = numbers("-conversations", *conversations, 1, 4096); err != nil {
		return s, err
	}
	if s.Nodes, err = numbers("-nodes", *nodes, 0, 9); err != nil {
		return s, err
	}
	if s.Rates, err = numbers("-rates", strings.TrimPrefix(*rates, "none"), 1, 100_000); err != nil {
		return s, err
	}
	return s, s.check()
}

// numbers reads a list.
func numbers(flag, list string, least, most int) (all []int, err error) {
	if list == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return nil, fmt.Errorf("%s: %q is not a number from %d to %d", flag, text, least, most)
		}
		all = append(all, n)
	}
	return all, nil
}

// check keeps every loop of the run bounded.
func (s *settings) check() error {
	switch {
	case len(s.Conversations) == 0:
		return errors.New("-conversations must be numbers")
	case s.Duration < time.Second/10 || s.Duration > time.Minute || s.Warmup < 0 || s.Warmup > time.Minute:
		return errors.New("-duration must be 100ms to 1m, -warmup 0 to 1m")
	case s.Typing < 0 || s.Typing > 100_000:
		return errors.New("-typing must be 0 to 100000")
	case s.Pace < 0 || s.Pace > 100_000:
		return errors.New("-pace must be 0 to 100000")
	case s.Trials < 1 || s.Trials > 100 || s.Starts < 1 || s.Starts > 100:
		return errors.New("-trials and -starts must be 1 to 100")
	case s.Sockets < 2 || s.Sockets > 100_000:
		return errors.New("-sockets must be 2 to 100000")
	case s.Settle < 0 || s.Settle > 4*time.Minute:
		return errors.New("-settle must be 0 to 4m: a customer must connect within 5 minutes")
	}
	return nil
}

// run measures, prints as it goes, and sums up in the end.
func run(ctx context.Context, s settings, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, runWait)
	defer cancel()
	b := &bench{settings: s, out: out}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for _, w := range s.What {
		switch w {
		case "send":
			err = b.measureSending(ctx)
		case "nodes":
			err = b.measureNodes(ctx)
		case "client":
			err = b.measureClient(ctx)
		case "sockets":
			err = b.measureIdle(ctx)
		case "startup":
			err = b.measureStartup(ctx)
		}
		if err != nil {
			return err
		}
	}
	b.report.print(out)
	if s.JSON != "" {
		return b.report.writeJSON(s.JSON)
	}
	return nil
}

// prepare builds the server unless there is one, and looks at the machine.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.Program == "" || b.Dir == "" {
		root, err := process.ModuleRoot(ctx)
		if err != nil {
			return err
		}
		if b.Program == "" {
			if b.Program, err = process.Build(ctx, root); err != nil {
				return err
			}
		}
		if b.Dir == "" {
			b.Dir = filepath.Join(root, "bin")
		}
	}
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return err
	}
	if b.report.Machine, err = inspect(b.Dir); err != nil {
		return err
	}
	fmt.Fprintln(b.out, b.report.Machine)
	return nil
}

// dataDir makes an empty directory for a server, and a function that removes it.
func (b *bench) dataDir() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(b.Dir, "bench-")
	return dir, func() { os.RemoveAll(dir) }, err
}
