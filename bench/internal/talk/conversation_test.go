package talk

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// talk makes a conversation whose sides have sent 2 messages each.
func talk() *conversation {
	c := &conversation{}
	for i, name := range []byte("AB") {
		c.sides[i] = &side{name: name, clock: &stopwatch{}, line: &rawLine{}, acked: []uuid.UUID{uuid.New(), uuid.New()}}
	}
	return c
}

// deliver hands a side's message to one of the sides.
func (c *conversation) deliver(to *side, from byte, number int64) error {
	return to.take(message{id: c.sides[from-'A'].acked[number], side: from, number: number})
}

func TestCheckAcceptsWhatIsRight(t *testing.T) {
	c := talk()
	for _, to := range c.sides {
		for _, m := range []struct {
			from   byte
			number int64
		}{{'B', 0}, {'A', 0}, {'A', 1}, {'B', 1}} {
			if err := c.deliver(to, m.from, m.number); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
}

func TestTakeRefusesWhatIsNotNext(t *testing.T) {
	for name, numbers := range map[string][]int64{"lost": {1}, "repeated": {0, 0}, "out of order": {0, 1, 0}} {
		c := talk()
		var err error
		for _, n := range numbers {
			err = c.deliver(c.sides[0], 'B', n)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := talk().sides[0].take(message{side: 'C'}); err == nil {
		t.Error("a message of a third side: no error")
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	order := func(c *conversation, to int, froms string) {
		var next [2]int64
		for _, from := range []byte(froms) {
			if err := c.deliver(c.sides[to], from, next[from-'A']); err != nil {
				t.Fatal(err)
			}
			next[from-'A']++
		}
	}
	for name, want := range map[string]string{"missing": "delivered", "other id": "delivered", "other order": "orders", "same id": "twice"} {
		c := talk()
		order(c, 0, "AABB")
		switch name {
		case "missing":
			order(c, 1, "AAB")
		case "other order":
			order(c, 1, "ABAB")
		default:
			order(c, 1, "AABB")
		}
		switch name {
		case "other id":
			c.sides[1].delivered[0][1] = uuid.New()
		case "same id":
			c.sides[1].acked[1] = c.sides[0].acked[0]
		}
		if err := c.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
}

// marking is a line of who marks messages as read.
type marking struct{ rawLine }

func (*marking) marks() bool { return true }

func TestCheckOfReceipts(t *testing.T) {
	for name, c := range map[string]struct {
		read []int // by number; -1 is nobody's message
		says string
	}{
		"each":      {[]int{0, 1, 2}, ""},
		"the last":  {[]int{2}, ""},
		"none":      {nil, "the last that was read is number -1"},
		"not last":  {[]int{0, 1}, "of 3 messages, the last that was read is number 1"},
		"backwards": {[]int{1, 0, 2}, "after message 1"},
		"twice":     {[]int{2, 2}, "after message 2"},
		"nobody's":  {[]int{0, -1}, "after message 0"},
	} {
		conv := talk()
		for _, s := range conv.sides {
			s.line = &marking{}
			s.acked = append(s.acked, uuid.New())
			s.receipts = []uuid.UUID{s.acked[2]}
		}
		conv.sides[1].receipts = nil
		for _, n := range c.read {
			id := uuid.New()
			if n >= 0 {
				id = conv.sides[1].acked[n]
			}
			conv.sides[1].receipts = append(conv.sides[1].receipts, id)
		}
		err := conv.checkReceipts()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", name, err, c.says)
		}
	}
}
