package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storetest"
)

func open(t *testing.T, file string) *Store {
	t.Helper()
	s, err := OpenSQLite(file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) // most tests have closed it themselves
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, filepath.Join(t.TempDir(), "chats.db"))
	})
	storetest.RunDurable(t, func(t *testing.T, dir string) store.Store {
		return open(t, filepath.Join(dir, "a strange?name#50%.db"))
	})
}

// filled makes a database with 400 entries, closed.
func filled(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chats.db")
	s := open(t, file)
	for range 4 {
		if err := s.Append(t.Context(), storetest.Messages(storetest.NewChat(), 0, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCloseLeavesOneFile(t *testing.T) {
	file := filled(t)
	names, err := filepath.Glob(file + "*")
	if err != nil || len(names) != 1 {
		t.Errorf("after Close there are %v, %v; want the database only", names, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file is %v, %v; want 0600", info.Mode(), err)
	}
}

// wantRefused opens a file that must be refused with words, and be left alone.
func wantRefused(t *testing.T, file string, words ...string) {
	t.Helper()
	before := around(t, file)
	s, err := OpenSQLite(file, Options{})
	if err == nil {
		s.Close()
		t.Errorf("OpenSQLite succeeded; want it refused with %q", words)
		return
	}
	for _, w := range append(words, file) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("OpenSQLite = %v; want %q in it", err, w)
		}
	}
	after := around(t, file)
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("OpenSQLite left %s beside the file that it refused", name)
		}
	}
	for name, content := range before {
		if after[name] != content && !strings.HasSuffix(name, "-shm") { // SQLite's memory
			t.Errorf("OpenSQLite changed %s, though it refused the file", name)
		}
	}
}

// around gives the contents of the files in a file's directory.
func around(t *testing.T, file string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, name := range names {
		content, _ := os.ReadFile(name) // of a directory there is none
		all[name] = string(content)
	}
	return all
}

// change runs SQL on a closed database.
func change(t *testing.T, file, text string) {
	t.Helper()
	db := openPools(t, file)
	mustExec(t, db, text)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNewerVersion(t *testing.T) {
	file := filled(t)
	change(t, file, "PRAGMA user_version = 99")
	wantRefused(t, file, "newer version of Parley", "99", "backup")
	d := sqliteDialect(file)
	steps, err := d.steps()
	if err != nil {
		t.Fatal(err)
	}
	change(t, file, fmt.Sprintf("PRAGMA user_version = %d", len(steps)))
	open(t, file)
}

func TestOtherPrograms(t *testing.T) {
	file := filepath.Join(t.TempDir(), "chats.db")
	write(t, file, nil)
	open(t, file).Close() // an empty file is a new database

	other := filepath.Join(t.TempDir(), "other.db")
	write(t, other, nil)
	change(t, other, "CREATE TABLE entry (id INTEGER)")
	wantRefused(t, other, "another program", "--data")

	change(t, file, "PRAGMA application_id = 7")
	wantRefused(t, file, "another program")
}

func TestNotADatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "chats.db")
	write(t, file, []byte(strings.Repeat("Dear diary, ", 1000)))
	wantRefused(t, file, "is not a database", "--data")

	dir := t.TempDir()
	wantRefused(t, dir, "is a directory")
	wantRefused(t, filepath.Join(dir, "missing", "chats.db"), "directory", "--data")
}

func TestDamagedFile(t *testing.T) {
	whole := filled(t)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("truncated", func(t *testing.T) {
		write(t, whole, content[:len(content)/2])
		wantRefused(t, whole, "is damaged", "backup")
	})
	t.Run("schema overwritten", func(t *testing.T) {
		damaged := bytes.Clone(content)
		copy(damaged[100:pageSize], bytes.Repeat([]byte{0xa5}, pageSize))
		write(t, whole, damaged)
		wantRefused(t, whole, "is damaged", "backup")
	})
	t.Run("header overwritten", func(t *testing.T) {
		damaged := bytes.Clone(content)
		copy(damaged, "not any more")
		write(t, whole, damaged)
		wantRefused(t, whole, "is not a database")
	})
	t.Run("table overwritten", func(t *testing.T) {
		damaged := bytes.Clone(content)
		for i := 2 * pageSize; i < len(damaged); i++ {
			damaged[i] = 0xa5
		}
		write(t, whole, damaged)
		s := open(t, whole) // opening doesn't read all of it
		wantDamaged(t, whole, s.Append(t.Context(), storetest.Messages(storetest.NewChat(), 0, 1)))
		_, err := s.Entries(t.Context(), storetest.NewChat(), 0, 10)
		wantDamaged(t, whole, err)
	})
}

func wantDamaged(t *testing.T, file string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), file+" is damaged") {
		t.Errorf("error on a damaged file is %v; want it named", err)
	}
}

// TestHalfMoved has a write-ahead log without its database, which SQLite would throw
// away.
func TestHalfMoved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "chats.db")
	write(t, file+"-wal", []byte("what was not copied yet"))
	wantRefused(t, file, "-wal", "put both back together")
	write(t, file, nil)
	wantRefused(t, file, "-wal", "put both back together")
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCheckDurable(t *testing.T) {
	db := openPools(t, filled(t))
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	check := func() error { return checkDurable(context.Background(), conn) }
	if err := check(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ spoil, mend string }{
		{"synchronous = NORMAL", "synchronous = FULL"},
		{"wal_autocheckpoint = 1000", "wal_autocheckpoint = 0"},
		{"journal_mode = DELETE", "journal_mode = WAL"},
	} {
		mustExec(t, conn, "PRAGMA "+c.spoil)
		if err := check(); err == nil || !strings.Contains(err.Error(), "--data") {
			t.Errorf("with %s: %v; want it refused", c.spoil, err)
		}
		mustExec(t, conn, "PRAGMA "+c.mend)
	}
}

// TestDurableConnections looks at the connection that the writer really uses.
func TestDurableConnections(t *testing.T) {
	w, _ := newWriter(t)
	if err := w.connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.abandon()
	if err := w.connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := checkDurable(context.Background(), w.conn); err != nil {
		t.Error(err)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	s := open(t, filled(t))
	if _, err := s.reader.db.Exec("DELETE FROM entry"); err == nil {
		t.Error("a reader's connection can write")
	}
}

// TestPlans: no statement reads all of a table or sorts.
func TestPlans(t *testing.T) {
	db := openPools(t, filled(t))
	for _, text := range []string{
		sqlInsertEntry, sqlLastSeq, sqlPutContact, sqlEntries, sqlOldestItems, sqlNewestItems, sqlSeqAt, sqlChats, sqlContact, sqlDue,
	} {
		wantPlan(t, db, text)
	}
}

// wantPlan has a statement that must find its rows through an index, in their order.
func wantPlan(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	plan := explain(t, db, text)
	for _, bad := range []string{"SCAN entry", "SCAN contact", "TEMP B-TREE"} {
		if strings.Contains(plan, bad) {
			t.Errorf("%s\nis planned as\n%s", text, plan)
		}
	}
}

func explain(t *testing.T, db *sql.DB, text string) string {
	t.Helper()
	parameters := 0
	for strings.Contains(text, fmt.Sprintf("$%d", parameters+1)) {
		parameters++
	}
	rows, err := db.Query("EXPLAIN QUERY PLAN "+text, make([]any, parameters)...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	return plan.String()
}

func TestMigrateStepByStep(t *testing.T) {
	d := sqliteDialect("")
	steps, err := d.steps()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "chats.db")
	write(t, file, nil)
	db := openPools(t, file)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for n := range steps {
		if err := d.migrate(t.Context(), conn, steps[:n+1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := schema(t, db), schema(t, openPools(t, filled(t))); got != want {
		t.Errorf("the schema made step by step is\n%s\nthat of a new database\n%s", got, want)
	}
	broken := append(steps, "CREATE TABLE extra (id INTEGER); CREATE NONSENSE")
	if err := d.migrate(t.Context(), conn, broken); err == nil {
		t.Error("a broken step succeeded")
	}
	var version int
	if err := conn.QueryRowContext(t.Context(), d.version).Scan(&version); err != nil || version != len(steps) {
		t.Errorf("after a broken step the version is %d, %v; want %d", version, err, len(steps))
	}
	if strings.Contains(schema(t, db), "extra") {
		t.Error("a part of the broken step is left")
	}
}

func schema(t *testing.T, db *sql.DB) string {
	t.Helper()
	var text string
	err := db.QueryRow("SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)").Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestExplainKeepsTheCause(t *testing.T) {
	_, err := OpenSQLite(filepath.Join(t.TempDir(), "missing", "chats.db"), Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v; want %v in its chain", err, os.ErrNotExist)
	}
}
