// Package sqlstore keeps chats in a SQL database: SQLite, in one file.
//
// One goroutine writes. It takes all the batches that are waiting, puts them into one
// transaction, and answers their callers when it is durable, so that all chats share
// the cost of a commit (group commit). Reads have connections of their own and never
// wait for it.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"

	"github.com/parley-chat/parley/internal/store"
)

// Options are what may be chosen when a store is opened. The zero value is fine.
type Options struct {
	// Queue is how many batches may wait to be written before Append returns
	// [store.ErrBusy]; 0 means 4096.
	Queue int
	// Readers is how many reads may run at the same time; 0 means 4. Each costs about
	// 1 MiB when it is used.
	Readers int
	// Log is told what goes wrong where no caller could be; nil means nobody.
	Log *slog.Logger

	// walLimit is the size of the write-ahead log, in bytes, at which the writer has
	// it emptied; 0 means 32 MiB.
	walLimit int64
}

func (o *Options) setDefaults() {
	if o.Queue == 0 {
		o.Queue = 4096
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.walLimit == 0 {
		o.walLimit = 32 << 20
	}
}

// Store is a [store.Store] in a SQL database.
type Store struct {
	*reader
	writer  *writer
	release func() error // what the database needs at the end

	mu     sync.RWMutex // guards closed, and sending on queue against closing it
	closed bool
	queue  chan *batch
	done   chan struct{} // closed when the last batch was answered
}

var _ store.Store = (*Store)(nil)

// start begins to take batches.
func start(w *writer, r *reader, queue int, release func() error) *Store {
	s := &Store{
		reader: r, writer: w, release: release,
		queue: make(chan *batch, queue), done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		w.run(s.queue)
	}()
	return s
}

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, a store.Append) error {
	if err := a.Check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := encode(&a)
	if err != nil {
		return err
	}
	if err := s.handOver(b); err != nil {
		return err
	}
	return <-b.done
}

func (s *Store) handOver(b *batch) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return store.ErrClosed
	}
	select {
	case s.queue <- b:
		return nil
	default:
		return store.ErrBusy
	}
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return store.ErrClosed
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.done
	return errors.Join(s.reader.close(), s.writer.close(), s.release())
}

// closeAll closes what was opened before opening the rest went wrong.
func closeAll(dbs ...*sql.DB) {
	for _, db := range dbs {
		db.Close() // the error that counts is the one that led here
	}
}
