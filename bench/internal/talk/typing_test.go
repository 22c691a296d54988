package talk

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/wire"
)

func TestTyping(t *testing.T) {
	r := newTyping("127.0.0.1:8080", "the-token")
	req, first := readRequest(t, r.stamp(0, 5))
	_, second := readRequest(t, r.stamp(1, 6))
	if req.URL.Path != "/participant/event" || first.ContentType != typingEvent || first.ClientToken == second.ClientToken {
		t.Errorf("%s, %+v, %+v", req.URL, first, second)
	}
	c := talk()
	ids := []uuid.UUID{uuid.New(), uuid.New()}
	for _, s := range c.sides {
		s.heard, s.ack = make(map[uuid.UUID]int64), []int64{1}
	}
	c.sides[0].typed = []typed{{ids[0], 1}, {ids[1], 1}}
	for range 2 { // the second one is nobody's loss
		frame := dataFrame(t, wire.Item{Id: ids[0].String(), Type: "EVENT", ContentType: typingEvent})
		m, ours, err := parseMessage(frame)
		if err != nil || !ours || m.kind != typing {
			t.Fatalf("%+v, ours %v, error %v", m, ours, err)
		}
		c.sides[1].hear(m.id)
	}
	if _, _, err := parseMessage([]byte(typingEvent)); err == nil {
		t.Error("a frame without an Id is taken")
	}
	result := Result{Seconds: 2}
	if err := (&Talk{all: []*conversation{c}}).sumTyping(&result); err != nil || result.Lost != 1 || result.Delivered != 0.5 || result.Acked != 1 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestPaces(t *testing.T) {
	all := &Talk{clock: &stopwatch{start: time.Now()}, all: []*conversation{talk(), talk()}}
	for _, p := range all.paces(8) {
		if p.every != 5e8 || p.first < 0 {
			t.Errorf("4 sides that send 8 a second have %+v", p)
		}
	}
	if p := all.paces(0)[0]; p.every != 0 {
		t.Errorf("no pace is %+v", p)
	}
}
