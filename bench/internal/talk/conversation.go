// Package talk makes conversations on a server, has both sides of each send, and checks
// that everything sent arrives: once, in order, with the id that was answered.
package talk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// The phases of a trial.
const (
	warming = iota
	measuring
	stopping
)

// stopwatch is what all sides of a trial share.
type stopwatch struct {
	start time.Time
	phase atomic.Int32
}

func (s *stopwatch) now() int64 { return int64(time.Since(s.start)) }

// pace is when a side sends, in nanoseconds of the stopwatch; no pace if every is 0.
type pace struct{ first, every int64 }

// conversation is a customer and an agent, both sending.
type conversation struct{ sides [2]*side }

// side is one participant, with a goroutine that sends and one that receives; each owns
// what stands below it.
type side struct {
	name   byte // 'A' is the customer, 'B' the agent
	clock  *stopwatch
	line   line
	typing bool // sends typing events

	acked []uuid.UUID // of every message sent, in order
	ack   []int64     // ns from the request to its answer, of those measured
	typed []typed     // the events measured, of who doesn't send but type

	delivered [2][]uuid.UUID // of every message received, by the side that sent it
	digest    uint64         // of all of them, in the order received
	delivery  []int64        // ns from the other side's request to its message here, of those measured
	received  atomic.Int64   // how many were delivered, for others to see

	heard    map[uuid.UUID]int64       // when typing of the other side was seen
	receipts []uuid.UUID               // of its messages that were read, in the order received
	lastRead atomic.Pointer[uuid.UUID] // of them, for others to see
}

// line is how a participant talks. One goroutine sends, another one receives.
type line interface {
	// begin is called once before anything else. Nothing goes on after end. Instead of
	// messages, typing events are sent if typing is set.
	begin(typing bool, end time.Time) error
	// send sends a message of that number, whose sending began at a time in nanoseconds, and
	// gives the id that it was answered.
	send(number, sent int64) (uuid.UUID, error)
	// next waits for what concerns the benchmark. It returns net.ErrClosed after close.
	next() (message, error)
	// marks reports whether messages are marked as read.
	marks() bool
	close()
}

// Driver is what drives a conversation.
type Driver string

const (
	// Raw is the generator's own client, which costs as little as possible.
	Raw Driver = "raw"
	// Client is package client, as a program uses it.
	Client Driver = "client"
)

// newConversation starts a chat and connects both sides, the customer at one node and
// the agent at another, or the same.
func newConversation(ctx context.Context, one, other *Control, by Driver, clock *stopwatch) (*conversation, error) {
	dial := dialRaw
	if by == Client {
		dial = dialClient
	}
	customer, err := one.StartChat(ctx)
	if err != nil {
		return nil, err
	}
	a, err := dial(ctx, one, customer, 'A')
	if err != nil {
		return nil, err
	}
	agent, err := other.AddAgent(ctx, customer.ContactID)
	if err != nil {
		a.close()
		return nil, err
	}
	b, err := dial(ctx, other, agent, 'B')
	if err != nil {
		a.close()
		return nil, err
	}
	return &conversation{[2]*side{newSide('A', a, clock), newSide('B', b, clock)}}, nil
}

func newSide(name byte, l line, clock *stopwatch) *side {
	const room = 4 << 10 // so that slices seldom grow while it matters
	return &side{
		name: name, clock: clock, line: l,
		acked: make([]uuid.UUID, 0, room), ack: make([]int64, 0, room),
		delivery: make([]int64, 0, room), heard: make(map[uuid.UUID]int64),
	}
}

// send sends one message after the other, each once the last is acknowledged and, at a
// pace, not before its time has come, until the trial stops. A message that is late at
// its pace counts from when it should have been sent.
func (s *side) send(ctx context.Context, p pace) error {
	for number := int64(0); s.clock.phase.Load() != stopping; number++ {
		sent := s.clock.now()
		if p.every > 0 {
			due := p.first + number*p.every
			if err := Pause(ctx, time.Duration(due-sent)); err != nil {
				return nil // whoever ended ctx says why
			}
			sent = due
		}
		id, err := s.line.send(number, sent)
		if err != nil {
			return fmt.Errorf("message %d of side %c: %w", number, s.name, err)
		}
		measured := s.clock.phase.Load() == measuring
		if measured {
			s.ack = append(s.ack, s.clock.now()-sent)
		}
		switch {
		case !s.typing:
			s.acked = append(s.acked, id)
		case measured:
			s.typed = append(s.typed, typed{id, sent})
		}
	}
	return nil
}

// receive takes what comes until the line is closed by us.
func (s *side) receive() error {
	for {
		m, err := s.line.next()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("side %c: %w", s.name, err)
		}
		switch m.kind {
		case typing:
			s.hear(m.id)
		case read:
			s.receipts = append(s.receipts, m.id)
			s.lastRead.Store(&m.id)
		default:
			err = s.take(m)
		}
		if err != nil {
			return err
		}
	}
}

// take notes a delivered message, which must be the next of its sender.
func (s *side) take(m message) error {
	if m.side != 'A' && m.side != 'B' {
		return fmt.Errorf("side %c got a message of side %q", s.name, m.side)
	}
	from := &s.delivered[m.side-'A']
	if want := int64(len(*from)); m.number != want {
		return fmt.Errorf("side %c got message %d of side %c; %d comes next: one was lost, repeated or out of order",
			s.name, m.number, m.side, want)
	}
	*from = append(*from, m.id)
	s.digest = idDigest(s.digest, m.id)
	if m.side != s.name && s.clock.phase.Load() == measuring {
		s.delivery = append(s.delivery, s.clock.now()-m.sent)
	}
	s.received.Add(1)
	return nil
}

// check compares what was acknowledged with what was delivered: the same ids, in the
// same order, none twice.
func (c *conversation) check() error {
	seen := make(map[uuid.UUID]bool)
	for i, sender := range c.sides {
		for _, id := range sender.acked {
			if seen[id] {
				return fmt.Errorf("the id %v was acknowledged twice", id)
			}
			seen[id] = true
		}
		for _, receiver := range c.sides {
			if got := receiver.delivered[i]; !slices.Equal(got, sender.acked) {
				return fmt.Errorf("side %c: %d messages acknowledged, %d delivered to side %c, or with other ids",
					sender.name, len(sender.acked), len(got), receiver.name)
			}
		}
	}
	if c.sides[0].digest != c.sides[1].digest {
		return errors.New("the two sides got the same messages in different orders")
	}
	return c.checkReceipts()
}

// checkReceipts wants what was read to be a message of that side, and never an earlier one
// than before; in the end it is the last.
func (c *conversation) checkReceipts() error {
	for _, s := range c.sides {
		if !s.line.marks() {
			continue
		}
		last := -1
		for _, id := range s.receipts {
			n := slices.Index(s.acked[last+1:], id)
			if n < 0 {
				return fmt.Errorf("side %c: after message %d, %v was read: that is no later message of this side", s.name, last, id)
			}
			last += n + 1
		}
		if last != len(s.acked)-1 {
			return fmt.Errorf("side %c: of %d messages, the last that was read is number %d", s.name, len(s.acked), last)
		}
	}
	return nil
}
