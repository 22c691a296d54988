package sqlstore

import (
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
