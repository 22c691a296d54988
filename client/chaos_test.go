package client_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
)

var chaosTime = flag.Duration("chaos", 10*time.Second, "how long TestChaos disturbs the network")

const (
	sayEvery     = 5 * time.Millisecond
	disturbEvery = 100 * time.Millisecond // at most
	frozenFor    = 3 * time.Second
	lastWords    = "that's all"
)

// TestChaos lets a customer and an agent talk, and a supervisor watch, over a network
// that drops, delays, repeats and freezes connections, of calls and of websockets. All
// three must see everything once, in one order, and what was acknowledged must be there.
func TestChaos(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(context.Background(), *chaosTime+2*time.Minute)
	defer cancel()
	w.ctx = ctx
	direct, through := w.cfg, w.cfg
	through.BaseEndpoint = new(w.net.url())
	w.cfg = through
	hurry := w.hurry() // heartbeats and pauses, not the network
	jane := w.start(hurry)
	contact := jane.Details().ContactID
	bob := w.agent(contact, hurry)
	eve := w.join("Eve", w.add(contact, "Eve", "SUPERVISOR"), hurry)

	stop := make(chan struct{})
	var talking, watching sync.WaitGroup
	watchers := []*watcher{{person: jane}, {person: bob}, {person: eve}}
	for _, k := range watchers {
		watching.Go(func() { k.watch(ctx, k.person != eve) })
	}
	acked := make([][]client.Sent, 2)
	for i, p := range []*person{jane, bob} {
		talking.Go(func() { acked[i] = p.chatter(ctx, stop) })
	}
	w.net.disturb(rand.New(rand.NewPCG(seed, 0)), *chaosTime)
	close(stop)
	talking.Wait()
	jane.say(lastWords)
	watching.Wait()

	w.cfg = direct
	all := w.join("Jane", jane.Details())
	var want []event.Item
	for it, err := range all.Transcript(ctx, client.Range{}) {
		w.must(err)
		want = append(want, it)
	}
	for _, k := range watchers {
		k.check(t, want)
	}
	checkAcked(t, want, append(acked[0], acked[1]...))
	t.Logf("%d items, %d connections, %d acknowledged; lost connections: %d, %d, %d", len(want), w.net.connections(),
		len(acked[0])+len(acked[1]), watchers[0].outages, watchers[1].outages, watchers[2].outages)
}

// chatter says one thing after the other.
func (p *person) chatter(ctx context.Context, stop chan struct{}) (acked []client.Sent) {
	pace := time.NewTicker(sayEvery)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-pace.C:
		case <-stop:
			return acked
		}
		_ = p.Typing(ctx)
		sent, err := p.Send(ctx, fmt.Sprint(p.name, " ", n))
		if err != nil {
			p.w.t.Errorf("%s: %v", p.name, err)
			return acked
		}
		acked = append(acked, sent)
	}
}

// watcher notes what somebody sees.
type watcher struct {
	*person
	items    []event.Item
	receipts map[string]bool
	outages  int
	wrong    []string
}

// watch reads events until the last words.
func (k *watcher) watch(ctx context.Context, marks bool) {
	var marking sync.WaitGroup
	defer marking.Wait()
	k.receipts = make(map[string]bool)
	for e, err := range k.Events(ctx) {
		switch e := e.(type) {
		case event.Receipt:
			if id := fmt.Sprint(e.MessageID, e.By); k.receipts[id] {
				k.wrong = append(k.wrong, "the receipt came twice: "+id)
			} else {
				k.receipts[id] = true
			}
			continue
		case event.Disconnected:
			k.outages++
		}
		it, ok := event.Of(e)
		if err != nil {
			k.wrong = append(k.wrong, err.Error())
		} else if ok && it.Kept() {
			k.items = append(k.items, it)
			if marks && !it.Own && len(k.items)%50 == 0 {
				marking.Go(func() { _ = k.MarkRead(ctx, it.ID) }) // may fail at the end
			}
			if it.Content == lastWords {
				return
			}
		}
	}
	k.wrong = append(k.wrong, "the stream has ended")
}

// check compares what somebody saw with the transcript.
func (k *watcher) check(t *testing.T, want []event.Item) {
	t.Helper()
	for _, w := range k.wrong {
		t.Errorf("%s: %s", k.name, w)
	}
	for i, it := range k.items {
		if it.Late {
			t.Errorf("%s: item %d is late", k.name, i)
		}
		if i >= len(want) || it.ID != want[i].ID {
			t.Fatalf("%s: item %d is not that of the transcript", k.name, i)
		}
	}
	if len(k.items) != len(want) {
		t.Errorf("%s saw %d items of %d", k.name, len(k.items), len(want))
	}
}

func checkAcked(t *testing.T, all []event.Item, acked []client.Sent) {
	t.Helper()
	byID, said := make(map[string]event.Item), make(map[string]bool)
	for _, it := range all {
		byID[it.ID] = it
		if it.Type == event.TypeMessage && said[it.Content] {
			t.Errorf("%q is there twice", it.Content)
		}
		said[it.Content] = true
	}
	for _, s := range acked {
		if it, ok := byID[s.ID]; !ok || !it.Time.Equal(s.Time) {
			t.Errorf("%s was acknowledged and is missing or of another time", s.ID)
		}
	}
}

// disturb makes trouble for a while.
func (n *network) disturb(rnd *rand.Rand, d time.Duration) {
	n.mu.Lock()
	n.bad = rand.New(rand.NewPCG(rnd.Uint64(), 0))
	n.mu.Unlock()
	end := time.After(d)
	for {
		select {
		case <-time.After(rand.N(disturbEvery)):
		case <-end:
			n.mu.Lock()
			n.bad = nil
			n.mu.Unlock()
			n.reset()
			return
		}
		n.mu.Lock()
		for k := range n.links { // any of them
			if rnd.IntN(4) > 0 {
				k.reset()
			} else if k.freeze() {
				n.work.Go(func() { n.end(k, frozenFor) })
			}
			break
		}
		n.mu.Unlock()
	}
}

// end resets a link after a while: a half-open connection is noticed by its client long
// before.
func (n *network) end(k *link, after time.Duration) {
	select {
	case <-time.After(after):
	case <-n.closing:
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	k.reset()
}

// trouble says what happens to some bytes: how long they take, and whether they come
// to the server a second time, on a connection of their own.
func (n *network) trouble() (delay time.Duration, again bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bad == nil {
		return 0, false
	}
	if n.bad.IntN(5) == 0 {
		delay = time.Duration(n.bad.Int64N(int64(20 * time.Millisecond)))
	}
	return delay, n.bad.IntN(10) == 0
}

// repeat sends a request once more, as a network may that lost the first one's answer.
func (n *network) repeat(request []byte, target string) {
	conn, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
	if _, err := conn.Write(request); err == nil {
		_, _ = conn.Read(make([]byte, 1024))
	}
}

// isRequest reports whether bytes begin a request.
func isRequest(b []byte) bool {
	return strings.HasPrefix(string(b), "POST ") || strings.HasPrefix(string(b), "GET ")
}
