package meter

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestSeconds(t *testing.T) {
	m := New()
	at := time.Date(2026, 11, 23, 10, 0, 30, 0, time.UTC)
	for range 98 {
		m.add(at, time.Millisecond, true, http.StatusOK)
	}
	for range 2 {
		m.add(at, 50*time.Millisecond, true, http.StatusOK)
	}
	m.add(at, time.Second, true, http.StatusForbidden) // in the next second
	m.add(at.Add(-time.Hour), 0, false, http.StatusOK)
	m.add(at.Add(time.Second), 0, false, http.StatusInternalServerError)
	all := m.Seconds(at.Add(2 * time.Second))
	if len(all) != 60 || all[58].At != "2026-11-23T10:00:30Z" {
		t.Fatalf("%d seconds, the last but one is %+v", len(all), all[len(all)-2])
	}
	busy, last := all[58], all[59]
	if busy.Messages != 100 || busy.Calls != 100 || busy.Errors != 0 || last.Calls != 2 || last.Messages != 0 || last.Errors != 1 {
		t.Errorf("%+v, %+v", busy, last)
	}
	if busy.AckMedian < 1 || busy.AckMedian > 1.25 || busy.AckP99 < 50 || busy.AckP99 > 62.5 || last.AckMedian != 0 {
		t.Errorf("%+v", busy)
	}
	if first := all[0]; first.Calls != 0 {
		t.Errorf("what happened an hour ago shows: %+v", first)
	}
}

// Whatever it took, a latency lies below the upper end of its bucket and not far.
func TestBuckets(t *testing.T) {
	for took := time.Microsecond; took < time.Hour; took = took*9/8 + time.Microsecond {
		ms := float64(took.Microseconds()) / 1000
		if top := upper(bucket(took)); top <= ms || top > ms*2+0.001 {
			t.Fatalf("%v is below %v ms", took, top)
		}
	}
}

func TestCount(t *testing.T) {
	m := New()
	h := m.Count("/console/", "/send", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, counted := w.(interface{ Unwrap() http.ResponseWriter }); r.Header.Get("Upgrade") != "" && counted {
			t.Error("a websocket can't be taken over")
		}
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	for _, path := range []string{"/send", "/fails", "/console/x"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", path, nil))
	}
	r := httptest.NewRequest("GET", "/socket", nil)
	r.Header.Set("Upgrade", "websocket")
	h.ServeHTTP(httptest.NewRecorder(), r)
	var calls, messages, errors int
	for _, s := range m.Seconds(time.Now().Add(2 * time.Second)) {
		calls, messages, errors = calls+s.Calls, messages+s.Messages, errors+s.Errors
	}
	if calls != 2 || messages != 1 || errors != 1 {
		t.Errorf("%d calls, %d messages, %d errors", calls, messages, errors)
	}
}
