package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-chat/parley/bench/internal/stats"
	"github.com/parley-chat/parley/bench/internal/talk"
)

// setupWait bounds setting up a trial's conversations.
const setupWait = 60 * time.Second

// sendTrial is the outcome of one trial of sending. CPU is in microseconds per
// acknowledged message.
type sendTrial struct {
	// Against says that the server was the other one.
	Against       bool        `json:"against,omitempty"`
	Store         string      `json:"store"`
	Nodes         int         `json:"nodes,omitempty"` // on PostgreSQL and NATS
	Rate          float64     `json:"rate,omitempty"`  // messages per second, if they are paced
	Typing        bool        `json:"typing,omitempty"`
	Driver        talk.Driver `json:"driver,omitempty"` // raw if empty
	Conversations int         `json:"conversations"`
	Trial         int         `json:"trial"`
	talk.Result
	ServerCPU    float64 `json:"serverMicrosecondsPerMessage"`
	PostgresCPU  float64 `json:"postgresMicrosecondsPerMessage,omitempty"`
	NATSCPU      float64 `json:"natsMicrosecondsPerMessage,omitempty"`
	GeneratorCPU float64 `json:"generatorMicrosecondsPerMessage"`
	// OtherCores is how many cores somebody else kept busy meanwhile, on average: the
	// figures of a trial with much of that are too low.
	OtherCores float64 `json:"otherCores"`
	writes
}

// stores are the two that are compared, by what the table calls them.
var stores = [...]string{"durable", "memory"}

// measureSending runs all trials. Those of the two stores, and of the two servers if there
// are two, alternate, so that what else happens on the machine meets all.
func (b *bench) measureSending(ctx context.Context) error {
	for _, n := range b.Conversations {
		for trial := range b.Trials {
			for _, store := range b.Stores {
				for i, program := range b.programs() {
					t := sendTrial{Against: i > 0, Store: store, Conversations: n, Trial: trial + 1}
					in, err := b.installOne(ctx, program, store == "durable")
					if err == nil {
						err = b.try(ctx, in, &t)
					}
					if err != nil {
						return fmt.Errorf("sending, %s, %d conversations: %w", store, n, err)
					}
					b.report.Send = append(b.report.Send, t)
					fmt.Fprintln(b.out, t)
				}
			}
		}
	}
	return nil
}

// programs are the servers to measure: the one, and the other if there is one.
func (b *bench) programs() []string {
	if b.Against == "" {
		return []string{b.Program}
	}
	return []string{b.Program, b.Against}
}

// try runs a trial on an installation of its own, which it stops.
func (b *bench) try(ctx context.Context, in *installation, t *sendTrial) error {
	err := b.send(ctx, in, t)
	if err != nil {
		err = in.failed(err)
	}
	if stopped := in.stop(); err != nil || stopped != nil {
		return errors.Join(err, stopped)
	}
	return t.count(in.servers)
}

func (b *bench) send(ctx context.Context, in *installation, t *sendTrial) error {
	setup, cancel := context.WithTimeout(ctx, setupWait)
	defer cancel()
	controls, done := in.controls()
	defer done()
	all, err := talk.Connect(setup, controls, t.Conversations, t.Driver)
	if err != nil {
		return err
	}
	defer all.Close()
	var times []cpuTimes
	plan := talk.Plan{Warmup: b.Warmup, Duration: b.Duration, Rate: t.Rate, Typing: t.Typing, Meter: func() error {
		c, err := in.cpu()
		times = append(times, c)
		return err
	}}
	if t.Result, err = all.Run(ctx, plan); err != nil {
		return err
	}
	t.spent(times[0], times[1])
	return nil
}

// spent says what the messages took.
func (t *sendTrial) spent(before, after cpuTimes) {
	each := func(d time.Duration) float64 { return stats.Microseconds(d) / t.Messages() }
	t.ServerCPU = each(after.server - before.server)
	t.PostgresCPU = each(after.postgres - before.postgres)
	t.NATSCPU = each(after.nats - before.nats)
	t.GeneratorCPU = each(after.own - before.own)
	t.OtherCores = max(0, (after.others()-before.others()).Seconds()/t.Seconds) // the clocks of /proc are coarse
}

func (t sendTrial) String() string {
	name := "send"
	if t.Against {
		name = "against"
	}
	return fmt.Sprintf("%s %-8s %3d conversations, %s, trial %d: %6.0f acknowledged/s, %6.0f delivered/s; "+
		"ack p50 %.1f p99 %.1f ms, delivery p50 %.1f p99 %.1f ms; us/message: server %.1f, postgres %.1f, nats %.1f, generator %.1f; others %.2f cores; %v; %d checked",
		name, t.Store, t.Conversations, t.kind().what(), t.Trial, t.Acked, t.Delivered, t.AckP50, t.AckP99,
		t.DeliveryP50, t.DeliveryP99, t.ServerCPU, t.PostgresCPU, t.NATSCPU, t.GeneratorCPU, t.OtherCores, t.writes, t.Checked)
}
