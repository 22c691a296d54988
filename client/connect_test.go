package client

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestRenewalTime(t *testing.T) {
	now := time.Now()
	for _, c := range []struct{ socket, token, want time.Duration }{
		{65 * time.Minute, 24 * time.Hour, 58*time.Minute + 30*time.Second},
		{2 * time.Hour, 24 * time.Hour, 59 * time.Minute},
		{10 * time.Minute, 24 * time.Hour, 9 * time.Minute},
		{65 * time.Minute, 5 * time.Minute, 4 * time.Minute},
		{-time.Minute, time.Second, 30 * time.Second}, // no storm
	} {
		if got := renewal(now, now.Add(c.socket), now.Add(c.token)).Sub(now); got != c.want {
			t.Errorf("%+v: renewed after %v", c, got)
		}
	}
	if got := renewal(now, time.Time{}, time.Time{}).Sub(now); got != maxLife {
		t.Errorf("without times: renewed after %v", got)
	}
}

func TestBackoff(t *testing.T) {
	for failed, most := range map[int]time.Duration{0: 500 * time.Millisecond, 1: time.Second, 5: 16 * time.Second, 6: backoffMax, 1000: backoffMax} {
		longest := time.Duration(0)
		for range 1000 {
			d := backoff(failed)
			if d < 0 || d >= most {
				t.Fatalf("after %d failures: %v", failed, d)
			}
			longest = max(longest, d)
		}
		if longest < most*9/10 {
			t.Errorf("after %d failures: never longer than %v", failed, longest)
		}
	}
}

func TestPauseAfter(t *testing.T) {
	closed := func(code int) error { return &websocket.CloseError{Code: code} }
	for _, c := range []struct {
		err         error
		least, most time.Duration
	}{
		{closed(1000), 0, 0}, {closed(1008), 0, 0},
		{closed(1001), 0, backoffBase}, {closed(1012), 0, backoffBase}, {io.EOF, 0, backoffBase},
		{closed(1013), time.Second, 2 * time.Second},
	} {
		for range 100 {
			if d := pauseAfter(c.err); d < c.least || d > c.most {
				t.Errorf("%v: waits %v", c.err, d)
			}
		}
	}
}

func TestMediaType(t *testing.T) {
	for name, want := range map[string]string{
		"a.PNG": "image/png", "b.csv": "text/csv", "c.txt": "text/plain", "page.html": "text/html",
		"d": "application/octet-stream", "e.unheardof": "application/octet-stream",
	} {
		if got := mediaType(name); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
}

func TestErrors(t *testing.T) {
	if isDenied(errors.New("no answer")) || isDenied(nil) || isFinal(nil) {
		t.Error("what is no answer of the service counts as one")
	}
}
