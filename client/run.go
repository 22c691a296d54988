package client

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/client/internal/ledger"
	"github.com/parley-chat/parley/client/internal/socket"
)

// maxPending is how many events wait to be read before nothing more is taken from the
// service.
const maxPending = 256

// loop is the state of the session's goroutine, which alone uses it. What takes time
// (connecting, reading the transcript) is done by others, that report to it.
type loop struct {
	*Session
	*ledger.Ledger

	sock *socket.Socket // whose items are taken; nil if there is none
	next *socket.Socket // subscribed: its turn is when sock has ended
	// fill reads what the transcript has before items of sock are taken; nil if it has.
	fill *fill

	connecting bool
	connected  chan connection
	failed     int             // attempts since there was a connection
	renew      clockwork.Timer // when the connection is to be renewed
	stale      <-chan struct{} // of sock
	denied     bool            // a new connection was refused: the chat is over
	behind     bool            // Connected was told, and CaughtUp not yet
	pending    []event.Event   // to be read, oldest first
	end        error           // why nothing more comes; nil while something may
}

// run is the session's goroutine.
func (s *Session) run(first connection) {
	defer close(s.events)
	l := &loop{
		Session: s, Ledger: ledger.New(s.details.ParticipantID, s.after),
		connected: make(chan connection), renew: s.clock.NewTimer(time.Hour),
	}
	defer l.stop()
	l.connecting = true
	l.arrived(first)
	for l.end == nil || len(l.pending) > 0 {
		l.step()
	}
}

// stop leaves nothing behind but what ends with the session's context.
func (l *loop) stop() {
	l.renew.Stop()
	l.stopFill()
	for _, k := range []*socket.Socket{l.sock, l.next} {
		if k != nil {
			k.Close()
		}
	}
	l.sock, l.next, l.stale = nil, nil, nil
}

// step waits for one thing to happen.
func (l *loop) step() {
	var (
		out   chan<- event.Event
		head  event.Event
		items <-chan []byte
		pages <-chan page
		gone  <-chan struct{}
	)
	if len(l.pending) > 0 {
		out, head = l.events, l.pending[0]
	}
	if room := len(l.pending) < maxPending; room && l.fill != nil {
		pages = l.fill.pages
	} else if room && l.sock != nil {
		items = l.sock.Items
	}
	if l.fill != nil {
		gone = l.sock.Gone
	}
	select {
	case out <- head:
		l.pending = l.pending[1:]
	case p := <-pages:
		l.page(p)
	case <-gone:
		l.stopFill() // what the socket still has comes after the gap, so it is lost, too
		l.lost()
	case it, ok := <-items:
		if !ok {
			l.lost()
		} else {
			l.read(it)
		}
	case <-l.stale:
		l.stale = nil
		l.reconnect(0)
	case <-l.renew.Chan():
		l.reconnect(0)
	case c := <-l.connected:
		l.arrived(c)
	case <-l.ctx.Done():
		l.end, l.pending = ErrClosed, nil
	}
}

// read tells what came on a socket. What can't be read as an item helps nobody.
func (l *loop) read(raw []byte) {
	if it, err := event.Parse(raw, l.details.ParticipantID); err == nil {
		l.take(it)
	}
}

// take tells an item, if it is new.
func (l *loop) take(it event.Item) {
	for _, e := range l.Tell(it) {
		l.put(e)
	}
}

// put has an event read. Nothing comes after the chat's end.
func (l *loop) put(e event.Event) {
	if l.end != nil {
		return
	}
	l.pending = append(l.pending, e)
	switch e := e.(type) {
	case event.Message:
		l.places.note(e.Item)
	case event.Attachment:
		l.places.note(e.Item)
	case event.Ended:
		l.finish(ErrEnded)
	}
}

// finish ends the session but for the events that wait.
func (l *loop) finish(why error) {
	l.end, l.err = why, why
	close(l.ended)
	l.stop()
}

// reconnect makes a new connection after a pause, unless that is under way.
func (l *loop) reconnect(pause time.Duration) {
	if l.connecting || l.denied || l.end != nil {
		return
	}
	l.connecting = true
	l.work.Go(func() {
		if !l.sleep(l.ctx, pause) {
			return
		}
		c := l.connect(l.ctx)
		select {
		case l.connected <- c:
		case <-l.ctx.Done():
			if c.sock != nil {
				c.sock.Close()
			}
		}
	})
}

// sleep waits, and reports whether that was not cut short.
func (s *Session) sleep(ctx context.Context, d time.Duration) bool {
	t := s.clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.Chan():
		return true
	case <-ctx.Done():
		return false
	}
}

// arrived takes a connection into use, or does what its failure asks for.
func (l *loop) arrived(c connection) {
	l.connecting = false
	switch {
	case l.end != nil:
		if c.sock != nil {
			c.sock.Close()
		}
	case c.err != nil:
		l.refused(c.err)
	default:
		l.renew.Reset(c.renewAt.Sub(l.clock.Now()))
		if l.sock == nil {
			l.put(event.Connected{})
			l.behind = true
			l.use(c.sock)
			return
		}
		if l.next != nil { // nobody has read events for an hour
			l.next.Close()
		}
		l.next = c.sock
		l.retire()
	}
}

// retire ends the socket that has a successor. What it still has to say is read first,
// if there is hope.
func (l *loop) retire() {
	if l.stale == nil {
		l.sock.Drop()
	} else {
		l.sock.Finish()
	}
}

// refused acts on a failed attempt to connect.
func (l *loop) refused(err error) {
	l.failed++
	switch {
	case isDenied(err):
		l.denied = true
		if l.sock != nil {
			l.sock.Finish() // it may still say how the chat has ended
		} else {
			l.put(event.Ended{Inferred: true})
		}
	case l.sock == nil && isFinal(err):
		l.finish(err)
	default:
		if l.sock != nil && l.stale == nil {
			l.sock.Drop() // it is half-open, and there is no other
		}
		l.reconnect(backoff(l.failed))
	}
}

// use takes items from a socket, after what the transcript has.
func (l *loop) use(k *socket.Socket) {
	l.sock, l.stale = k, k.Stale
	l.startFill()
}

// lost goes on when a socket has ended.
func (l *loop) lost() {
	old := l.sock
	old.Drop()
	l.sock, l.stale = nil, nil
	pause := pauseAfter(old.Err())
	if l.clock.Since(old.Opened) >= healthy {
		l.failed = 0
	} else if l.failed++; l.failed > 1 {
		pause = max(pause, backoff(l.failed))
	}
	switch {
	case l.denied:
		l.put(event.Ended{Inferred: true})
	case l.next != nil:
		k := l.next
		l.next = nil
		l.use(k)
	default:
		l.put(event.Disconnected{Err: old.Err()})
		l.reconnect(pause)
	}
}
