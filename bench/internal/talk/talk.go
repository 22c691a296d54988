package talk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// SetupWorkers is how many chats are set up at the same time.
	SetupWorkers = 16
	// drainWait is how long the last messages may take to arrive.
	drainWait = 10 * time.Second
	// readWait is how long the last receipts may take: there is one every 5 seconds, and the
	// message that it is for was chosen up to 5 seconds before.
	readWait = 30 * time.Second
	// quiet is how long is listened for messages that should not come.
	quiet = 100 * time.Millisecond
)

// Talk is a number of conversations that are connected and not begun.
type Talk struct {
	clock *stopwatch
	all   []*conversation
}

// Plan says how a trial goes.
type Plan struct {
	// Warmup does not count, Duration does.
	Warmup, Duration time.Duration
	// Rate is how many messages a second are sent altogether; if 0, each side sends the
	// next one as soon as the last is acknowledged.
	Rate float64
	// Typing has typing events sent instead of messages.
	Typing bool
	// Meter is called when what counts begins, and when it ends.
	Meter func() error
}

// Result is the outcome of a trial. Latencies are in milliseconds.
type Result struct {
	Seconds     float64 `json:"seconds"`
	Acked       float64 `json:"ackedPerSecond"`
	Delivered   float64 `json:"deliveredPerSecond"`
	AckP50      float64 `json:"ackP50Milliseconds"`
	AckP99      float64 `json:"ackP99Milliseconds"`
	DeliveryP50 float64 `json:"deliveryP50Milliseconds"`
	DeliveryP99 float64 `json:"deliveryP99Milliseconds"`
	Checked     int     `json:"messagesChecked"`
	Receipts    int     `json:"receiptsChecked,omitempty"`
	Lost        int     `json:"typingLost,omitempty"` // which is no error
}

// Messages is how many were acknowledged in the time that counts.
func (r Result) Messages() float64 { return r.Acked * r.Seconds }

// Connect sets up n conversations, each between two of the nodes if there are several.
func Connect(ctx context.Context, nodes []*Control, n int, by Driver) (*Talk, error) {
	t := &Talk{clock: &stopwatch{start: time.Now()}}
	var mu sync.Mutex
	err := InParallel(ctx, n, func(ctx context.Context, i int) error {
		conv, err := newConversation(ctx, nodes[i%len(nodes)], nodes[(i+1)%len(nodes)], by, t.clock)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		t.all = append(t.all, conv)
		return nil
	})
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("setting up %d conversations: %w", n, err)
	}
	return t, nil
}

// Close ends all connections.
func (t *Talk) Close() {
	for _, c := range t.all {
		c.sides[0].line.close()
		c.sides[1].line.close()
	}
}

// Run lets all sides send for the time of a trial, and checks what arrived. It closes
// the connections.
func (t *Talk) Run(ctx context.Context, p Plan) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := time.Now().Add(p.Warmup + p.Duration + 2*drainWait + readWait) // some time for the last answers, too
	var senders, receivers sync.WaitGroup
	run := func(wg *sync.WaitGroup, do func() error) {
		wg.Go(func() {
			if err := do(); err != nil {
				cancel(err)
			}
		})
	}
	paces := t.paces(p.Rate)
	for i, c := range t.all {
		for j, side := range c.sides {
			if err := side.line.begin(p.Typing, end); err != nil {
				return Result{}, err
			}
			side.typing = p.Typing
			run(&receivers, side.receive)
			run(&senders, func() error { return side.send(ctx, paces[2*i+j]) })
		}
	}
	r, err := t.window(ctx, p)
	t.clock.phase.Store(stopping)
	senders.Wait()
	if err == nil && p.Typing {
		err = Pause(ctx, typingWait)
	} else if err == nil {
		err = t.drain(ctx)
	}
	t.Close()
	receivers.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	switch {
	case err != nil:
	case p.Typing:
		err = t.sumTyping(&r)
	default:
		err = t.sum(&r)
	}
	return r, err
}

// paces has all sides send equally often, each beginning at a moment of its own.
func (t *Talk) paces(rate float64) []pace {
	all := make([]pace, 2*len(t.all))
	if rate == 0 {
		return all
	}
	every := float64(len(all)) * float64(time.Second) / rate
	now, chance := t.clock.now(), rand.New(rand.NewPCG(1, 2)) // the same in every trial
	for i := range all {
		all[i] = pace{first: now + int64(every*chance.Float64()), every: int64(every)}
	}
	return all
}

// window waits for the warm-up and for the trial, which is metered.
func (t *Talk) window(ctx context.Context, p Plan) (r Result, err error) {
	if err := Pause(ctx, p.Warmup); err != nil {
		return r, err
	}
	if err := p.Meter(); err != nil {
		return r, err
	}
	start := time.Now()
	t.clock.phase.Store(measuring)
	if err := Pause(ctx, p.Duration); err != nil {
		return r, err
	}
	t.clock.phase.Store(stopping)
	r.Seconds = time.Since(start).Seconds()
	return r, p.Meter()
}

// drain waits until every side has got every message acknowledged, and the receipt for
// its last, and a little longer. What is missing then is found by the check.
func (t *Talk) drain(ctx context.Context) error {
	begun := time.Now()
	for _, c := range t.all {
		want := int64(len(c.sides[0].acked) + len(c.sides[1].acked))
		for _, s := range c.sides {
			for s.received.Load() < want && time.Since(begun) < drainWait || !s.allRead() && time.Since(begun) < readWait {
				if err := Pause(ctx, time.Millisecond); err != nil {
					return err
				}
			}
		}
	}
	return Pause(ctx, quiet)
}

// allRead reports whether the other side has marked all as read, if it does so.
func (s *side) allRead() bool {
	last := s.lastRead.Load()
	return !s.line.marks() || len(s.acked) == 0 || last != nil && *last == s.acked[len(s.acked)-1]
}

// sum checks the conversations and fills in what they measured.
func (t *Talk) sum(r *Result) error {
	var ack, delivery []int64
	for _, c := range t.all {
		if err := c.check(); err != nil {
			return fmt.Errorf("WRONG: %w", err)
		}
		for _, s := range c.sides {
			ack = append(ack, s.ack...)
			delivery = append(delivery, s.delivery...)
			r.Checked += len(s.acked)
			r.Receipts += len(s.receipts)
		}
	}
	if len(ack) == 0 || len(delivery) == 0 {
		return errors.New("no message was acknowledged and delivered in the time of the trial")
	}
	r.fill(ack, delivery)
	return nil
}

// InParallel calls do for 0 to n-1, a few at a time, and returns the first error.
func InParallel(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(SetupWorkers)
	for i := range n {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return do(ctx, i)
		})
	}
	return g.Wait()
}

// Pause waits, unless the run is over.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
