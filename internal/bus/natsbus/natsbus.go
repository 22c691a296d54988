// Package natsbus is the bus of several nodes: core NATS, one subject per chat, to
// which a node subscribes while it wants to hear of the chat.
//
// NATS delivers at most once, and this package adds nothing to that. It says when
// notices may have been lost ([bus.Lossy]), goes on without NATS, and is back by itself
// when NATS is. Within the node, notices take no detour: subscriptions of this [Bus]
// get what it publishes even while NATS is away.
//
// # Who does what
//
// Callers of Publish and Subscribe never touch the network: they leave notices in a
// bounded queue, and chats in a list of those whose subscription changed. One goroutine
// (run) owns the connection and works both off. Another (pump) takes what arrives.
package natsbus

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/nats-io/nats.go"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/chat"
)

const (
	// maxQueued bounds the notices that wait to be sent, and maxArrived those that have
	// arrived and wait to be received.
	maxQueued, maxArrived = 8192, 4096
	// signalLife is how old a signal may become on its way: as long as a client shows
	// that somebody is typing (semantics.md 3.3), about.
	signalLife = 10 * time.Second
	// closeWithin bounds how long Close waits for what is queued.
	closeWithin = time.Second
)

// Stats are counts since the start. They are for metrics: each is right, but they are
// not read at the same moment. They are logged when the bus is closed.
type Stats struct {
	Sent     uint64 // notices handed to NATS
	Dropped  uint64 // notices that were not: too many waited, or NATS refused them
	Received uint64 // notices that other nodes had published
	Slow     uint64 // times that notices were lost because this node was too slow
	Damaged  uint64 // messages that can't be read
}

func (s Stats) log(to *slog.Logger) {
	if s != (Stats{}) {
		to.Info("the bus is closed", "sent", s.Sent, "dropped", s.Dropped, "received", s.Received, "slow", s.Slow, "damaged", s.Damaged)
	}
}

// Bus is a [bus.Bus] over NATS. It knows when it loses notices: it is [bus.Lossy].
type Bus struct {
	options nats.Options
	prefix  string
	clock   clockwork.Clock
	log     *slog.Logger
	health  health
	local   *localbus.Bus
	arrived chan *nats.Msg

	wake chan struct{} // there is something for run to do
	stop chan struct{} // closed by Close
	done chan struct{} // closed when run has ended
	once sync.Once

	sent, dropped, received, slow, damaged atomic.Uint64

	mu      sync.Mutex
	queue   []bus.Notice             // to be sent, the oldest first
	wanted  map[chat.ChatID]int      // how many subscriptions a chat has here
	changed map[chat.ChatID]struct{} // chats that may have to be subscribed to, or no more
}

var (
	_ bus.Bus   = (*Bus)(nil)
	_ bus.Lossy = (*Bus)(nil)
)

// New makes a bus that connects in the background, for as long as it takes. Its error
// says what is wrong with the options.
func New(o Options) (*Bus, error) {
	b := &Bus{
		prefix: o.Prefix + ".chat.", clock: o.Clock, log: o.Log,
		local: localbus.New(), arrived: make(chan *nats.Msg, maxArrived),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		wanted: make(map[chat.ChatID]int), changed: make(map[chat.ChatID]struct{}),
	}
	if b.clock == nil {
		b.clock = clockwork.NewRealClock()
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.health = health{log: b.log, changed: make(chan struct{})}
	var err error
	if b.options, err = o.nats(); err != nil {
		return nil, err
	}
	b.callbacks()
	go b.run()
	go b.pump()
	return b, nil
}

// Stats counts.
func (b *Bus) Stats() Stats {
	return Stats{
		Sent: b.sent.Load(), Dropped: b.dropped.Load(), Received: b.received.Load(),
		Slow: b.slow.Load(), Damaged: b.damaged.Load(),
	}
}

// Health implements [bus.Lossy].
func (b *Bus) Health() (bool, <-chan struct{}) { return b.health.now() }

// Publish implements [bus.Bus]. When more waits than may, the oldest notice is dropped:
// the newer ones tell of it.
func (b *Bus) Publish(n bus.Notice) {
	b.local.Publish(n)
	if b.stopped() {
		return
	}
	b.mu.Lock()
	if len(b.queue) >= maxQueued {
		b.queue[0] = bus.Notice{}
		b.queue = b.queue[1:]
		b.dropped.Add(1)
	}
	b.queue = append(b.queue, n)
	b.mu.Unlock()
	b.poke()
}

// Subscribe implements [bus.Bus].
func (b *Bus) Subscribe(id chat.ChatID, receive func(bus.Notice)) (func(), error) {
	cancel, err := b.local.Subscribe(id, receive)
	if err != nil {
		return nil, err
	}
	b.want(id, 1)
	return sync.OnceFunc(func() {
		cancel()
		b.want(id, -1)
	}), nil
}

// want changes the number of subscriptions of a chat.
func (b *Bus) want(id chat.ChatID, by int) {
	b.mu.Lock()
	b.wanted[id] += by
	n := b.wanted[id]
	if n == 0 {
		delete(b.wanted, id)
	}
	first, last := n == by, n == 0
	if first || last {
		b.changed[id] = struct{}{}
	}
	b.mu.Unlock()
	if first || last {
		b.poke()
	}
}

func (b *Bus) stopped() bool {
	select {
	case <-b.stop:
		return true
	default:
		return false
	}
}

// poke wakes run.
func (b *Bus) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Close implements [bus.Bus]. What is queued is still sent if that is possible within
// a second.
func (b *Bus) Close() error {
	err := b.local.Close()
	b.once.Do(func() {
		close(b.stop)
		timer := time.NewTimer(closeWithin)
		defer timer.Stop()
		select {
		case <-b.done:
		case <-timer.C:
		}
		b.Stats().log(b.log)
	})
	return err
}

// pump hands what arrives to the subscriptions, until the bus is closed.
func (b *Bus) pump() {
	for {
		select {
		case m := <-b.arrived:
			b.receive(m)
		case <-b.stop:
			return
		}
	}
}

func (b *Bus) receive(m *nats.Msg) {
	id, ok := chatOf(m.Subject[min(len(b.prefix), len(m.Subject)):])
	n, err := decode(m.Data)
	if !ok || err != nil {
		b.damaged.Add(1)
	}
	if !ok {
		return
	}
	b.received.Add(1)
	n.Chat = id
	n.Signals = b.fresh(n.Signals)
	if n.Seq != 0 || len(n.Entries)+len(n.Signals) > 0 {
		b.local.Publish(n)
	}
}

// fresh gives the signals that are not too old. It changes none of them.
func (b *Bus) fresh(signals []chat.Signal) []chat.Signal {
	oldest := b.clock.Now().Add(-signalLife)
	for i := range signals { // in the order of time
		if !signals[i].At.Before(oldest) {
			return signals[i:]
		}
	}
	return nil
}
