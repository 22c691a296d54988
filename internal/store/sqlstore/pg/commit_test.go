package pg

import (
	"errors"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/store"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// newCommitter makes a committer on a new database, and a connection beside it.
func newCommitter(t *testing.T) (*Committer, *pgx.Conn) {
	t.Helper()
	url := pgtest.Database(t)
	schema, err := os.ReadFile("../migrations/postgres/001_log.sql")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, string(schema))
	s, err := Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCommitter(s, NewHealth(s, slog.New(slog.DiscardHandler), time.Minute, time.Minute))
	t.Cleanup(func() { c.Close() })
	beside, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { beside.Close(t.Context()) })
	return c, beside
}

// newID makes 16 bytes that nobody else has.
func newID() []byte { id := uuid.New(); return id[:] }

// appends makes a batch of n entries, with the contact's row if there is a queue.
func appends(chat []byte, after int64, n int, queue string) *Batch {
	b := &Batch{Chat: chat, After: after, Until: time.Now().Add(time.Minute)}
	for i := range n {
		b.Rows = append(b.Rows, Row{Seq: after + int64(i) + 1, ID: newID(), Body: "{}"})
	}
	if queue != "" {
		b.Contacts = [][]any{{
			chat, chat, chat, "", "", nil, nil, int64(1), nil, nil, queue, "", "", "", "", "",
		}}
	}
	return b
}

func (c *Committer) wantStored(t *testing.T, group ...*Batch) {
	t.Helper()
	c.Commit(group)
	for i, b := range group {
		if b.Err != nil {
			t.Errorf("batch %d: %v", i, b.Err)
		}
	}
}

// TestTriedAgain has batches that are stored, of which nobody knows: trying them again
// finds that out, and replaces nothing that came later.
func TestTriedAgain(t *testing.T) {
	c, beside := newCommitter(t)
	chat, alone := newID(), newID()
	first, other := appends(chat, 0, 3, "first"), appends(alone, 0, 1, "")
	c.wantStored(t, first, other)
	c.wantStored(t, appends(chat, 3, 1, "second"))
	for _, b := range []*Batch{first, other} {
		b.Err, b.maybe = nil, true
	}
	stranger := appends(alone, 0, 2, "stranger's")
	stranger.maybe = true
	c.wantStored(t, first, other)
	c.Commit([]*Batch{stranger})
	if stranger.Err != store.ErrConflict {
		t.Errorf("a batch of the same Seq that was never stored: %v; want %v", stranger.Err, store.ErrConflict)
	}
	var entries, rows int
	var queue string
	if err := beside.QueryRow(t.Context(), "SELECT COUNT(*) FROM entry").Scan(&entries); err != nil || entries != 5 {
		t.Errorf("there are %d entries, %v; want 5", entries, err)
	}
	if err := beside.QueryRow(t.Context(), "SELECT COUNT(*), MAX(queue) FROM contact").Scan(&rows, &queue); err != nil || rows != 1 || queue != "second" {
		t.Errorf("there are %d rows, the last of them the %s one, %v; want the second one", rows, queue, err)
	}
}

// TestOneChatInAGroup: batches of one chat are stored one after the other.
func TestOneChatInAGroup(t *testing.T) {
	c, _ := newCommitter(t)
	chat := newID()
	late := appends(chat, 0, 1, "")
	c.wantStored(t, appends(chat, 0, 2, ""), appends(chat, 2, 1, "x"), appends(chat, 3, 0, "y"), appends(newID(), 0, 1, ""))
	c.Commit([]*Batch{late})
	if late.Err != store.ErrConflict {
		t.Errorf("%v; want %v", late.Err, store.ErrConflict)
	}
}

// TestRival: who loses chats to somebody else is told the next time what is there.
func TestRival(t *testing.T) {
	c, _ := newCommitter(t)
	contested, ours := newID(), newID()
	rival := appends(contested, 0, maxMissed+3, "")
	c.wantStored(t, rival)
	lose := func(after int64) *Batch {
		t.Helper()
		lost, won := appends(contested, after, 2, ""), appends(ours, 0, 1, "")
		ours = newID()
		c.Commit([]*Batch{lost, won})
		if !errors.Is(lost.Err, store.ErrConflict) || won.Err != nil || len(won.Missed) > 0 {
			t.Fatalf("the batch that lost: %v; the one that won: %v, and missed %d", lost.Err, won.Err, len(won.Missed))
		}
		return lost
	}
	if lost := lose(1); len(lost.Missed) > 0 {
		t.Errorf("%d rows were asked for before there was a conflict", len(lost.Missed))
	}
	for _, after := range []int64{1, maxMissed} {
		want := rival.Rows[after:min(after+maxMissed, rival.last())]
		if lost := lose(after); !reflect.DeepEqual(lost.Missed, want) {
			t.Errorf("missed %v, want %v", lost.Missed, want)
		}
	}
	if lost := lose(rival.last() + 5); len(lost.Missed) > 0 {
		t.Errorf("missed %v of what is not there", lost.Missed)
	}
}

// TestPlans: nothing reads all entries, also on a database that has no statistics yet.
func TestPlans(t *testing.T) {
	_, beside := newCommitter(t)
	if _, err := beside.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"first": sqlFirst, "won": sqlWon, "missed": sqlMissed, "rest": sqlRest, "contacts": sqlContacts,
	} {
		s, err := beside.Prepare(t.Context(), name, text)
		if err != nil {
			t.Fatal(err)
		}
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(s.ParamOIDs)), ", ")
		rows, _ := beside.Query(t.Context(), "EXPLAIN EXECUTE "+name+" ("+nulls+")")
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(plan, "\n"); strings.Contains(all, "Seq Scan") || !strings.Contains(all, "Index") {
			t.Errorf("%s is planned as\n%s", name, all)
		}
	}
}

// TestServerReplaced has a connection whose server becomes a standby: another is made.
func TestServerReplaced(t *testing.T) {
	c, _ := newCommitter(t)
	chat := newID()
	c.wantStored(t, appends(chat, 0, 1, ""))
	before := c.conn
	if _, err := before.Exec(t.Context(), "SET default_transaction_read_only = on"); err != nil {
		t.Fatal(err)
	}
	c.wantStored(t, appends(chat, 1, 1, ""))
	if c.conn == before || !before.IsClosed() {
		t.Error("the connection to the standby is still used")
	}
}
