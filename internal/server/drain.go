package server

import (
	"context"
	"net/http"
	"time"
)

// drain ends what is under way without harm to anybody. A server behind a load balancer
// says that it is not ready and goes on for DrainDelay, until it gets no more requests;
// then it sends its clients to other nodes, spread over DrainSpread, and still answers
// those who were too quick. Last, requests finish first, and then sockets, so that what
// was acknowledged is also delivered. Clients that take longer than DrainTime for that
// are cut off.
func (s *Server) drain(ctx context.Context, h *http.Server, g *gate) {
	s.draining.Store(true)
	s.pause(ctx, s.settings.DrainDelay)
	if s.settings.DrainSpread > 0 {
		s.sockets.Spread(ctx, s.settings.DrainSpread)
	}
	requests, cancel := context.WithTimeout(ctx, s.settings.DrainTime/2)
	defer cancel()
	g.close(requests)
	h.SetKeepAlivesEnabled(false)
	g.settle(requests)
	if err := h.Shutdown(requests); err != nil {
		s.log.Warn("connections were cut off: their requests did not end", "after", s.settings.DrainTime/2)
		_ = h.Close()
	}
	sockets, cancel := context.WithTimeout(ctx, s.settings.DrainTime/2)
	defer cancel()
	if err := s.sockets.Drain(sockets); err != nil {
		s.log.Warn("websockets were cut off: their clients did not close them", "after", s.settings.DrainTime/2)
	}
}

// Part begins what Serve does when its ctx ends: the server is not ready any more, and
// its answers say that their connections are not to be used again. It is for a server
// that nothing stands before, and returns when active clients have had time to hear that.
func (s *Server) Part(ctx context.Context) {
	s.draining.Store(true)
	s.pause(ctx, partFor)
}

// partFor is longer than an active client, on a busy machine, lets a connection rest.
const partFor = 2 * time.Second

// parting tells the clients of a draining server, with each answer, not to send another
// request on the same connection. Whoever is active has so gone elsewhere before it is
// closed, at a moment when a request may be on its way.
func (s *Server) parting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() && r.Header.Get("Upgrade") == "" {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) pause(ctx context.Context, d time.Duration) {
	timer := s.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
	case <-ctx.Done():
	}
}
