package sqlstore

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// killed makes a database as a killed process leaves it, with what text has changed in
// its write-ahead log only.
func killed(t *testing.T, text string) string {
	t.Helper()
	live := filled(t)
	db := openPools(t, live)
	mustExec(t, db, text)
	file := filepath.Join(t.TempDir(), "chats.db")
	for _, end := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(live + end)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file+end, content)
	}
	return file
}

// TestRefusedInTheLog: the log says what the file doesn't say yet, whatever its index
// is like.
func TestRefusedInTheLog(t *testing.T) {
	for name, spoil := range map[string]func(shm string) error{
		"index":         func(string) error { return nil },
		"no index":      os.Remove,
		"empty index":   func(shm string) error { return os.Truncate(shm, 0) },
		"short index":   func(shm string) error { return os.Truncate(shm, 100) },
		"damaged index": func(shm string) error { return os.WriteFile(shm, []byte(strings.Repeat("index", 7000)), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			file := killed(t, "PRAGMA user_version = 99")
			if err := spoil(file + "-shm"); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, file, "newer version of Parley", "99")

			file = killed(t, "CREATE TABLE extra (id INTEGER)")
			if err := spoil(file + "-shm"); err != nil {
				t.Fatal(err)
			}
			s := open(t, file)
			if !strings.Contains(schema(t, s.reader.db), "extra") {
				t.Error("what was in the log is lost")
			}
		})
	}
}

// TestBrokenOff has the journals of transactions that a killed process has left.
func TestBrokenOff(t *testing.T) {
	t.Run("new database", func(t *testing.T) {
		whole := filepath.Join(t.TempDir(), "whole.db")
		write(t, whole, nil)
		change(t, whole, "PRAGMA journal_mode = WAL")
		page, err := os.ReadFile(whole)
		if err != nil || len(page) != pageSize {
			t.Fatalf("an empty database has %d bytes, %v", len(page), err)
		}
		journal := []byte("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
		for _, n := range []uint32{0, 1, 0, 512, pageSize} { // no pages; a nonce; there were none
			journal = binary.BigEndian.AppendUint32(journal, n)
		}
		journal = append(journal, make([]byte, 512-len(journal))...)

		file := filepath.Join(t.TempDir(), "chats.db")
		write(t, file, page)
		write(t, file+"-journal", journal)
		open(t, file)

		file = filepath.Join(t.TempDir(), "chats.db")
		write(t, file, nil) // the journal comes before the page
		write(t, file+"-journal", journal)
		open(t, file)
	})
	t.Run("restored database", func(t *testing.T) {
		file := brokenOff(t, "")
		half, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint32(half[28:], 1<<20) // pages, which were to follow the first
		write(t, file, half)
		var whole int
		const text = "SELECT COUNT(*) FROM entry WHERE at > 0 AND body LIKE '{%'"
		if err := open(t, file).reader.db.QueryRow(text).Scan(&whole); err != nil || whole != 400 {
			t.Errorf("%d entries are as they were, %v; want 400", whole, err)
		}
	})
	t.Run("newer database", func(t *testing.T) {
		wantRefused(t, brokenOff(t, "PRAGMA user_version = 99"), "newer version of Parley")
	})
	t.Run("other program", func(t *testing.T) {
		wantRefused(t, brokenOff(t, "PRAGMA application_id = 7"), "another program")
	})
}

// brokenOff makes a database without a write-ahead log, as backups are, changes it,
// and breaks off a transaction in which half of it was overwritten.
func brokenOff(t *testing.T, text string) string {
	t.Helper()
	live := filled(t)
	change(t, live, text+"; PRAGMA journal_mode = DELETE")
	conn, err := openPools(t, live).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	mustExec(t, conn, "PRAGMA cache_size = 1; BEGIN; PRAGMA user_version = 1; UPDATE entry SET body = '', at = 0")
	file := filepath.Join(t.TempDir(), "chats.db")
	for _, end := range []string{"", "-journal"} {
		content, err := os.ReadFile(live + end)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file+end, content)
	}
	return file
}
