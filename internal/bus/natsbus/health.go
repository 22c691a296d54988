package natsbus

import (
	"log/slog"
	"sync"
	"time"
)

// lostPause is the least time between two changes for lost notices: what is lost in
// between was lost just after receivers were told to look.
const lostPause = 250 * time.Millisecond

// health knows whether the bus works, tells who wants to know, and logs each change
// once.
type health struct {
	log *slog.Logger

	mu      sync.Mutex
	well    bool
	changed chan struct{}
	since   time.Time       // when it ceased to be well; zero before the first connection
	lostAt  time.Time       // when notices were last lost
	slowAt  time.Time       // when that was last logged
	told    map[string]bool // what was logged since it ceased to be well
}

func (h *health) now() (bool, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.well, h.changed
}

// tell lets go who waits for a change. It is called with mu held.
func (h *health) tell() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// connected says that there is a connection, new or again.
func (h *health) connected(server string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.well: // and so it was lost unnoticed
	case h.since.IsZero():
		h.log.Info("NATS is connected", "server", server)
	default:
		h.log.Info("NATS is back", "server", server, "after", time.Since(h.since).Round(time.Millisecond))
	}
	h.well, h.told = true, nil
	h.tell()
}

// ill says that there is no connection, or one that is useless.
func (h *health) ill(what string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.well {
		h.well, h.since = false, time.Now()
		h.tell()
	}
	reason := what
	if err != nil {
		reason += err.Error()
	}
	const enough = 8 // reasons
	if h.told[reason] || len(h.told) >= enough {
		return
	}
	if h.told == nil {
		h.told = make(map[string]bool)
	}
	h.told[reason] = true
	h.log.Warn(what+"; chats go on, by reading the store more often", "err", err)
}

// slow says that notices were lost because the node didn't keep up.
func (h *health) slow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if now.Sub(h.slowAt) > time.Minute {
		h.slowAt = now
		h.log.Warn("notices from NATS were lost: this node is too slow; they are made up for from the store")
	}
	if now.Sub(h.lostAt) > lostPause {
		h.lostAt = now
		h.tell()
	}
}
