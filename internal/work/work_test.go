package work_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"go.yaml.in/yaml/v3"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/identity/oidctest"
	"github.com/parley-chat/parley/internal/scan"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/work"
)

// shop is a worker with all that it works with.
type shop struct {
	clock  *clockwork.FakeClock
	blobs  *served.Store
	center *center.Center
	config work.Config
	log    strings.Builder
}

func newShop(t *testing.T, file string) *shop {
	t.Helper()
	keys, err := token.NewKeyring([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	var sections map[string]*yaml.Node
	if _, sections, err = config.Parse(strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	s := &shop{clock: clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))}
	s.blobs = memblob.New(served.Config{Base: "http://127.0.0.1:1", Tokens: keys, Clock: s.clock})
	in := center.Instance{ID: "instance", Region: "us-east-1", AccountID: "000000000000"}
	if s.center, err = center.New(sections, center.Options{Instance: in, FlowID: "f", Tokens: keys}); err != nil {
		t.Fatal(err)
	}
	s.config = work.Config{Center: s.center, Blobs: s.blobs, Clock: s.clock, Log: slog.New(slog.NewTextHandler(&s.log, nil))}
	return s
}

var (
	id   = chat.ChatID{ID: chat.ID{UUID: uuid.UUID{1}}}
	file = chat.File{ID: chat.ID{UUID: uuid.MustParse("01a207d9-2100-72b8-8f4d-3edc9aa53d0c")}, Name: "a.txt", Type: "text/plain", Size: 5, Attempt: 1}
	key  = blob.Key{Chat: id, Attachment: file.ID}
)

// store uploads the file.
func (s *shop) store(t *testing.T, commit bool) {
	t.Helper()
	f := blob.FileOf(id, file, "000000000000", "instance")
	to, err := s.blobs.Upload(t.Context(), key, f, s.clock.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("PUT", to.URL, strings.NewReader("hello"))
	for name, value := range to.Headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	if s.blobs.ServeHTTP(w, r); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	if commit {
		if err := s.blobs.Commit(t.Context(), key, f); err != nil {
			t.Fatal(err)
		}
	}
}

// scanner answers the same to all.
type scanner struct {
	approved bool
	err      error
	asked    []scan.Request
}

func (s *scanner) Scan(_ context.Context, r scan.Request) (bool, error) {
	s.asked = append(s.asked, r)
	return s.approved, s.err
}

// do has a job done while the clock runs as fast as it can.
func (s *shop) do(t *testing.T, job chat.Job) chat.Command {
	t.Helper()
	done := make(chan chat.Command, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { done <- work.New(s.config).Work(ctx, id, job) }()
	go func() {
		for s.clock.BlockUntilContext(ctx, 1) == nil {
			s.clock.Advance(time.Second)
		}
	}()
	return <-done
}

func TestScan(t *testing.T) {
	for name, c := range map[string]struct {
		scanner *scanner
		want    chat.Scanned
	}{
		"approved": {&scanner{approved: true}, chat.Scanned{File: file, Result: chat.Approved}},
		"rejected": {&scanner{}, chat.Scanned{File: file, Result: chat.Rejected}},
		"of no use": {&scanner{approved: true, err: fmt.Errorf("%w: nonsense", scan.ErrFinal)},
			chat.Scanned{File: file, Result: chat.Rejected}},
	} {
		s := newShop(t, "")
		s.config.Scanner = c.scanner
		before := s.clock.Now()
		if got := s.do(t, chat.Job{Kind: chat.JobScan, File: file}); got != chat.Command(c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if got := s.clock.Since(before); got > 0 {
			t.Errorf("%s: it has paused for %v", name, got)
		}
		r := c.scanner.asked[0]
		if len(c.scanner.asked) != 1 || r.Instance != "instance" || r.Key != key || r.File.Name != "a.txt" || r.Created.UTC().Format(time.DateTime) != "2026-11-23 10:00:00" {
			t.Errorf("%s: asked %+v", name, c.scanner.asked)
		}
	}
	s := newShop(t, "")
	if got := s.do(t, chat.Job{Kind: chat.JobScan, File: file}); got != chat.Command(chat.Scanned{File: file, Result: chat.Rejected}) || !strings.Contains(s.log.String(), "has no scanner") {
		t.Errorf("without a scanner: %+v\n%s", got, &s.log)
	}
	// A node that ends tells nothing.
	s.config.Scanner = &scanner{err: context.Canceled}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := work.New(s.config).Work(ended, id, chat.Job{Kind: chat.JobScan, File: file}); got != nil {
		t.Errorf("of a node that ends: %+v", got)
	}
}

// A scanner that fails is asked three times within a minute, even if it takes all the time
// that it has. Each attempt is told before the rules ask for it again, maybe another node.
func TestScanFails(t *testing.T) {
	var all time.Duration
	for f, last := file, chat.ScanAttempts; f.Attempt <= last; f.Attempt++ {
		s := newShop(t, "")
		s.config.Scanner = &scanner{err: fmt.Errorf("%w: busy", scan.ErrRetry)}
		before := s.clock.Now()
		if got := s.do(t, chat.Job{Kind: chat.JobScan, File: f}); got != chat.Command(chat.Scanned{File: f, Failed: true}) {
			t.Errorf("attempt %d: %+v", f.Attempt, got)
		}
		pause := s.clock.Since(before)
		if again := f.Attempt < last; again != (pause > 0) {
			t.Errorf("attempt %d is followed by a pause of %v", f.Attempt, pause)
		}
		took := work.ScanTime + pause
		if took >= chat.ScanWithin {
			t.Errorf("attempt %d is told after %v", f.Attempt, took)
		}
		all += took
	}
	if all > time.Minute {
		t.Errorf("all attempts take %v", all)
	}
}

// stubborn fails to delete a few times.
type stubborn struct {
	blob.Store
	failures int
}

func (s *stubborn) Delete(ctx context.Context, k blob.Key) error {
	if s.failures--; s.failures >= 0 {
		return errors.New("the disk is on fire")
	}
	return s.Store.Delete(ctx, k)
}

func TestDiscard(t *testing.T) {
	for failures, gone := range map[int]bool{0: true, 2: true, 3: false} {
		s := newShop(t, "")
		s.store(t, true)
		s.config.Blobs = &stubborn{s.blobs, failures}
		var want chat.Command
		if gone {
			want = chat.Discarded{ID: file.ID}
		}
		if got := s.do(t, chat.Job{Kind: chat.JobDiscard, File: file}); got != want {
			t.Errorf("after %d failures: %+v, want %+v", failures, got, want)
		}
		r, err := s.blobs.Open(t.Context(), key)
		if err == nil {
			r.Close()
		}
		if errors.Is(err, blob.ErrMissing) != gone || strings.Contains(s.log.String(), "on fire") == gone {
			t.Errorf("after %d failures: %v\n%s", failures, err, &s.log)
		}
	}
}

const back = "https://shop.example/back"

// logIn has Jane log in and gives the job that asks who she is.
func (s *shop) logIn(t *testing.T, provider *oidctest.Provider) chat.Job {
	t.Helper()
	session := chat.ID{UUID: uuid.UUID{2}}
	p, _ := s.center.Provider("corp")
	where, err := p.URL(t.Context(), id, session, back)
	if err != nil {
		t.Fatal(err)
	}
	code, _, err := provider.LogIn(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	return chat.Job{Kind: chat.JobExchange, Code: code, Auth: chat.Authentication{Session: session, Provider: "corp", Redirect: back}}
}

func corp(issuer string) string {
	return fmt.Sprintf("identity-providers: [{id: corp, issuer: %q, client-id: %q, client-secret: %q, attributes: {mail: email, none: nothing}}]",
		issuer, oidctest.ClientID, oidctest.ClientSecret)
}

func TestExchange(t *testing.T) {
	provider := oidctest.Start(t, oidctest.Options{})
	s := newShop(t, corp(provider.Issuer))
	job := s.logIn(t, provider)
	got, _ := s.do(t, job).(chat.Authenticated)
	if !got.OK || got.Session != job.Auth.Session || got.Name != "Jane Doe" || len(got.Attributes) != 1 || got.Attributes["mail"] != "jane@example.com" {
		t.Errorf("%+v\n%s", got, &s.log)
	}
	// A code counts once.
	if got, _ := s.do(t, job).(chat.Authenticated); got.OK || got.Session != job.Auth.Session {
		t.Errorf("the same code again: %+v", got)
	}
	other := s.logIn(t, provider)
	other.Auth.Redirect = "https://shop.example/other"
	if got, _ := s.do(t, other).(chat.Authenticated); got.OK {
		t.Errorf("with another redirect URI: %+v", got)
	}
	other.Auth.Provider = "gone"
	if got, _ := s.do(t, other).(chat.Authenticated); got.OK || !strings.Contains(s.log.String(), "not configured any more") {
		t.Errorf("a provider that is not configured: %+v\n%s", got, &s.log)
	}
}

// A provider that is down is asked three times; one that recovers meanwhile is in time.
func TestExchangeProviderDown(t *testing.T) {
	provider := oidctest.Start(t, oidctest.Options{})
	s := newShop(t, corp(provider.Issuer))
	job := s.logIn(t, provider)
	provider.Replace(oidctest.Token, oidctest.Down)
	if got, _ := s.do(t, job).(chat.Authenticated); got.OK || got.Session != job.Auth.Session {
		t.Errorf("a provider that is down: %+v", got)
	}
	if n := provider.Asked(oidctest.Token); n < 3 {
		t.Errorf("it was asked %d times", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := work.New(s.config).Work(ctx, id, job); got != nil {
		t.Errorf("of a node that ends: %+v", got)
	}
}

// Uploads that nobody said to be complete are removed in the end, attachments never.
func TestSweep(t *testing.T) {
	s := newShop(t, "")
	s.store(t, false)
	w := work.New(s.config)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { w.Run(ctx) })
	defer done.Wait()
	defer cancel()
	for range 8 {
		if err := s.clock.BlockUntilContext(ctx, 1); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(10 * time.Minute)
	}
	if err := s.clock.BlockUntilContext(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.blobs.Commit(ctx, key, blob.FileOf(id, file, "000000000000", "instance")); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("an abandoned upload: %v", err)
	}
}
