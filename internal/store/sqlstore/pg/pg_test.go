package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestErrors(t *testing.T) {
	code := func(c string) error { return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: c, Message: "says so"}) }
	s, err := Parse("postgres://parley:s3cret@db.example.com,other.example.com/chats")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err                 error
		transient, poisoned bool
		says                string
	}{
		{code("25006"), true, false, "can't be written to now"},
		{code("40001"), true, false, "now"},
		{code("40P01"), true, false, "now"},
		{code("57P01"), true, false, "can't be reached"},
		{code("08006"), true, false, "can't be reached"},
		{code("53300"), true, false, "max_connections"},
		{code("55P03"), true, false, "pg_locks"},
		{code("53100"), false, false, "make room"},
		{code("28P01"), false, false, "user and password"},
		{code("3D000"), false, false, "CREATE DATABASE"},
		{code("42501"), false, false, "privilege"},
		{code("3F000"), false, false, "CREATE SCHEMA"},
		{code("42P01"), false, false, "says so"},
		{code("22021"), false, true, "says so"},
		{code("23514"), false, true, "says so"},
		{code("54000"), false, true, "says so"},
		{code("P0001"), false, true, "says so"},
		{io.ErrUnexpectedEOF, true, false, "can't be reached"},
		{context.DeadlineExceeded, true, false, "can't be reached"},
		{errReadOnly, true, false, "read-only"},
		{fmt.Errorf("wrapped: %w", refusal("it is too old")), false, true, "it is too old"},
		{errors.New("can't encode"), false, true, "can't encode"},
	} {
		if Transient(c.err) != c.transient || poisoned(c.err) != c.poisoned {
			t.Errorf("%v: transient %t, poisoned %t; want %t, %t", c.err, Transient(c.err), poisoned(c.err), c.transient, c.poisoned)
		}
		said := s.Explain(c.err)
		if !strings.Contains(said.Error(), c.says) || !strings.Contains(said.Error(), "chats at db.example.com:5432") {
			t.Errorf("%v is explained as %q; want %q in it, and where the database is", c.err, said, c.says)
		}
		if !errors.Is(said, c.err) && !errors.As(c.err, new(refusal)) {
			t.Errorf("%q has lost its cause", said)
		}
	}
	if Transient(nil) {
		t.Error("nil is transient")
	}
}

func TestSuitable(t *testing.T) {
	for _, c := range []struct{ readOnly, version, fsync, commit, encoding, says string }{
		{"off", "150000", "on", "on", "UTF8", ""},
		{"off", "180001", "on", "local", "UTF8", ""},
		{"off", "", "", "", "", ""}, // can't be checked
		{"off", "140010", "on", "on", "UTF8", "is PostgreSQL 14"},
		{"off", "150000", "off", "on", "UTF8", "fsync"},
		{"off", "150000", "on", "off", "UTF8", "synchronous_commit"},
		{"off", "150000", "on", "on", "SQL_ASCII", "encoding"},
		{"on", "150000", "on", "on", "UTF8", "read-only"},
	} {
		err := suitable(c.readOnly, c.version, c.fsync, c.commit, c.encoding)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestHealth: what is known to be lost is tried once, and no longer than haste.
func TestHealth(t *testing.T) { synctest.Test(t, testHealth) }

func testHealth(t *testing.T) {
	s, err := Parse("postgres://localhost/x")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	h := NewHealth(s, slog.New(slog.NewTextHandler(&log, nil)), 50*time.Millisecond, time.Minute)
	calls := 0
	failing := func(context.Context) error { calls++; return io.EOF }
	if err := h.Try(t.Context(), failing); err != io.EOF || calls < 2 {
		t.Errorf("at first: %v after %d calls; want several", err, calls)
	}
	calls = 0
	if err := h.Try(t.Context(), failing); err != io.EOF || calls != 1 {
		t.Errorf("when it is lost: %v after %d calls; want 1", err, calls)
	}
	if err := h.Try(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
	for _, words := range []string{"the database is lost", "the database is back"} {
		if strings.Count(log.String(), words) != 1 {
			t.Errorf("the log says\n%s\nwant once: %s", log.String(), words)
		}
	}
	if err := h.Try(t.Context(), func(context.Context) error {
		return errors.Join(io.EOF, h.Try(t.Context(), func(context.Context) error { return nil }))
	}); !errors.Is(err, io.EOF) || h.down.Load() {
		t.Errorf("one call has %v while others are answered; want no conclusion from it", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Try(ctx, failing); err != io.EOF || h.down.Load() {
		t.Errorf("who has given up has %v; want no conclusion from it", err)
	}
}

// TestHealthOfWrites: a database that answers and can't be written to is tried once, and
// one that doesn't answer at all is lost, whoever finds out.
func TestHealthOfWrites(t *testing.T) { synctest.Test(t, testHealthOfWrites) }

func testHealthOfWrites(t *testing.T) {
	s, err := Parse("postgres://localhost/x")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	reads := NewHealth(s, slog.New(slog.NewTextHandler(&log, nil)), 50*time.Millisecond, time.Minute)
	writes := reads.Writes()
	calls := 0
	answers := func(context.Context) error { return nil }
	refuses := func(context.Context) error { calls++; return errReadOnly }
	for i, want := range []bool{true, false, false} {
		calls = 0
		if err := writes.Try(t.Context(), refuses); !errors.Is(err, errReadOnly) || calls > 1 != want {
			t.Errorf("write %d: %v after %d calls; want several: %t", i, err, calls, want)
		}
	}
	hangs := reads.Writes()
	for range 2 {
		time.AfterFunc(10*time.Millisecond, func() { reads.Try(context.Background(), answers) })
		if err := hangs.Try(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); err == nil {
			t.Error("a write that hangs is done")
		}
	}
	if reads.down.Load() || strings.Contains(log.String(), "is lost") {
		t.Errorf("reads are thought to fail; the log says\n%s", log.String())
	}
	if err := writes.Try(t.Context(), answers); err != nil {
		t.Error(err)
	}
	for words, want := range map[string]int{"can't be written to; requests": 2, "can be written to again": 1} {
		if strings.Count(log.String(), words) != want {
			t.Errorf("the log says\n%s\nwant %d times: %s", log.String(), want, words)
		}
	}
	if err := writes.Try(t.Context(), func(context.Context) error { return io.EOF }); err != io.EOF || !reads.down.Load() {
		t.Errorf("writes have %v and nobody an answer; want the database to be lost", err)
	}
	if err := writes.Try(t.Context(), answers); err != nil || reads.down.Load() {
		t.Errorf("a write is answered, %v; want the database to be back", err)
	}
}

func TestParse(t *testing.T) {
	for _, url := range []string{"postgres://u:s3cret@host:x/db", "postgres://u:s3cret@host/db?sslmode=perhaps", "nonsense s3cret"} {
		if _, err := Parse(url); err == nil || strings.Contains(err.Error(), "s3cret@") {
			t.Errorf("Parse(%q) = %v", url, err)
		}
	}
}
