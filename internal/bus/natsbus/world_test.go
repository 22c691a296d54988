package natsbus

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/bustest"
	"github.com/parley-chat/parley/internal/chat"
)

// patience bounds every wait; it is only reached when something is broken.
const patience = 3 * time.Minute

// open makes a bus that the test closes.
func open(t *testing.T, o Options) *Bus {
	t.Helper()
	if o.Prefix == "" {
		o.Prefix = "parley.test"
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// await waits until the bus says that it is well, or not.
func await(t *testing.T, b *Bus, want bool) {
	t.Helper()
	late := time.After(patience)
	for {
		well, changed := b.Health()
		if well == want {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("after %v the bus is well: %t", patience, well)
		}
	}
}

// reach publishes on one bus until another gets it: a subscription takes a moment, and a
// broken connection longer.
func reach(t *testing.T, from, to bus.Bus) {
	t.Helper()
	id, got := bustest.NewChat(), make(chan struct{}, 1)
	cancel, err := to.Subscribe(id, func(bus.Notice) {
		select {
		case got <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for late := time.After(patience); ; {
		from.Publish(bustest.Notice(id, 1))
		select {
		case <-got:
			return
		case <-again.C:
		case <-late:
			t.Fatalf("nothing came within %v", patience)
		}
	}
}

// subscribe returns when what the other bus publishes comes.
func subscribe(t *testing.T, to, from *Bus, id chat.ChatID, receive func(bus.Notice)) (cancel func()) {
	t.Helper()
	cancel, err := pair{t, from, to, from}.Subscribe(id, receive)
	if err != nil {
		t.Fatal(err)
	}
	return cancel
}

// pair is one bus to those who publish and another to those who subscribe.
type pair struct {
	t        *testing.T
	from, to *Bus
	probe    *Bus // without a queue
}

func (p pair) Publish(n bus.Notice) { p.from.Publish(n) }

// Subscribe returns when NATS knows of it. Of two later subscriptions the first may
// share a batch with it, in any order, but not the second.
func (p pair) Subscribe(id chat.ChatID, receive func(bus.Notice)) (func(), error) {
	p.to.mu.Lock()
	known := p.to.wanted[id] > 0 // so that it may be called from within receive
	p.to.mu.Unlock()
	cancel, err := p.to.Subscribe(id, receive)
	if err == nil && !known {
		reach(p.t, p.probe, p.to)
		reach(p.t, p.probe, p.to)
	}
	return cancel, err
}

func (p pair) Close() error {
	p.from.Close()
	return p.to.Close()
}

// book is a log that can be read.
type book struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *book) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// says wants the log to hold a text so many times.
func (b *book) says(t *testing.T, text string, times int) {
	t.Helper()
	if n := b.count(text); n != times {
		t.Errorf("the log says %q %d times, want %d:\n%s", text, n, times, b)
	}
}

func (b *book) count(text string) int { return strings.Count(b.String(), text) }

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// awaitLog waits until the log holds a text.
func (b *book) await(t *testing.T, text string) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for late := time.After(patience); ; {
		all := b.String()
		if strings.Contains(all, text) {
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("the log does not say %q:\n%s", text, all)
		}
	}
}

// large makes a notice of so many bytes at least.
func large(id chat.ChatID, seq int64, size int) bus.Notice {
	n := bustest.Notice(id, seq)
	n.Entries[0].Content = &chat.Content{Type: chat.TypePlain, Text: strings.Repeat("x", size)}
	return n
}

// typing makes a notice of a signal alone.
func typing(id chat.ChatID, at time.Time) bus.Notice {
	return bus.Notice{Chat: id, Signals: []chat.Signal{{ID: id.ID, At: at, ContentType: chat.EventTyping}}}
}

// counter counts what it receives.
type counter struct {
	mu               sync.Mutex
	entries, signals int
	top              int64
	changed          chan struct{}
}

func newCounter() *counter { return &counter{changed: make(chan struct{}, 1)} }

func (c *counter) receive(n bus.Notice) {
	c.mu.Lock()
	c.entries += len(n.Entries)
	c.signals += len(n.Signals)
	c.top = max(c.top, top(n))
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *counter) String() string {
	return fmt.Sprintf("%d entries, %d signals, Seq %d", c.entries, c.signals, c.top)
}

// await waits until the counts are as wanted.
func (c *counter) await(t *testing.T, entries, signals int, top int64) {
	t.Helper()
	for late := time.After(patience); ; {
		c.mu.Lock()
		got := c.String()
		done := c.entries == entries && c.signals == signals && c.top == top
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-c.changed:
		case <-late:
			t.Fatalf("%s came, want %d entries, %d signals, Seq %d", got, entries, signals, top)
		}
	}
}
