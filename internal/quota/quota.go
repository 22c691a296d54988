// Package quota limits how often operations are called, as the real service does:
// with a token bucket for each operation.
package quota

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"
)

// Rate is how often an operation may be called: so many calls a second in the long
// run, and Burst calls at once after a pause.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limits are the rates of one API.
type Limits struct {
	// Operations have rates of their own.
	Operations map[string]Rate
	// Default is that of each other operation.
	Default Rate
}

// Limiter counts the calls of one API's operations. It is safe for concurrent use.
type Limiter struct {
	limits Limits
	clock  clockwork.Clock

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// New makes a limiter whose buckets are full, and fill by the clock.
func New(l Limits, clock clockwork.Clock) *Limiter {
	return &Limiter{limits: l, clock: clock, buckets: make(map[string]*rate.Limiter)}
}

// Take counts a call of an operation. Zero lets it through; otherwise it was one too
// many, and the first time a call can succeed is that much later.
func (l *Limiter) Take(op string) time.Duration {
	return take(l.bucket(op), l.clock.Now())
}

// take takes one from a bucket, or says when there will be one.
func take(bucket *rate.Limiter, now time.Time) time.Duration {
	if bucket.AllowN(now, 1) {
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return max(time.Duration(missing/float64(bucket.Limit())*float64(time.Second)), 1)
}

// bucket finds or makes that of an operation.
func (l *Limiter) bucket(op string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[op]
	if b == nil {
		r, ok := l.limits.Operations[op]
		if !ok {
			r = l.limits.Default
		}
		b = rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)
		l.buckets[op] = b
	}
	return b
}
