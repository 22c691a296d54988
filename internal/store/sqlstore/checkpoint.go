package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
)

// pageSize is SQLite's, in bytes. A frame of the write-ahead log holds a page.
const pageSize = 4096

// wakeFrames is by how much the log grows before it is copied into the database.
const wakeFrames = 2000

// checkpointer keeps SQLite's write-ahead log small. A goroutine with a connection of
// its own copies what has grown into the database, while the writer goes on writing.
//
// That alone would let the log grow for ever under permanent load, because it only
// begins anew when a write finds all of it copied. So when the log has reached its
// limit, the writer stops between two transactions and copies the rest itself, which
// is little, and its next transaction begins the log anew. The log is then at most
// as large as its limit, one transaction and what was written during one copy; only
// a reader that stays in its transaction for long makes it larger.
type checkpointer struct {
	mu    sync.Mutex // one copy at a time
	db    *sql.DB
	log   *slog.Logger
	limit int64 // frames
	wake  chan struct{}
	done  chan struct{}
}

func newCheckpointer(db *sql.DB, opts *Options) *checkpointer {
	c := &checkpointer{
		db: db, log: opts.Log, limit: opts.walLimit / pageSize,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go func() {
		defer close(c.done)
		for range c.wake {
			c.copy()
		}
	}()
	return c
}

// committed looks at the log after a transaction, on the writer's goroutine.
func (c *checkpointer) committed(writer *sql.Conn) {
	frames, copied, err := checkpoint(writer, "NOOP")
	switch {
	case err != nil:
		c.log.Error("can't see the size of the write-ahead log", "err", err)
	case frames >= c.limit:
		c.copy()
	case frames-copied >= wakeFrames:
		select {
		case c.wake <- struct{}{}:
		default: // is awake
		}
	}
}

// copy copies what it can without making anybody wait.
func (c *checkpointer) copy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, _, err := checkpoint(c.db, "PASSIVE"); err != nil {
		c.log.Error("can't copy the write-ahead log into the database", "err", err)
	}
}

// close ends the copying, empties the log and closes the database.
func (c *checkpointer) close(db *sql.DB) error {
	close(c.wake)
	<-c.done
	_, _, err := checkpoint(db, "TRUNCATE")
	return errors.Join(err, db.Close())
}

// checkpoint runs a checkpoint, and gives how many frames the log has and how many of
// them have been copied.
func checkpoint(on interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, mode string) (frames, copied int64, err error) {
	var busy int
	err = on.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &copied)
	return frames, copied, err
}
