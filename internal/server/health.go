package server

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Where a load balancer or an orchestrator asks.
const (
	livePath  = "/livez"  // 200 as long as the process answers
	readyPath = "/readyz" // 200 if requests are to be sent here, else 503 and why
)

// readyWithin is how long the store may take to answer.
const readyWithin = 2 * time.Second

func (s *Server) live(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// ready says whether requests are to be sent here: not while the server drains, nor
// while its store doesn't answer.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		http.Error(w, "the server is being shut down", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	_, err := s.store.Due(ctx, 1)
	if r.Context().Err() != nil {
		return // who asked is gone, and that proves nothing
	}
	if lost := err != nil; s.unready.Swap(lost) != lost { // not with each question
		if lost {
			s.log.Warn("not ready: the store does not answer", "err", err)
		} else {
			s.log.Info("ready again")
		}
	}
	if err != nil {
		http.Error(w, "the store does not answer; see the log", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
