package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-chat/parley/bench/internal/process"
)

const (
	// setupWait bounds setting up a trial's conversations.
	setupWait = 60 * time.Second
	// drainWait is how long the last messages may take to arrive.
	drainWait = 10 * time.Second
	// quiet is how long is listened for messages that should not come.
	quiet = 100 * time.Millisecond
)

// sendTrial is the outcome of one trial of sending. Latencies are in milliseconds,
// CPU is in microseconds per acknowledged message.
type sendTrial struct {
	Store         string  `json:"store"`
	Conversations int     `json:"conversations"`
	Trial         int     `json:"trial"`
	Seconds       float64 `json:"seconds"`
	Acked         float64 `json:"ackedPerSecond"`
	Delivered     float64 `json:"deliveredPerSecond"`
	AckP50        float64 `json:"ackP50Milliseconds"`
	AckP99        float64 `json:"ackP99Milliseconds"`
	DeliveryP50   float64 `json:"deliveryP50Milliseconds"`
	DeliveryP99   float64 `json:"deliveryP99Milliseconds"`
	ServerCPU     float64 `json:"serverMicrosecondsPerMessage"`
	GeneratorCPU  float64 `json:"generatorMicrosecondsPerMessage"`
	// OtherCores is how many cores somebody else kept busy meanwhile, on average: the
	// figures of a trial with much of that are too low.
	OtherCores float64 `json:"otherCores"`
	Checked    int     `json:"messagesChecked"`
}

// stores are the two that are compared, by what the table calls them.
var stores = [...]string{"durable", "memory"}

// measureSending runs all trials. Those of the two stores alternate, so that what
// else happens on the machine meets both.
func (b *bench) measureSending(ctx context.Context) error {
	for _, n := range b.Conversations {
		for trial := range b.Trials {
			for _, store := range stores {
				t, err := b.sendTrial(ctx, store, n)
				if err != nil {
					return fmt.Errorf("sending, %s, %d conversations: %w", store, n, err)
				}
				t.Trial = trial + 1
				b.report.Send = append(b.report.Send, t)
				fmt.Fprintln(b.out, t)
			}
		}
	}
	return nil
}

// sendTrial runs one trial on a server of its own.
func (b *bench) sendTrial(ctx context.Context, store string, n int) (t sendTrial, err error) {
	data, remove, err := b.dataDir()
	if err != nil {
		return t, err
	}
	defer remove()
	if store == "memory" {
		data = process.InMemory
	}
	s, err := process.Start(ctx, b.Program, data)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	setup, cancel := context.WithTimeout(ctx, setupWait)
	defer cancel()
	c := newControl(s.URL)
	defer c.close()
	clock := &stopwatch{start: time.Now()}
	all, err := connectAll(setup, c, clock, n)
	if err != nil {
		return t, err
	}
	defer closeAll(all)
	t, err = b.converse(ctx, s, all, clock)
	if err != nil {
		return t, fmt.Errorf("%w\nThe server's log ends with\n%s", err, s.Log())
	}
	t.Store, t.Conversations = store, n
	return t, nil
}

// converse lets all sides send for the time of a trial, and checks what arrived.
func (b *bench) converse(ctx context.Context, s *process.Server, all []*conversation, clock *stopwatch) (t sendTrial, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := time.Now().Add(b.Warmup + b.Duration + drainWait + quiet)
	var senders, receivers sync.WaitGroup
	run := func(wg *sync.WaitGroup, do func() error) {
		wg.Go(func() {
			if err := do(); err != nil {
				cancel(err)
			}
		})
	}
	for _, c := range all {
		for _, side := range c.sides {
			if err := side.until(end); err != nil {
				return t, err
			}
			run(&receivers, side.receive)
			run(&senders, side.send)
		}
	}
	err = b.window(ctx, s, clock, &t)
	clock.phase.Store(stopping)
	senders.Wait()
	if err == nil {
		err = drain(ctx, all)
	}
	closeAll(all)
	receivers.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return t, err
	}
	return t, t.sum(all)
}

// window waits for the warm-up and for the trial, and measures the CPU the latter took.
func (b *bench) window(ctx context.Context, s *process.Server, clock *stopwatch, t *sendTrial) error {
	if err := pause(ctx, b.Warmup); err != nil {
		return err
	}
	before, err := readCPU(s)
	if err != nil {
		return err
	}
	start := time.Now()
	clock.phase.Store(measuring)
	if err := pause(ctx, b.Duration); err != nil {
		return err
	}
	clock.phase.Store(stopping)
	t.Seconds = time.Since(start).Seconds()
	after, err := readCPU(s)
	// For the time being the whole CPU time; sum divides it by the messages.
	t.ServerCPU, t.GeneratorCPU = microseconds(after.server-before.server), microseconds(after.own-before.own)
	t.OtherCores = max(0, (after.others()-before.others()).Seconds()/t.Seconds) // the clocks of /proc are coarse
	return err
}

// cpuTimes are CPU times at one moment.
type cpuTimes struct{ machine, server, own time.Duration }

func (c cpuTimes) others() time.Duration { return c.machine - c.server - c.own }

func readCPU(s *process.Server) (c cpuTimes, err error) {
	var errs [3]error
	c.machine, errs[0] = process.MachineCPU()
	c.server, errs[1] = s.Process.CPU()
	c.own, errs[2] = process.Self().CPU()
	return c, errors.Join(errs[:]...)
}

// drain waits until every side has got every message acknowledged, and a little
// longer. What is missing after drainWait is found by the check.
func drain(ctx context.Context, all []*conversation) error {
	until := time.Now().Add(drainWait)
	for _, c := range all {
		want := int64(len(c.sides[0].acked) + len(c.sides[1].acked))
		for _, s := range c.sides {
			for s.received.Load() < want && time.Now().Before(until) {
				if err := pause(ctx, time.Millisecond); err != nil {
					return err
				}
			}
		}
	}
	return pause(ctx, quiet)
}

// sum checks the conversations and fills in what they measured.
func (t *sendTrial) sum(all []*conversation) error {
	var ack, delivery []int64
	for _, c := range all {
		if err := c.check(); err != nil {
			return fmt.Errorf("WRONG: %w", err)
		}
		for _, s := range c.sides {
			ack = append(ack, s.ack...)
			delivery = append(delivery, s.delivery...)
			t.Checked += len(s.acked)
		}
	}
	if len(ack) == 0 || len(delivery) == 0 {
		return errors.New("no message was acknowledged and delivered in the time of the trial")
	}
	t.Acked, t.Delivered = float64(len(ack))/t.Seconds, float64(len(delivery))/t.Seconds
	t.AckP50, t.AckP99 = milliseconds(ack, 0.50), milliseconds(ack, 0.99)
	t.DeliveryP50, t.DeliveryP99 = milliseconds(delivery, 0.50), milliseconds(delivery, 0.99)
	t.ServerCPU /= float64(len(ack))
	t.GeneratorCPU /= float64(len(ack))
	return nil
}

func (t sendTrial) String() string {
	return fmt.Sprintf("send %-7s %3d conversations, trial %d: %6.0f acknowledged/s, %6.0f delivered/s; "+
		"ack p50 %.1f p99 %.1f ms, delivery p50 %.1f p99 %.1f ms; server %.1f, generator %.1f us/message, others %.2f cores; %d checked",
		t.Store, t.Conversations, t.Trial, t.Acked, t.Delivered, t.AckP50, t.AckP99,
		t.DeliveryP50, t.DeliveryP99, t.ServerCPU, t.GeneratorCPU, t.OtherCores, t.Checked)
}

// pause waits, unless the run is over.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
