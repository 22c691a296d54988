package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// gate lets connections in until it is shut, and knows which of them have, or may be
// about to send, a request. [http.Server.Shutdown] alone is too rough: it drops a request
// that it reads after it has begun.
type gate struct {
	net.Listener
	shut func()        // closes done, once
	done chan struct{} // everybody who came in is tracked, and nobody comes any more

	mu   sync.Mutex
	busy map[net.Conn]time.Time // since when
}

func newGate(l net.Listener) *gate {
	done := make(chan struct{})
	return &gate{Listener: l, done: done, shut: sync.OnceFunc(func() { close(done) }), busy: make(map[net.Conn]time.Time)}
}

// Accept implements [net.Listener]. The server tracks a connection before it asks for the
// next one.
func (g *gate) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if errors.Is(err, net.ErrClosed) {
		g.shut()
	}
	return c, err
}

// close lets nobody in any more, while somebody calls Accept. Serving what is inside goes
// on.
func (g *gate) close(ctx context.Context) {
	_ = g.Listener.Close()
	select {
	case <-g.done:
	case <-ctx.Done():
	}
}

// track is the server's ConnState.
func (g *gate) track(c net.Conn, state http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		g.busy[c] = time.Now()
	default:
		delete(g.busy, c)
	}
}

// Those who have let nothing be heard for newWithin after they came don't count as busy:
// browsers open connections that they may never use. settled is asked every settlePoll.
const newWithin, settlePoll = time.Second, 5 * time.Millisecond

// settle waits until nobody is busy, or ctx ends.
func (g *gate) settle(ctx context.Context) {
	poll := time.NewTicker(settlePoll)
	defer poll.Stop()
	for !g.settled() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}

func (g *gate) settled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, since := range g.busy {
		if time.Since(since) < newWithin {
			return false
		}
	}
	return true
}
