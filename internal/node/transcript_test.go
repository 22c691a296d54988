package node_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// oracle says what a page holds: the simplest way to say it.
func oracle(log []chat.Entry, p node.Page) (page []chat.Entry, next int64) {
	items := slices.DeleteFunc(slices.Clone(log), func(e chat.Entry) bool { return !e.Visible() })
	from := func(match func(e chat.Entry) bool) int { return slices.IndexFunc(items, match) }
	last := func(match func(e chat.Entry) bool) int {
		at := -1
		for i, e := range items {
			if match(e) {
				at = i
			}
		}
		return at
	}
	start := -1
	switch {
	case p.From.Seq != 0 && p.Backward:
		start = last(func(e chat.Entry) bool { return e.Seq <= p.From.Seq })
	case p.From.Seq != 0:
		start = from(func(e chat.Entry) bool { return e.Seq >= p.From.Seq })
	case !p.ID.IsZero():
		start = from(func(e chat.Entry) bool { return e.ID == p.ID })
	case !p.Time.IsZero() && p.Backward:
		start = last(func(e chat.Entry) bool { return !e.At.After(p.Time) })
	case !p.Time.IsZero():
		start = from(func(e chat.Entry) bool { return !e.At.Before(p.Time) })
	case p.MostRecent != nil && p.Backward:
		start = len(items) - 1 - *p.MostRecent
	case p.MostRecent != nil:
		start = max(0, len(items)-1-*p.MostRecent)
	case p.Backward:
		start = len(items) - 1
	}
	switch {
	case start < 0 || start >= len(items):
		return nil, 0
	case p.Backward:
		rest := items[:start+1]
		cut := max(0, len(rest)-p.Limit)
		if cut > 0 {
			next = rest[cut-1].Seq
		}
		return rest[cut:], next
	}
	rest := items[start:]
	if len(rest) > p.Limit {
		next = rest[p.Limit].Seq
	}
	return rest[:min(p.Limit, len(rest))], next
}

// tale is a chat with all kinds of entries, some of them as close as they can be.
func (w *world) tale() (id chat.ChatID, jane, joe chat.ParticipantID) {
	id, jane = w.start()
	joe = chat.ParticipantID{ID: w.do(0, id, chat.AddParticipant{Role: chat.Agent, Name: "Joe"}).ID}
	w.do(0, id, chat.Connect{By: joe})
	for i := range 12 {
		out := w.do(0, id, say(jane, fmt.Sprint(i), ""))
		if i%3 == 0 {
			w.pass(time.Duration(i) * time.Second)
			w.do(0, id, chat.SendEvent{By: joe, Type: chat.EventRead, Content: fmt.Sprintf(`{"messageId":"%v"}`, out.ID)})
		}
	}
	w.do(0, id, chat.UpdateAttributes{Attributes: map[string]string{"k": "v"}})
	return id, jane, joe
}

// starts are all the places where a page can begin.
func starts(id chat.ChatID, log []chat.Entry) []node.Page {
	all := []node.Page{{}}
	for i := range log {
		all = append(all,
			node.Page{From: node.Place{Chat: id, Seq: log[i].Seq}}, node.Page{ID: log[i].ID}, node.Page{MostRecent: &i},
			node.Page{ID: node.NewID(log[i].At)}, // of the same millisecond
		)
		for _, d := range []time.Duration{-1, 0, 1, time.Millisecond, -time.Millisecond, -time.Hour, time.Hour} {
			all = append(all, node.Page{Time: log[i].At.Add(d)})
		}
	}
	other := node.NewID(log[2].At)
	other.UUID[6] = other.UUID[6]&0x0f | 0x40 // version 4
	return append(all, node.Page{ID: other}, node.Page{ID: node.NewID(dawn.Add(-time.Hour))},
		node.Page{ID: node.NewID(dawn.Add(time.Hour))}, node.Page{From: node.Place{Chat: id, Seq: log[len(log)-1].Seq + 1}})
}

func TestTranscript(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane, _ := w.tale()
		log := w.log(id)
		for _, start := range starts(id, log) {
			for _, backward := range []bool{false, true} {
				for _, limit := range []int{0, 1, 2, 5, len(log) - 1, len(log), 100} {
					p := start
					p.Backward, p.Limit = backward, limit
					got, err := w.nodes[0].Transcript(w.ctx, id, jane, p)
					if err != nil {
						t.Fatal(err)
					}
					want, next := oracle(log, p)
					same := func(a, b chat.Entry) bool { return a.Seq == b.Seq && a.ID == b.ID }
					if !slices.EqualFunc(got.Items, want, same) || got.Next.Seq != next {
						t.Fatalf("%+v: %d items and next %d, want %d and %d", p, len(got.Items), got.Next.Seq, len(want), next)
					}
				}
			}
		}
	})
}

// Pages of any size are the whole transcript, and what comes in between changes only
// what lies forward.
func TestPagesContinue(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane, joe := w.tale()
		for _, backward := range []bool{false, true} {
			for limit := 1; limit < 8; limit++ {
				log := w.log(id)
				want, _ := oracle(log, node.Page{Time: dawn, Limit: 1000})
				page := node.Page{Backward: backward, Limit: limit}
				if !backward {
					page.Time = dawn
				}
				var all []chat.Entry
				for {
					got, err := w.nodes[0].Transcript(w.ctx, id, jane, page)
					if err != nil {
						t.Fatal(err)
					}
					if backward {
						all = append(slices.Clone(got.Items), all...)
					} else {
						all = append(all, got.Items...)
					}
					if got.Next.Seq == 0 {
						break
					}
					page = node.Page{Backward: backward, Limit: limit, From: got.Next}
					if backward {
						w.do(0, id, say(joe, "meanwhile", ""))
					}
				}
				if !slices.EqualFunc(all, want, func(a, b chat.Entry) bool { return a.Seq == b.Seq }) {
					t.Errorf("backward %t, limit %d: %d items, want %d", backward, limit, len(all), len(want))
				}
			}
		}
	})
}

func TestTranscriptReceipts(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane, joe := w.tale()
		got, err := w.nodes[0].Transcript(w.ctx, id, jane, node.Page{Backward: true, Limit: 4})
		if err != nil || len(got.Items) != 4 || len(got.Receipts) != 1 {
			t.Fatalf("%d items and %d receipts, %v", len(got.Items), len(got.Receipts), err)
		}
		read := got.Receipts[got.Items[1].ID]
		if len(read) != 1 || read[0].By != joe || read[0].Read.IsZero() {
			t.Errorf("receipts %+v, want one of Joe", read)
		}
	})
}

func TestTranscriptErrors(t *testing.T) {
	play(t, 1, func(w *world) {
		n := w.nodes[0]
		id, jane, joe := w.tale()
		nth := 3
		log := w.log(id)
		for what, p := range map[string]node.Page{
			"Items":   {Backward: true, Limit: 1},
			"SeqAt":   {Time: dawn, Limit: 1},
			"Entries": {Limit: 1},
		} {
			w.store.onRead(failing(what))
			if _, err := n.Transcript(w.ctx, id, jane, p); err != errDisk {
				t.Errorf("%s fails: %v", what, err)
			}
		}
		w.store.onRead(failing(""))
		for _, p := range []node.Page{{MostRecent: &nth}, {ID: log[2].ID}, {Time: dawn, Backward: true}} {
			if _, err := n.Transcript(w.ctx, id, jane, p); err != errDisk {
				t.Errorf("%+v: %v", p, err)
			}
		}
		w.store.onRead(nil)
		less := -1
		if got, err := n.Transcript(w.ctx, id, jane, node.Page{Backward: true, Limit: -1, MostRecent: &less}); err != nil || len(got.Items) != 0 {
			t.Errorf("negative numbers: %v, %v", got, err)
		}
		w.do(0, id, chat.Leave{By: joe})
		if _, err := n.Transcript(w.ctx, id, jane, node.Page{Backward: true, Limit: 1}); reason(err) != chat.Ended {
			t.Errorf("after the end: %v", err)
		}
	})
}
