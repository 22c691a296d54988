package talk

import (
	"bytes"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/bench/internal/stats"
)

// typingEvent is stored nowhere: what it takes is to tell everybody.
const typingEvent = "application/vnd.amazonaws.connect.event.typing"

// typingWait is how long the last events may take to arrive.
const typingWait = time.Second

// typed is an event that was acknowledged: its id, and when its sending began.
type typed struct {
	id   uuid.UUID
	sent int64
}

// newTyping makes the request of a typing event.
func newTyping(host, connectionToken string) *request {
	token := uuid.New().String()
	r := &request{typing: true}
	r.bytes = post("event", host, connectionToken, `{"ContentType":"`+typingEvent+`","ClientToken":"`+token+`"}`)
	r.counter = bytes.Index(r.bytes, []byte(token)) + len(token) - 12
	return r
}

// hear notes a typing event.
func (s *side) hear(id uuid.UUID) {
	if _, had := s.heard[id]; !had {
		s.heard[id] = s.clock.now()
	}
}

// sumTyping fills in what was measured of typing events. One that did not arrive is lost,
// as such events may be.
func (t *Talk) sumTyping(r *Result) error {
	var ack, delivery []int64
	for _, c := range t.all {
		for i, s := range c.sides {
			ack = append(ack, s.ack...)
			for _, e := range s.typed {
				if at, ok := c.sides[1-i].heard[e.id]; ok {
					delivery = append(delivery, at-e.sent)
				} else {
					r.Lost++
				}
			}
		}
	}
	if len(ack) == 0 || len(delivery) == 0 {
		return errors.New("no event was acknowledged and delivered in the time of the trial")
	}
	r.fill(ack, delivery)
	return nil
}

// fill sums up latencies in nanoseconds.
func (r *Result) fill(ack, delivery []int64) {
	r.Acked, r.Delivered = float64(len(ack))/r.Seconds, float64(len(delivery))/r.Seconds
	r.AckP50, r.AckP99 = stats.Milliseconds(ack, 0.50), stats.Milliseconds(ack, 0.99)
	r.DeliveryP50, r.DeliveryP99 = stats.Milliseconds(delivery, 0.50), stats.Milliseconds(delivery, 0.99)
}
