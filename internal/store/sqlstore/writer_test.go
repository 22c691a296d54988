package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storetest"
)

// newWriter makes a writer without its goroutine, on a new database.
func newWriter(t *testing.T) (*writer, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chats.db")
	open(t, file).Close()
	db := openPools(t, file)
	w := &writer{dialect: sqliteDialect(file), db: db}
	t.Cleanup(func() { w.close() })
	return w, file
}

// openPools opens the file beside the store.
func openPools(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := openPool(file, 2, writerPragmas)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, on interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, text string) {
	t.Helper()
	if _, err := on.ExecContext(context.Background(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func mustEncode(t *testing.T, a store.Append) *batch {
	t.Helper()
	b, err := encode(&a)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// outcomes writes the batches as one group and collects the answers.
func outcomes(w committer, group ...*batch) []error {
	w.write(group)
	var all []error
	for _, b := range group {
		all = append(all, <-b.done)
	}
	return all
}

func wantOutcomes(t *testing.T, got []error, want ...string) {
	t.Helper()
	for i, err := range got {
		is := "failed"
		switch {
		case err == nil:
			is = "stored"
		case errors.Is(err, store.ErrConflict):
			is = "conflict"
		case errors.Is(err, store.ErrBusy):
			is = "busy"
		}
		if is != want[i] {
			t.Errorf("batch %d: %v; want it %s", i, err, want[i])
		}
	}
}

func wantRows(t *testing.T, db *sql.DB, want map[chat.ChatID]int) {
	t.Helper()
	for id, n := range want {
		var got int
		if err := db.QueryRow(`SELECT COUNT(*) FROM entry WHERE chat_id = $1`, id.UUID[:]).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != n {
			t.Errorf("chat %s has %d entries; want %d", id, got, n)
		}
	}
}

func TestGroupWithConflicts(t *testing.T) {
	w, _ := newWriter(t)
	a, b := storetest.NewChat(), storetest.NewChat()
	wantOutcomes(t, outcomes(w,
		mustEncode(t, storetest.Messages(a, 0, 3)),
		mustEncode(t, storetest.Messages(a, 0, 5)),
		mustEncode(t, storetest.Messages(a, 3, 1)),
		mustEncode(t, storetest.Messages(b, 1, 2)),
		mustEncode(t, store.Append{Chat: a, After: 3, Summaries: []chat.Summary{{Chat: a}}}),
		mustEncode(t, store.Append{Chat: a, After: 4, Summaries: []chat.Summary{{Chat: a}}}),
	), "stored", "conflict", "stored", "conflict", "conflict", "stored")
	wantRows(t, w.db, map[chat.ChatID]int{a: 4, b: 0})
}

// TestPoison has a batch that the database refuses, in two ways: with the
// transaction going on, and with its end.
func TestPoison(t *testing.T) {
	for _, raise := range []string{"ABORT", "ROLLBACK"} {
		t.Run(raise, func(t *testing.T) {
			w, file := newWriter(t)
			mustExec(t, openPools(t, file), fmt.Sprintf(`CREATE TRIGGER poison BEFORE INSERT ON entry
				WHEN new.body LIKE '%%poison%%' BEGIN SELECT RAISE(%s, 'poisoned'); END`, raise))
			var ids []chat.ChatID
			for range 3 {
				ids = append(ids, storetest.NewChat())
			}
			poisoned := storetest.Messages(ids[1], 0, 3)
			poisoned.Entries[2] = storetest.Message(ids[1], 3, "poison")
			poisoned.Summaries = []chat.Summary{{Chat: ids[1], Contact: ids[1].FirstContact()}}
			wantOutcomes(t, outcomes(w,
				mustEncode(t, storetest.Messages(ids[0], 0, 2)),
				mustEncode(t, poisoned),
				mustEncode(t, storetest.Messages(ids[0], 0, 1)),
				mustEncode(t, storetest.Messages(ids[2], 0, 2)),
			), "stored", "failed", "conflict", "stored")
			wantRows(t, w.db, map[chat.ChatID]int{ids[0]: 2, ids[1]: 0, ids[2]: 2})

			wantOutcomes(t, outcomes(w, mustEncode(t, poisoned)), "failed") // alone
			wantOutcomes(t, outcomes(w, mustEncode(t, storetest.Messages(ids[1], 0, 2))), "stored")
			wantRows(t, w.db, map[chat.ChatID]int{ids[1]: 2})
		})
	}
}

// TestCommitFails has a COMMIT that fails and leaves the transaction open: a foreign
// key that is checked at the end.
func TestCommitFails(t *testing.T) {
	w, file := newWriter(t)
	beside := openPools(t, file)
	mustExec(t, beside, `CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT`)
	mustExec(t, beside, `CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED) STRICT`)
	mustExec(t, beside, `CREATE TRIGGER orphan AFTER INSERT ON entry BEGIN INSERT INTO child VALUES (1); END`)
	if err := w.connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	mustExec(t, w.conn, "PRAGMA foreign_keys = 1") // of this connection only
	a, b := storetest.NewChat(), storetest.NewChat()
	group := func() []error {
		return outcomes(w, mustEncode(t, storetest.Messages(a, 0, 2)), mustEncode(t, storetest.Messages(b, 0, 1)),
			mustEncode(t, storetest.Messages(b, 7, 1)))
	}
	wantOutcomes(t, group(), "failed", "failed", "failed")
	wantRows(t, beside, map[chat.ChatID]int{a: 0, b: 0})
	mustExec(t, beside, "CREATE TABLE unlocked (id INTEGER)") // fails if the transaction is still open
	wantOutcomes(t, group(), "stored", "stored", "conflict")
	wantRows(t, beside, map[chat.ChatID]int{a: 2, b: 1})
}

// TestLocked has another program that keeps the database locked.
func TestLocked(t *testing.T) {
	w, file := newWriter(t)
	if err := w.connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	mustExec(t, w.conn, "PRAGMA busy_timeout = 1")
	other, err := openPools(t, file).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	mustExec(t, other, "BEGIN IMMEDIATE")
	id := storetest.NewChat()
	wantOutcomes(t, outcomes(w, mustEncode(t, storetest.Messages(id, 0, 1)), mustEncode(t, storetest.Messages(id, 1, 1))),
		"busy", "busy")
	mustExec(t, other, "ROLLBACK")
	wantOutcomes(t, outcomes(w, mustEncode(t, storetest.Messages(id, 0, 1))), "stored")
}

func TestQueueFull(t *testing.T) {
	s := &Store{queue: make(chan *batch, 1)} // and nobody who writes
	id := storetest.NewChat()
	if err := s.handOver(mustEncode(t, storetest.Messages(id, 0, 1))); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), storetest.Messages(id, 1, 1)); !errors.Is(err, store.ErrBusy) {
		t.Errorf("Append to a full queue = %v; want %v", err, store.ErrBusy)
	}
}

func TestCollect(t *testing.T) {
	queue := make(chan *batch, 2*maxGroup)
	for range 2*maxGroup - 1 {
		queue <- &batch{}
	}
	if n := len(collect([]*batch{{}}, queue)); n != maxGroup {
		t.Errorf("collected %d batches; want %d", n, maxGroup)
	}
	if n := len(collect([]*batch{{}}, queue)); n != maxGroup {
		t.Errorf("collected %d batches; want %d", n, maxGroup)
	}
	if n := len(collect([]*batch{{}}, queue)); n != 2 {
		t.Errorf("collected %d batches; want the 1 and the last 1", n)
	}
}
