package sqlstore

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storetest"
)

// grow appends entries of 16 KiB, one by one, to a new chat.
func grow(t *testing.T, s *Store, entries int) {
	t.Helper()
	id := storetest.NewChat()
	text := strings.Repeat("x", 16<<10)
	for seq := int64(1); seq <= int64(entries); seq++ {
		a := store.Append{Chat: id, After: seq - 1, Entries: []chat.Entry{storetest.Message(id, seq, text)}}
		if err := s.Append(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestLogIsBounded writes many times its limit, and lets a reader get in the way.
func TestLogIsBounded(t *testing.T) {
	const limit, slack = 1 << 20, 256 << 10
	file := filepath.Join(t.TempDir(), "chats.db")
	s, err := OpenSQLite(file, Options{walLimit: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	grow(t, s, 400) // 6.5 MiB
	if got := size(t, file+"-wal"); got < limit/2 || got > limit+slack {
		t.Errorf("the write-ahead log has %d bytes; want about %d", got, limit)
	}

	tx, err := openPools(t, file).Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM entry").Scan(&n); err != nil {
		t.Fatal(err)
	}
	grow(t, s, 200) // the reader's log must be kept, but the writer doesn't wait
	held := size(t, file+"-wal")
	if held < 3*limit {
		t.Errorf("the write-ahead log has %d bytes under a reader; the test wants more", held)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	grow(t, s, 600)
	if got := size(t, file+"-wal"); got > held+slack {
		t.Errorf("the write-ahead log has grown to %d bytes after the reader has gone; want about %d", got, held)
	}
}

// TestCheckpointInBackground: the goroutine copies what has grown.
func TestCheckpointInBackground(t *testing.T) {
	w, file := newWriter(t)
	opts := Options{}
	opts.setDefaults()
	c := newCheckpointer(w.db, &opts)
	large := strings.Repeat("x", 16<<10)
	for {
		a := storetest.Messages(storetest.NewChat(), 0, 100)
		for i := range a.Entries {
			a.Entries[i].Content.Text = large
		}
		wantOutcomes(t, outcomes(w, mustEncode(t, a)), "stored")
		frames, copied, err := checkpoint(w.conn, "NOOP")
		if err != nil || copied != 0 {
			t.Fatalf("checkpoint: %d of %d copied, %v; want none yet", copied, frames, err)
		}
		if frames >= wakeFrames {
			break
		}
	}
	before := size(t, file)
	c.committed(w.conn)
	close(c.wake)
	<-c.done
	frames, copied, err := checkpoint(w.conn, "NOOP")
	if err != nil || copied != frames {
		t.Errorf("checkpoint: %d of %d copied, %v; want all", copied, frames, err)
	}
	if after := size(t, file); after <= before {
		t.Errorf("the database has %d bytes, and had %d before", after, before)
	}
	if err := w.conn.PingContext(context.Background()); err != nil {
		t.Error(err)
	}
}
