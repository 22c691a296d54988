package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storetest"
)

// load appends to many chats until it is ended. Nothing that is appended may fail or
// conflict: nobody else appends.
type load struct {
	stop   atomic.Bool
	wg     sync.WaitGroup
	mu     sync.Mutex
	stored map[chat.ChatID]int
	count  atomic.Int64
}

func startLoad(t *testing.T, s *Store) *load {
	l := &load{stored: make(map[chat.ChatID]int)}
	for range 24 {
		l.wg.Go(func() {
			id := storetest.NewChat()
			n := 0
			for ; !l.stop.Load(); n += 2 {
				a := storetest.Messages(id, int64(n), 2)
				a.Summaries = []chat.Summary{{Chat: id, Contact: id.FirstContact(), QueuedAt: time.UnixMilli(int64(n + 2))}}
				if err := s.Append(context.Background(), a); err != nil {
					t.Errorf("Append: %v", err)
					break
				}
				l.count.Add(1)
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			l.stored[id] = n
		})
	}
	return l
}

// more waits until there were so many more appends.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	want := l.count.Load() + n
	until(t, fmt.Sprintf("an end of %d more appends", n), func() bool { return l.count.Load() >= want })
}

// until waits for something that nothing tells of.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for begun := time.Now(); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > long {
			t.Fatalf("there is not %s", what)
		}
	}
}

// end ends the load and checks that all that was acknowledged is there, once.
func (l *load) end(t *testing.T, s *Store) {
	t.Helper()
	l.stop.Store(true)
	l.wg.Wait()
	for id, n := range l.stored {
		wantLog(t, s, id, n)
		c, err := s.Contact(t.Context(), id.FirstContact())
		if err != nil || c.QueuedAt.UnixMilli() != int64(n) {
			t.Errorf("the row of a contact is that of entry %d, %v; want %d", c.QueuedAt.UnixMilli(), err, n)
		}
	}
}

func wantLog(t *testing.T, s *Store, id chat.ChatID, n int) {
	t.Helper()
	log, err := s.Entries(t.Context(), id, 0, n+100)
	if err != nil {
		t.Errorf("Entries: %v", err)
	}
	if len(log) != n {
		t.Errorf("a chat has %d entries; want the %d that were acknowledged", len(log), n)
	}
	for i, e := range log {
		if want := fmt.Sprintf("message %d", i+1); e.Seq != int64(i+1) || e.Content.Text != want {
			t.Errorf("entry %d has Seq %d and says %q; want %q", i+1, e.Seq, e.Content.Text, want)
		}
	}
}

// TestPostgresKill kills the database under load. It recovers within the patience, so
// nobody is told anything but that all is stored.
func TestPostgresKill(t *testing.T) {
	c := pgtest.Start(t)
	s := openPostgres(t, c.Database(t))
	l := startLoad(t, s)
	for range 3 {
		l.more(t, 200)
		c.Kill(t)
		c.Restart(t)
	}
	l.more(t, 200)
	l.end(t, s)
}

// TestPostgresPause has a database that stands still for less than the patience.
func TestPostgresPause(t *testing.T) {
	c := pgtest.Start(t)
	s := openPostgres(t, c.Database(t))
	l := startLoad(t, s)
	for range 3 {
		l.more(t, 50)
		c.Pause(t)
		c.Resume(t)
	}
	l.more(t, 50)
	l.end(t, s)
}

// TestPostgresTerminated has an administrator who ends all connections, again and
// again, while there are writers and readers.
func TestPostgresTerminated(t *testing.T) {
	url := pgtest.Database(t)
	s := openPostgres(t, url)
	l := startLoad(t, s)
	for range 10 {
		l.more(t, 30)
		pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parley' AND datname = current_database()")
		if _, err := s.Due(t.Context(), 10); err != nil {
			t.Errorf("Due: %v", err)
		}
	}
	l.end(t, s)
}

// TestPostgresFailover kills a primary under load and promotes its synchronous standby;
// the URL names both.
func TestPostgresFailover(t *testing.T) {
	c := pgtest.Start(t)
	url := c.Database(t)
	standby := c.Standby(t, true)
	host := func(c *pgtest.Cluster) string { return fmt.Sprintf("127.0.0.1:%d", c.Port()) }
	s := openPostgres(t, strings.Replace(url, host(c), host(standby)+","+host(c), 1))
	l := startLoad(t, s)
	l.more(t, 100)
	c.Kill(t)
	standby.Promote(t)
	l.more(t, 100)
	l.end(t, s)
}

// TestPostgresReadOnly has connections whose server has become a standby.
func TestPostgresReadOnly(t *testing.T) {
	url := pgtest.Database(t)
	s := openPostgres(t, url)
	l := startLoad(t, s)
	l.more(t, 50)
	pgtest.Exec(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$;
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parley' AND datname = current_database()`)
	time.AfterFunc(100*time.Millisecond, func() { // any time will do: nobody can write until then
		pgtest.Exec(t, strings.Replace(url, "?", "?default_transaction_read_only=off&", 1),
			`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$`)
	})
	l.more(t, 50)
	l.end(t, s)
}

// TestPostgresLostReply cuts the connection around the commit of one batch, in each
// way: it is stored once, and its caller is told so.
func TestPostgresLostReply(t *testing.T) {
	for name, fault := range map[string]pgtest.Fault{"request": pgtest.LoseRequest, "reply": pgtest.LoseReply} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.Database(t)
			p := pgtest.NewProxy(t, url)
			s := openWith(t, p.URL, Options{Patience: long, Committers: 1}) // so that it is known whose turn it is
			id := storetest.NewChat()
			var n int64
			next := func() store.Append {
				a := storetest.Messages(id, n, 2)
				if n%8 < 4 {
					a.Summaries = []chat.Summary{{Chat: id, Contact: id.FirstContact(), QueuedAt: time.UnixMilli(n)}}
				}
				n += 2
				return a
			}
			for range 6 {
				// The connection is made and the statements are described: the next request
				// is the commit.
				if err := s.Append(t.Context(), next()); err != nil {
					t.Fatal(err)
				}
				hit := p.Arm(fault)
				if err := s.Append(t.Context(), next()); err != nil {
					t.Errorf("Append: %v", err)
				}
				select {
				case <-hit:
				default:
					t.Error("the connection was not cut")
				}
				if err := s.Append(t.Context(), storetest.Another(storetest.Messages(id, n-2, 1))); !errors.Is(err, store.ErrConflict) {
					t.Errorf("Append of the same Seq = %v; want %v", err, store.ErrConflict)
				}
			}
			wantLog(t, s, id, int(n))
		})
	}
}

// TestPostgresLeftWaiting loses the connection of a transaction that waits for a lock,
// and gets it after the loss: what is tried again waits for it too.
func TestPostgresLeftWaiting(t *testing.T) {
	for _, wins := range []bool{true, false} {
		url := pgtest.Database(t)
		p := pgtest.NewProxy(t, url)
		s := openWith(t, p.URL, Options{Patience: long, Committers: 1})
		id := storetest.NewChat()
		if err := s.Append(t.Context(), storetest.Messages(id, 0, 2)); err != nil {
			t.Fatal(err)
		}
		db := openDB(t, url)
		other, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Exec("INSERT INTO entry VALUES ($1, 3, $2, 0, 0, '{}')", id.UUID[:], id.UUID[:]); err != nil {
			t.Fatal(err)
		}
		hit := p.Arm(pgtest.LeaveWaiting)
		outcome := make(chan error, 1)
		go func() { outcome <- s.Append(context.Background(), storetest.Messages(id, 2, 2)) }()
		<-hit
		waits := func(besides int) (pid int) { // 0 if nobody does
			if err := db.QueryRow("SELECT COALESCE(MAX(pid), 0) FROM pg_locks WHERE NOT granted AND pid <> $1", besides).Scan(&pid); err != nil {
				t.Error(err)
			}
			return pid
		}
		until(t, "one that waits", func() bool { return waits(0) > 0 })
		first := waits(0)
		p.Cut(false)
		until(t, "another one that waits", func() bool { return waits(first) > 0 })
		if wins {
			if err := other.Rollback(); err != nil {
				t.Fatal(err)
			}
			if err := <-outcome; err != nil {
				t.Errorf("Append: %v", err)
			}
			wantLog(t, s, id, 4)
		} else {
			if err := other.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-outcome; !errors.Is(err, store.ErrConflict) {
				t.Errorf("Append = %v; want %v", err, store.ErrConflict)
			}
		}
	}
}

// TestPostgresRowAlone has a contact's row that is written alone while another node
// appends: what was decided without the newer entry does not replace what came with it.
func TestPostgresRowAlone(t *testing.T) {
	url := pgtest.Database(t)
	s := openPostgres(t, url)
	id := storetest.NewChat()
	row := chat.Summary{Chat: id, Contact: id.FirstContact(), Queue: "first"}
	a := storetest.Messages(id, 0, 1)
	a.Summaries = []chat.Summary{row}
	if err := s.Append(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	db := openDB(t, url)
	other, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"INSERT INTO entry VALUES ($1, 2, $1, 0, 0, '{}')", "UPDATE contact SET seq = 2, queue = 'second' WHERE chat_id = $1",
	} {
		if _, err := other.Exec(text, id.UUID[:]); err != nil {
			t.Fatal(err)
		}
	}
	outcome := make(chan error, 1)
	row.Queue = "third"
	go func() {
		outcome <- s.Append(context.Background(), store.Append{Chat: id, After: 1, Summaries: []chat.Summary{row}})
	}()
	until(t, "one that waits", func() bool {
		var n int
		err := db.QueryRow("SELECT COUNT(*) FROM pg_locks WHERE NOT granted").Scan(&n)
		return err == nil && n > 0
	})
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-outcome; !errors.Is(err, store.ErrConflict) {
		t.Errorf("Append of a row alone = %v; want %v", err, store.ErrConflict)
	}
	if c, err := s.Contact(t.Context(), row.Contact); err != nil || c.Queue != "second" {
		t.Errorf("the row is the %s, %v; want the second", c.Queue, err)
	}
}

// appendNext appends to a chat's log whatever has become of what was appended before.
func appendNext(t *testing.T, s *Store, id chat.ChatID) {
	t.Helper()
	until(t, "a next entry", func() bool {
		log, err := s.Entries(t.Context(), id, 0, 100)
		return err == nil && s.Append(t.Context(), storetest.Another(storetest.Messages(id, int64(len(log)), 1))) == nil
	})
}

// TestPostgresDown: when the patience is over, calls fail, with an error that says why,
// and work again when the database is back.
func TestPostgresDown(t *testing.T) {
	url := pgtest.Database(t)
	p := pgtest.NewProxy(t, url)
	s := openPatient(t, p.URL, short)
	id := storetest.NewChat()
	appendNext(t, s, id)
	p.Cut(true)
	for range 3 {
		err := s.Append(t.Context(), storetest.Messages(id, 99, 1))
		if err == nil || errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), "can't be reached") {
			t.Errorf("Append = %v; want it to fail", err)
		}
		if _, err := s.Entries(t.Context(), id, 0, 10); err == nil || !strings.Contains(err.Error(), "can't be reached") {
			t.Errorf("Entries = %v; want it to fail", err)
		}
	}
	p.Cut(false)
	appendNext(t, s, id)
}

// TestPostgresSilent has a database that doesn't answer for longer than the patience.
func TestPostgresSilent(t *testing.T) {
	c := pgtest.Start(t)
	s := openPatient(t, c.Database(t), short)
	id := storetest.NewChat()
	appendNext(t, s, id)
	c.Pause(t)
	if err := s.Append(t.Context(), storetest.Messages(id, 99, 1)); err == nil || errors.Is(err, store.ErrConflict) {
		t.Errorf("Append = %v; want it to fail", err)
	}
	if _, err := s.Entries(t.Context(), id, 0, 10); err == nil {
		t.Error("Entries succeeded; want it to fail")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Entries(ctx, id, 0, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Entries with a cancelled context = %v; want %v", err, context.Canceled)
	}
	c.Resume(t)
	appendNext(t, s, id)
}
