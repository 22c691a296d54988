package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/porttest"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/sqlstore/pg"
	"github.com/parley-chat/parley/internal/store/storetest"
)

// long is a patience that no test ever comes to the end of; short, one that a busy machine
// doesn't come to the end of while the database answers.
const long, short = 3 * time.Minute, 5 * time.Second

func openPostgres(t testing.TB, url string) *Store {
	t.Helper()
	return openPatient(t, url, long)
}

func openPatient(t testing.TB, url string, patience time.Duration) *Store {
	t.Helper()
	return openWith(t, url, Options{Patience: patience})
}

func openWith(t testing.TB, url string, opts Options) *Store {
	t.Helper()
	s, err := OpenPostgres(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) // most tests have closed it themselves
	return s
}

// openDB opens a database beside the store.
func openDB(t *testing.T, url string) *sql.DB {
	t.Helper()
	server, err := pg.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	db := server.Pool(4)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openPostgres(t, pgtest.Database(t)) })
	databases := make(map[string]string) // by the directories of RunDurable
	storetest.RunDurable(t, func(t *testing.T, dir string) store.Store {
		if databases[dir] == "" {
			databases[dir] = pgtest.Database(t)
		}
		return openPostgres(t, databases[dir])
	})
}

// TestPostgresPooler has a pooler that gives each transaction another one of two
// connections.
func TestPostgresPooler(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return openPostgres(t, pgtest.Pooler(t, pgtest.Database(t), 2))
	})
}

// TestPostgresOpenTogether: of many nodes that open a new database at the same time,
// one makes the schema.
func TestPostgresOpenTogether(t *testing.T) {
	url := pgtest.Database(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := OpenPostgres(t.Context(), url, Options{Patience: long})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Append(t.Context(), storetest.Messages(storetest.NewChat(), 0, 2)); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var entries int
	if err := openDB(t, url).QueryRow("SELECT COUNT(*) FROM entry").Scan(&entries); err != nil || entries != 16 {
		t.Errorf("there are %d entries, %v; want 16", entries, err)
	}
}

// TestPostgresOpenSlowly: another node is busy with the schema, for longer than the patience.
func TestPostgresOpenSlowly(t *testing.T) {
	url := pgtest.Database(t)
	db := openDB(t, url)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("SELECT pg_advisory_xact_lock($1)", schemaLock); err != nil {
		t.Fatal(err)
	}
	log := &told{first: make(chan struct{})}
	opened := make(chan error, 1)
	go func() {
		s, err := OpenPostgres(t.Context(), url, Options{Patience: short, Log: slog.New(slog.NewTextHandler(log, nil))})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("OpenPostgres = %v; want it to wait", err)
	case <-log.first: // it has waited for long
	case <-time.After(long):
		t.Fatal("nothing is said of a schema that is being waited for")
	}
	select {
	case err := <-opened:
		t.Fatalf("OpenPostgres = %v; want it to wait longer", err)
	case <-time.After(short / 2):
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
	if strings.Count(log.text.String(), "somebody keeps a lock") != 1 { // by whom nothing is written any more
		t.Errorf("the log says\n%s\nwant once, that somebody keeps a lock", &log.text)
	}
}

// told is a log that tells when something is in it.
type told struct {
	text  bytes.Buffer
	once  sync.Once
	first chan struct{}
}

func (l *told) Write(p []byte) (int, error) {
	defer l.once.Do(func() { close(l.first) })
	return l.text.Write(p)
}

// TestPostgresOtherVersions: a newer schema is fine as long as it says so.
func TestPostgresOtherVersions(t *testing.T) {
	url := pgtest.Database(t)
	openPostgres(t, url).Close()
	pgtest.Exec(t, url, "UPDATE parley_schema SET version = 99; ALTER TABLE contact ADD COLUMN more TEXT NOT NULL DEFAULT ''")
	s := openPostgres(t, url)
	if err := s.Append(t.Context(), storetest.Messages(storetest.NewChat(), 0, 2)); err != nil {
		t.Error(err)
	}
	pgtest.Exec(t, url, "UPDATE parley_schema SET oldest = 99")
	wantPostgresRefused(t, url, "newer version of Parley", "99")
}

func wantPostgresRefused(t *testing.T, url string, words ...string) {
	t.Helper()
	s, err := OpenPostgres(t.Context(), url, Options{Patience: short})
	if err == nil {
		s.Close()
		t.Errorf("OpenPostgres succeeded; want it refused with %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("OpenPostgres = %v; want %q in it", err, w)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error shows the password: %v", err)
	}
}

func TestPostgresRefused(t *testing.T) {
	url := pgtest.Database(t)
	with := func(old, replacement string) string { return strings.Replace(url, old, replacement, 1) }
	wantPostgresRefused(t, "postgres://parley:s3cret@127.0.0.1:port/", "URL")
	wantPostgresRefused(t, with("/test", "/missing"), "does not exist", "CREATE DATABASE")
	wantPostgresRefused(t, with("parley@", "nobody:s3cret@"), "user")
	port, err := porttest.Free()
	if err != nil {
		t.Fatal(err)
	}
	wantPostgresRefused(t, fmt.Sprintf("postgres://parley:s3cret@127.0.0.1:%d/x", port), "can't be reached")

	wantPostgresRefused(t, with("?", "?search_path=nowhere&"), "CREATE SCHEMA")
	pgtest.Exec(t, url, "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
	defer pgtest.Exec(t, url, "DROP DATABASE latin WITH (FORCE)")
	latin := regexp.MustCompile("/test[0-9]+").ReplaceAllString(url, "/latin")
	wantPostgresRefused(t, latin, "LATIN1", "ENCODING 'UTF8'")

	pgtest.Exec(t, url, `DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'weak') THEN CREATE ROLE weak LOGIN; END IF; -- all databases share it
	END $$; ALTER ROLE weak RESET ALL`)
	wantPostgresRefused(t, with("parley@", "weak@"), "privilege")
	openPostgres(t, url)
	pgtest.Exec(t, url, "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO weak")
	s := openPostgres(t, with("parley@", "weak@")) // the schema is there, so it need not be made
	if err := s.Append(t.Context(), storetest.Messages(storetest.NewChat(), 0, 1)); err != nil {
		t.Error(err)
	}

	pgtest.Exec(t, url, "ALTER ROLE weak SET synchronous_commit = off")
	wantPostgresRefused(t, with("parley@", "weak@"), "synchronous_commit = off", "ALTER ROLE")
	pgtest.Exec(t, url, "ALTER ROLE weak RESET synchronous_commit; ALTER ROLE weak SET default_transaction_read_only = on")
	wantPostgresRefused(t, with("parley@", "weak@"), "read-only")

	loose := pgtest.Start(t, "fsync=off")
	wantPostgresRefused(t, loose.Database(t), "fsync = off", "restart")
}

// TestPostgresPlans: no statement reads all of a table.
func TestPostgresPlans(t *testing.T) {
	url := pgtest.Database(t)
	openPostgres(t, url)
	db := openDB(t, url)
	db.SetMaxOpenConns(1)
	for _, text := range []string{
		"SET enable_seqscan = off", // the tables are too small for an index to be worth it
		"SET plan_cache_mode = force_generic_plan",
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	texts := map[string]int{sqlEntries: 3, sqlOldestItems: 4, sqlNewestItems: 4, sqlSeqAt: 2, sqlChats: 2, sqlContact: 1, sqlDue: 1}
	d := postgresDialect(nil, nil)
	for by := store.Initiated; by <= store.Ended; by++ {
		q := store.Search{By: by, From: time.Unix(1, 0), After: &store.Cursor{}, Agents: []string{"a"}, Labels: [][]string{{"a"}}}
		c := d.where(&q)
		c.page(&q)
		texts[sqlSearchContacts+c.text.String()] = len(c.args)
	}
	for text, parameters := range texts {
		var plan []string
		rows, err := db.Query("EXPLAIN (GENERIC_PLAN) " + text)
		if err != nil { // before PostgreSQL 16
			nulls := strings.TrimSuffix(strings.Repeat("NULL, ", parameters), ", ")
			if _, err := db.Exec("DEALLOCATE ALL; PREPARE s AS " + text); err != nil {
				t.Fatal(err)
			}
			if rows, err = db.Query("EXPLAIN EXECUTE s (" + nulls + ")"); err != nil {
				t.Fatal(err)
			}
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		if all := strings.Join(plan, "\n"); strings.Contains(all, "Seq Scan") || !strings.Contains(all, "Index") {
			t.Errorf("%s\nis planned as\n%s", text, all)
		}
	}
}

// TestPostgresTwoNodes has two nodes that race for the same chats with groups of
// batches: each Seq is won once, and nobody ever waits in a circle.
func TestPostgresTwoNodes(t *testing.T) {
	t.Run("read committed", func(t *testing.T) { twoNodes(t, pgtest.Database(t)) })
	t.Run("serializable", func(t *testing.T) { // as the database's default
		url := pgtest.Database(t)
		pgtest.Exec(t, url, `DO $$ BEGIN
			EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$`)
		twoNodes(t, url)
	})
}

func twoNodes(t *testing.T, url string) {
	const chats, rounds = 24, 15
	nodes := []*Store{openPostgres(t, url), openPostgres(t, url)}
	ids := make([]chat.ChatID, chats)
	for i := range ids {
		ids[i] = storetest.NewChat()
	}
	var mu sync.Mutex
	won := make(map[string]int) // by chat and Seq
	var wg sync.WaitGroup
	for _, s := range nodes {
		for _, id := range ids {
			wg.Go(func() {
				for n := range int64(rounds) {
					a := storetest.Another(storetest.Messages(id, 2*n, 2))
					if n%3 == 0 {
						a.Summaries = []chat.Summary{{Chat: id, Contact: id.FirstContact(), InitiatedAt: time.UnixMilli(2 * n)}}
					}
					err := s.Append(context.Background(), a)
					for errors.Is(err, store.ErrConflict) { // until the other has stored it
						log, err := s.Entries(context.Background(), id, 2*n, 2)
						if err != nil || len(log) > 0 {
							break
						}
					}
					mu.Lock()
					if err == nil {
						won[fmt.Sprint(id, n)]++
					} else if !errors.Is(err, store.ErrConflict) {
						t.Errorf("Append: %v", err)
					}
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	for _, id := range ids {
		for n := range rounds {
			if times := won[fmt.Sprint(id, n)]; times != 1 {
				t.Errorf("round %d of a chat was won %d times", n, times)
			}
		}
		log, err := nodes[0].Entries(t.Context(), id, 0, 1000)
		if err != nil || len(log) != 2*rounds {
			t.Errorf("a chat has %d entries, %v; want %d", len(log), err, 2*rounds)
		}
		c, err := nodes[0].Contact(t.Context(), id.FirstContact())
		if err != nil || c.InitiatedAt.UnixMilli() != 2*((rounds-1)/3*3) {
			t.Errorf("a contact's row is %v, %v; want the last", c.InitiatedAt.UnixMilli(), err)
		}
	}
	var deadlocks int
	if err := openDB(t, url).QueryRow("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(&deadlocks); err != nil || deadlocks > 0 {
		t.Errorf("there were %d deadlocks, %v", deadlocks, err)
	}
}

// TestPostgresPoison has a batch that the database refuses, at once or at the commit.
func TestPostgresPoison(t *testing.T) {
	for name, when := range map[string]string{"at once": "", "at the commit": "DEFERRABLE INITIALLY DEFERRED"} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.Database(t)
			s := openPostgres(t, url)
			pgtest.Exec(t, url, `CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF new.body LIKE '%poison%' THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NULL; END $$;
				CREATE CONSTRAINT TRIGGER poison AFTER INSERT ON entry `+when+` FOR EACH ROW EXECUTE FUNCTION poison()`)
			ids := []chat.ChatID{storetest.NewChat(), storetest.NewChat(), storetest.NewChat()}
			poisoned := storetest.Messages(ids[1], 0, 3)
			poisoned.Entries[2] = storetest.Message(ids[1], 3, "poison")
			poisoned.Summaries = []chat.Summary{{Chat: ids[1], Contact: ids[1].FirstContact()}}
			c := s.lanes[0].committer
			group := func() []*batch {
				all := []*batch{
					mustEncode(t, storetest.Messages(ids[0], 0, 2)), mustEncode(t, poisoned),
					mustEncode(t, storetest.Another(storetest.Messages(ids[0], 0, 1))), mustEncode(t, storetest.Messages(ids[0], 2, 1)),
					mustEncode(t, storetest.Messages(ids[2], 0, 2)),
				}
				for _, b := range all {
					b.until = time.Now().Add(long)
				}
				return all
			}
			wantOutcomes(t, outcomes(c, group()...), "stored", "failed", "conflict", "stored", "stored")
			wantRows(t, openDB(t, url), map[chat.ChatID]int{ids[0]: 3, ids[1]: 0, ids[2]: 2})
			poisoned.Entries = poisoned.Entries[:2]
			b := mustEncode(t, poisoned)
			b.until = time.Now().Add(long)
			wantOutcomes(t, outcomes(c, b), "stored")
		})
	}
}

// TestPostgresLate: a batch that has waited too long is not tried.
func TestPostgresLate(t *testing.T) {
	s := openPostgres(t, pgtest.Database(t))
	id := storetest.NewChat()
	b := mustEncode(t, storetest.Messages(id, 0, 1))
	b.until = time.Now().Add(-time.Millisecond)
	wantOutcomes(t, outcomes(s.lanes[0].committer, b), "busy")
	if log, err := s.Entries(t.Context(), id, 0, 1); err != nil || len(log) > 0 {
		t.Errorf("it is stored: %v, %v", log, err)
	}
}
