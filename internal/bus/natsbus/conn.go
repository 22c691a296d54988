package natsbus

import (
	"errors"
	"net"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
)

// redial is the wait before a connection that NATS or its client gave up for good is
// made again, and between looks at what keeps it away.
const redial = time.Second

// callbacks has the connection's changes told to health. They are called one at a time.
func (b *Bus) callbacks() {
	o := &b.options
	up := func(c *nats.Conn) {
		b.health.connected(c.ConnectedUrlRedacted())
		b.poke()
	}
	o.ConnectedCB, o.ReconnectedCB = up, up
	o.DisconnectedErrCB = func(_ *nats.Conn, err error) { b.health.ill("NATS is lost", err) }
	o.ReconnectErrCB = func(_ *nats.Conn, err error) { b.health.ill("NATS can't be reached", err) }
	o.ClosedCB = func(*nats.Conn) { b.poke() }
	o.AsyncErrorCB = func(_ *nats.Conn, s *nats.Subscription, err error) {
		switch {
		case errors.Is(err, nats.ErrSlowConsumer):
			b.slow.Add(1)
			b.health.slow()
		case errors.Is(err, nats.ErrPermissionViolation), errors.Is(err, nats.ErrMaxSubscriptionsExceeded):
			b.health.ill("NATS refuses a subject", err)
		case s == nil:
			b.health.ill("NATS can't be reached", err)
		}
	}
}

// run keeps a connection, until the bus is closed.
func (b *Bus) run() {
	defer close(b.done)
	for {
		c, err := b.options.Connect()
		if err == nil {
			b.serve(c)
			err = c.LastError()
			c.Close()
		}
		if b.stopped() {
			return
		}
		b.health.ill("NATS can't be used", err)
		select {
		case <-b.stop:
			return
		case <-time.After(redial):
		}
	}
}

// link is one connection and what is subscribed on it.
type link struct {
	*nats.Conn
	subs map[chat.ChatID]*nats.Subscription
}

// serve does what there is to do on a connection, until that or the bus is closed.
func (b *Bus) serve(c *nats.Conn) {
	l := link{c, make(map[chat.ChatID]*nats.Subscription)}
	b.mu.Lock()
	for id := range b.wanted {
		b.changed[id] = struct{}{}
	}
	b.mu.Unlock()
	look := time.NewTicker(redial)
	defer look.Stop()
	for !l.IsClosed() {
		b.work(&l)
		select {
		case <-b.wake:
		case <-look.C:
			if err := l.LastError(); err != nil && !l.IsConnected() {
				b.health.ill("NATS can't be reached", err) // of some failures, only this tells
			}
		case <-b.stop:
			b.work(&l)
			_ = l.FlushTimeout(closeWithin)
			return
		}
	}
}

// work subscribes and sends until nothing is left, or there is no connection. A notice
// is sent after the subscriptions that were there before it.
func (b *Bus) work(l *link) {
	for l.IsConnected() {
		n, changed, some := b.take()
		for id := range changed {
			b.settle(l, id)
		}
		if !some {
			return
		}
		b.send(l, n)
	}
}

// take gives the next notice, and the chats whose subscriptions have changed.
func (b *Bus) take() (n bus.Notice, changed map[chat.ChatID]struct{}, some bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.changed) > 0 {
		changed, b.changed = b.changed, make(map[chat.ChatID]struct{})
	}
	if len(b.queue) == 0 {
		b.queue = nil
		return n, changed, false
	}
	n, b.queue[0], b.queue = b.queue[0], bus.Notice{}, b.queue[1:]
	return n, changed, true
}

// settle makes the connection's subscription what is wanted. What fails for want of a
// connection is tried again on the next one.
func (b *Bus) settle(l *link, id chat.ChatID) {
	b.mu.Lock()
	want := b.wanted[id] > 0
	b.mu.Unlock()
	s := l.subs[id]
	switch {
	case want && s == nil:
		// All share one channel: a subscription with a goroutine of its own would cost
		// more than all else that a chat needs.
		s, err := l.ChanSubscribe(b.prefix+subject(id), b.arrived)
		if err != nil {
			b.again(id)
			return
		}
		l.subs[id] = s
	case !want && s != nil:
		delete(l.subs, id)
		_ = s.Unsubscribe() // fails only without a connection, and then it is gone
	}
}

func (b *Bus) again(id chat.ChatID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed[id] = struct{}{}
}

// send hands a notice to NATS. Between connections it goes back to the queue.
func (b *Bus) send(l *link, n bus.Notice) {
	n.Signals = b.fresh(n.Signals) // they may have waited for a connection
	err := l.Publish(b.prefix+subject(n.Chat), encode(n, int(l.MaxPayload())))
	switch {
	case err == nil:
		b.sent.Add(1)
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed):
		b.mu.Lock()
		b.queue = append([]bus.Notice{n}, b.queue...)
		b.mu.Unlock()
	default:
		b.dropped.Add(1)
	}
}

// dialer connects. nats.go forgets what it could not write, subscriptions too, and goes
// on; here a connection that can't be written to is closed, so that it makes another
// and subscribes again.
type dialer struct{ net.Dialer }

// Dial implements [nats.CustomDialer].
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	c, err := d.Dialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return strictConn{c}, nil
}

type strictConn struct{ net.Conn }

// Write implements [net.Conn].
func (c strictConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}
