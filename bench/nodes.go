package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/parley-chat/parley/bench/internal/process"
)

// writes are what the servers counted of their stores, from start to stop. There are
// none of a store that keeps nothing.
type writes struct {
	Transactions float64 `json:"transactions,omitempty"`
	Appends      float64 `json:"appends,omitempty"`
	// Conflicts are appends of which another node was faster.
	Conflicts float64 `json:"conflicts,omitempty"`
}

// perTransaction is how many appends share one.
func (w writes) perTransaction() float64 {
	if w.Transactions == 0 {
		return 0
	}
	return w.Appends / w.Transactions
}

// conflicts is the share of appends that were too late.
func (w writes) conflicts() float64 {
	if w.Appends == 0 {
		return 0
	}
	return w.Conflicts / w.Appends
}

func (w writes) String() string {
	return fmt.Sprintf("%.1f appends/transaction, %.1f %% conflicts", w.perTransaction(), 100*w.conflicts())
}

// closed is what a server logs when it closes its store.
var closed = regexp.MustCompile(`the store is closed" transactions=(\d+) appends=(\d+) conflicts=(\d+)`)

// count reads what servers have said that have ended.
func (w *writes) count(servers []*process.Server) error {
	for _, s := range servers {
		found := closed.FindStringSubmatch(s.Log())
		if found == nil {
			continue
		}
		for i, to := range []*float64{&w.Transactions, &w.Appends, &w.Conflicts} {
			n, err := strconv.ParseFloat(found[1+i], 64)
			if err != nil {
				return err
			}
			*to += n
		}
	}
	return nil
}

// kind is an installation to measure: nodes on PostgreSQL and NATS, or with 0 of them one
// server by itself.
type kind struct {
	nodes  int
	typing bool
	rate   int // messages a second; 0 is as many as are acknowledged
}

func (k kind) String() string {
	switch k.nodes {
	case 0:
		return "embedded"
	case 1:
		return "1 node"
	}
	return fmt.Sprint(k.nodes, " nodes")
}

// what is sent to it.
func (k kind) what() string {
	switch {
	case k.typing:
		return fmt.Sprintf("%d typing events/s", k.rate)
	case k.rate > 0:
		return fmt.Sprintf("%d messages/s", k.rate)
	}
	return "all it takes"
}

// kind is that of the installation, if nodes were measured.
func (t sendTrial) kind() kind { return kind{t.Nodes, t.Typing, int(t.Rate)} }

// measureNodes compares one server by itself with nodes that share a database. Each
// message goes from one node to another, if there are several.
func (b *bench) measureNodes(ctx context.Context) (err error) {
	with, err := b.startShared(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, with.stop()) }()
	var kinds []kind
	for _, rate := range append([]int{0}, b.Rates...) {
		for _, n := range b.Nodes {
			kinds = append(kinds, kind{nodes: n, rate: rate})
		}
	}
	for _, n := range b.Nodes {
		if b.Typing > 0 {
			kinds = append(kinds, kind{nodes: n, typing: true, rate: b.Typing})
		}
	}
	for trial := range b.Trials {
		for _, k := range kinds { // one after the other, so that what else happens on the machine meets all
			t := sendTrial{Store: k.String(), Nodes: k.nodes, Rate: float64(k.rate), Typing: k.typing, Conversations: b.Conversations[0], Trial: trial + 1}
			var in *installation
			if k.nodes == 0 {
				in, err = b.installOne(ctx, b.Program, true)
			} else {
				in, err = b.installNodes(ctx, with, k.nodes)
			}
			if err == nil {
				err = b.try(ctx, in, &t)
			}
			if err != nil {
				return fmt.Errorf("sending, %s: %w", k, err)
			}
			b.report.Nodes = append(b.report.Nodes, t)
			fmt.Fprintln(b.out, t)
		}
	}
	return nil
}
