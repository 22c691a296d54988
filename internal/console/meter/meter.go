// Package meter counts what a server answers, for the charts of the web console.
package meter

import (
	"math/bits"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Meter counts what a server answers, by the second. It goes by the machine's own time:
// it is about the machine, not about chats.
type Meter struct {
	mu    sync.Mutex
	slots [meterSeconds + 2]slot
}

// meterSeconds is how far back figures go.
const meterSeconds = 60

// slot is a second.
type slot struct {
	unix                      int64
	calls, messages, failures int
	// latency counts messages by how long their answer took: each power of two of
	// microseconds has four buckets.
	latency [4 * 32]uint16
}

// Second is what happened in one second. Messages are those that were acknowledged;
// AckMedian and AckP99, in milliseconds, are how long the answer to SendMessage took.
// Errors are answers with status 500 and above.
type Second struct {
	At        string  `json:"At"`
	Calls     int     `json:"Calls"`
	Messages  int     `json:"Messages"`
	Errors    int     `json:"Errors"`
	AckMedian float64 `json:"AckMedian"`
	AckP99    float64 `json:"AckP99"`
}

// New makes a meter that has seen nothing.
func New() *Meter { return &Meter{} }

// Count wraps the handler of everything a server answers. Requests below the path except,
// and websockets, don't count; those to the path message are the messages.
func (m *Meter) Count(except, message string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, except) || r.Header.Get("Upgrade") != "" {
			next.ServeHTTP(w, r)
			return
		}
		begin := time.Now()
		c := &counted{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(c, r)
		m.add(begin, time.Since(begin), r.URL.Path == message, c.status)
	})
}

// counted remembers the status that was sent.
type counted struct {
	http.ResponseWriter
	status int
}

func (c *counted) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (m *Meter) add(begin time.Time, took time.Duration, message bool, status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.slot(begin.Add(took).Unix())
	s.calls++
	if status >= http.StatusInternalServerError {
		s.failures++
	}
	if message && status == http.StatusOK {
		s.messages++
		s.latency[bucket(took)]++
	}
}

// slot gives that of a second, emptied if it was another's.
func (m *Meter) slot(unix int64) *slot {
	s := &m.slots[unix%int64(len(m.slots))]
	if s.unix != unix {
		*s = slot{unix: unix}
	}
	return s
}

// bucket is where a latency is counted.
func bucket(took time.Duration) int {
	us := max(uint64(took.Microseconds()), 1)
	power := bits.Len64(us) - 1
	quarter := int(us<<2>>power) & 3
	return min(4*power+quarter, 4*32-1)
}

// upper is the upper end of a bucket, in milliseconds.
func upper(bucket int) float64 {
	return float64(uint64(5+bucket%4)<<(bucket/4)) / 4 / 1000
}

// Seconds gives the last ones that are over.
func (m *Meter) Seconds(now time.Time) []Second {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Second, meterSeconds)
	for i := range all {
		unix := now.Unix() - int64(meterSeconds-i)
		s := m.slot(unix)
		all[i] = Second{
			At: time.Unix(unix, 0).UTC().Format(time.RFC3339), Calls: s.calls, Messages: s.messages, Errors: s.failures,
			AckMedian: s.quantile(0.5), AckP99: s.quantile(0.99),
		}
	}
	return all
}

// quantile is the latency that the share q of the messages stayed below, 0 if there were
// none.
func (s *slot) quantile(q float64) float64 {
	rank := int(q * float64(s.messages))
	for i, n := range s.latency {
		if rank -= int(n); rank < 0 {
			return upper(i)
		}
	}
	return 0
}
