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

func (s *Server) pause(ctx context.Context, d time.Duration) {
	timer := s.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
	case <-ctx.Done():
	}
}
