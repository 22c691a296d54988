package server

import (
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jonboulle/clockwork"
	"github.com/nats-io/nats.go"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/console/desk"
)

// A server tells the others of its instance what is new, and does without NATS while
// there is none.
func TestBus(t *testing.T) {
	n := natstest.Start(t, `authorization { user: parley, password: secret }`)
	url := strings.Replace(n.URL, "//", "//parley:secret@", 1)
	n.Kill()
	srv := open(t, settings(func(s *config.Settings) { s.Bus = "nats://127.0.0.1:1, " + url }))
	if _, err := start(t, srv.Listening(), "without NATS"); err != nil {
		t.Fatal(err)
	}
	if b := shownBus(t, srv.Listening()); b == nil || *b != (desk.Bus{}) {
		t.Errorf("without NATS the console shows %+v", b)
	}
	n.Restart()
	await(t, srv.bus.(bus.Lossy))
	c, err := nats.Connect(url, nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	heard, err := c.SubscribeSync("parley." + config.Defaults().InstanceID + ".chat.*")
	if err == nil {
		err = c.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := start(t, srv.Listening(), "with NATS")
	if err != nil {
		t.Fatal(err)
	}
	for { // what was published without NATS may come first
		m, err := heard.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(m.Subject, "."+strings.ReplaceAll(*out.ContactId, "-", "")) {
			break
		}
	}
	if b := shownBus(t, srv.Listening()); b == nil || !b.Well || b.Sent == 0 || b.Dropped > 0 {
		t.Errorf("the console shows %+v", b)
	}
	if b := shownBus(t, open(t, settings(func(*config.Settings) {})).Listening()); b != nil {
		t.Errorf("the console of a server by itself shows %+v", b)
	}
}

// shownBus is what the console shows of the bus.
func shownBus(t *testing.T, url string) *desk.Bus {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	signedIn, err := c.Post(url+desk.Path+"sign-in", "application/json", strings.NewReader(`{"User":"supervisor","Password":"supervisor"}`))
	if err != nil {
		t.Fatal(err)
	}
	signedIn.Body.Close()
	resp, err := c.Get(url + desk.Path + "now")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var now desk.Now
	if err := json.UnmarshalRead(resp.Body, &now); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	return now.Bus
}

func await(t *testing.T, b bus.Lossy) {
	t.Helper()
	late := time.After(patience)
	for {
		well, changed := b.Health()
		if well {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatal("the bus does not connect")
		}
	}
}

func TestBusThatCantBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*config.Settings){
		"bus: number 1":   func(s *config.Settings) { s.Bus = "127.0.0.1:4222" },
		"neither":         func(s *config.Settings) { s.BusCredentials = file },
		"bus-ca":          func(s *config.Settings) { s.BusCA = file },
		"missing":         func(s *config.Settings) { s.BusCert, s.BusKey = "missing", "missing" },
		"bus-cert":        func(s *config.Settings) { s.BusCert = file },
		"bus-credentials": func(s *config.Settings) { s.BusCredentials = "missing" },
	} {
		srv, err := Open(settings(func(s *config.Settings) {
			s.Bus = "tls://127.0.0.1:1"
			change(s)
		}), clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if err == nil {
			_ = srv.close()
		}
	}
}
