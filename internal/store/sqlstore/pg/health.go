package pg

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// The waits between attempts.
const firstWait, longestWait = 10 * time.Millisecond, 500 * time.Millisecond

// Health knows whether the database answers, and so how long it is worth trying.
type Health struct {
	server   *Server
	log      *slog.Logger
	patience time.Duration // while the database is thought to be there
	haste    time.Duration // for one attempt, while it is known not to be
	whole    *Health       // of what is asked otherwise; nil unless this is about writes
	down     atomic.Bool
	answered atomic.Int64 // how often it has
}

// NewHealth begins with a database that is thought to be there. Patience is how long
// something is tried again, haste how long it may take when the database was lost for
// longer than that: callers then fail fast.
func NewHealth(s *Server, log *slog.Logger, patience, haste time.Duration) *Health {
	return &Health{server: s, log: log, patience: patience, haste: haste}
}

// Writes is the same for what is written: a database may answer and yet be read-only, or
// locked. While only that is known, a write is tried once, however long it takes.
func (h *Health) Writes() *Health {
	return &Health{server: h.server, log: h.log, patience: h.patience, haste: h.haste, whole: h}
}

// all is about the whole database.
func (h *Health) all() *Health {
	if h.whole != nil {
		return h.whole
	}
	return h
}

// slow is how long something may take that reads much.
const slow = 30 * time.Second

// Try calls f until its error is not transient, and no longer than patience or ctx
// allow. It gives the last error, but for one that says no more than that time was up.
func (h *Health) Try(ctx context.Context, f func(context.Context) error) error {
	return h.try(ctx, h.patience, f)
}

// TrySlowly is Try for what may take long, and says little about the database if it does.
func (h *Health) TrySlowly(ctx context.Context, f func(context.Context) error) error {
	return h.try(ctx, max(slow, h.patience), f)
}

func (h *Health) try(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	lost := h.all().down.Load()
	once := lost || h.down.Load()
	if lost {
		limit = h.haste
	}
	answered, others := h.answered.Load(), h.all().answered.Load()
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := f(limited)
		if last != nil && errors.Is(err, context.DeadlineExceeded) {
			err = last
		}
		last = err
		if !Transient(err) {
			h.answer()
			return err
		}
		if once || !pause(limited, wait) {
			silent := h.answered.Load() == answered // to everybody, meanwhile
			if silent && ctx.Err() == nil {
				h.lose(err, others)
			}
			return err
		}
	}
}

// answer notes that the database does what it is asked.
func (h *Health) answer() {
	h.answered.Add(1)
	if h.down.CompareAndSwap(true, false) {
		h.log.Info(h.words("the database is back", "the database can be written to again"))
	}
	if h.whole != nil {
		h.whole.answer()
	}
}

// lose notes that it doesn't: others are the answers there were when that began.
func (h *Health) lose(err error, others int64) {
	if h.whole != nil && !h.down.Load() && !readOnly(err) && h.whole.answered.Load() == others {
		h = h.whole // nobody else has had an answer either, for long
	}
	if h.down.CompareAndSwap(false, true) {
		h.log.Error(h.words("the database is lost; requests fail until it is back",
			"the database can't be written to; requests that write fail until it can"), "err", h.server.Explain(err))
	}
}

func (h *Health) words(all, writes string) string {
	if h.whole != nil {
		return writes
	}
	return all
}

// pause waits about so long, and reports whether there is time left then.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
