package quota

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"
)

// maxCallers bounds how many callers are told apart; when there are more, those who have
// used nothing of theirs are forgotten.
const maxCallers = 10000

// Callers count by caller, and by the server's clock: an address, say, or a name that
// somebody claims to have. They are safe for concurrent use.
type Callers struct {
	clock clockwork.Clock
	rate  Rate

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

// NewCallers gives each caller a bucket of their own, which is full at first.
func NewCallers(r Rate, clock clockwork.Clock) *Callers {
	return &Callers{clock: clock, rate: r, all: make(map[string]*rate.Limiter)}
}

// Take counts a call like [Limiter.Take].
func (c *Callers) Take(caller string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	b := c.all[caller]
	if b == nil {
		if len(c.all) >= maxCallers {
			c.makeRoom(now)
		}
		b = rate.NewLimiter(rate.Limit(c.rate.PerSecond), c.rate.Burst)
		c.all[caller] = b
	}
	return take(b, now)
}

// Forget fills a caller's bucket.
func (c *Callers) Forget(caller string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, caller)
}

// makeRoom forgets those whose buckets are full. Where there are none, all are
// forgotten: better a few calls more than memory without end.
func (c *Callers) makeRoom(now time.Time) {
	for caller, b := range c.all {
		if b.TokensAt(now) >= float64(c.rate.Burst) {
			delete(c.all, caller)
		}
	}
	if len(c.all) >= maxCallers {
		clear(c.all)
	}
}
