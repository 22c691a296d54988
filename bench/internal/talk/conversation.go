// Package talk makes conversations on a server, has both sides of each send, and checks
// that everything sent arrives: once, in order, with the id that was answered.
package talk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/parley-chat/parley/bench/internal/rawclient"
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

// side is one participant: an HTTP connection that sends and a websocket that
// receives, each with a goroutine that owns what stands below it.
type side struct {
	name  byte // 'A' is the customer, 'B' the agent
	clock *stopwatch

	http        *rawclient.HTTP
	host, token string
	request     *request
	acked       []uuid.UUID // of every message sent, in order
	ack         []int64     // ns from the request to its answer, of those measured
	typed       []typed     // the events measured, of who doesn't send but type

	socket    *rawclient.Socket
	delivered [2][]uuid.UUID // of every message received, by the side that sent it
	digest    uint64         // of all of them, in the order received
	delivery  []int64        // ns from the other side's request to its frame here, of those measured
	received  atomic.Int64   // how many were delivered, for others to see

	heard map[uuid.UUID]int64 // when typing of the other side was seen
}

// newConversation starts a chat and connects both sides, the customer at one node and
// the agent at another, or the same.
func newConversation(ctx context.Context, one, other *Control, clock *stopwatch) (*conversation, error) {
	contact, customer, err := one.StartChat(ctx)
	if err != nil {
		return nil, err
	}
	a, err := newSide(ctx, one, clock, customer, 'A')
	if err != nil {
		return nil, err
	}
	agent, err := other.AddAgent(ctx, contact)
	if err != nil {
		a.close()
		return nil, err
	}
	b, err := newSide(ctx, other, clock, agent, 'B')
	if err != nil {
		a.close()
		return nil, err
	}
	return &conversation{[2]*side{a, b}}, nil
}

// newSide connects and subscribes a participant.
func newSide(ctx context.Context, c *Control, clock *stopwatch, participantToken string, name byte) (*side, error) {
	access, err := c.Open(ctx, participantToken, name == 'B')
	if err != nil {
		return nil, err
	}
	s, err := rawclient.DialSocket(ctx, access.SocketURL, nil, 16<<10)
	if err != nil {
		return nil, err
	}
	if err := s.Subscribe(); err != nil {
		s.Close()
		return nil, err
	}
	u, err := url.Parse(access.SocketURL)
	if err != nil {
		s.Close()
		return nil, err
	}
	http, err := rawclient.DialHTTP(ctx, u.Host)
	if err != nil {
		s.Close()
		return nil, err
	}
	const room = 4 << 10 // so that slices seldom grow while it matters
	return &side{
		name: name, clock: clock,
		http: http, host: u.Host, token: access.ConnectionToken,
		acked: make([]uuid.UUID, 0, room), ack: make([]int64, 0, room),
		socket: s, delivery: make([]int64, 0, room), heard: make(map[uuid.UUID]int64),
	}, nil
}

func (s *side) close() {
	s.http.Close()
	s.socket.Close()
}

func (s *side) until(t time.Time) error {
	return errors.Join(s.http.SetDeadline(t), s.socket.SetDeadline(t))
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
		resp, err := s.http.Do(s.request.stamp(number, sent))
		if err != nil {
			return fmt.Errorf("message %d of side %c: %w", number, s.name, err)
		}
		if resp.Status != 200 {
			return fmt.Errorf("message %d of side %c: the server answers %d: %s", number, s.name, resp.Status, resp.Body)
		}
		id, err := idAfter(resp.Body, answerID)
		if err != nil {
			return fmt.Errorf("message %d of side %c: %w", number, s.name, err)
		}
		measured := s.clock.phase.Load() == measuring
		if measured {
			s.ack = append(s.ack, s.clock.now()-sent)
		}
		switch {
		case !s.request.typing:
			s.acked = append(s.acked, id)
		case measured:
			s.typed = append(s.typed, typed{id, sent})
		}
	}
	return nil
}

// receive takes frames until the socket is closed by us.
func (s *side) receive() error {
	for {
		payload, err := s.socket.Next()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("side %c: the server dropped the websocket", s.name)
		}
		if err != nil {
			return fmt.Errorf("side %c: %w", s.name, err)
		}
		m, ours, err := parseMessage(payload)
		if err != nil {
			return fmt.Errorf("side %c: %w", s.name, err)
		}
		if !ours {
			if err := s.hear(payload); err != nil {
				return fmt.Errorf("side %c: %w", s.name, err)
			}
			continue
		}
		if err := s.take(m); err != nil {
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
	return nil
}
