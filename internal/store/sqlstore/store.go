// Package sqlstore keeps chats in a SQL database: SQLite, in one file, or PostgreSQL.
//
// One goroutine writes to SQLite, and to PostgreSQL a few, as many as are needed. Each takes
// all the batches that are waiting, puts them into one transaction, and answers their
// callers when it is durable, so that all chats share the cost of a commit (group
// commit). Reads have connections of their own and never wait for it.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/store"
)

// Options are what may be chosen when a store is opened. The zero value is fine.
type Options struct {
	// Queue is how many batches may wait to be written before Append returns
	// [store.ErrBusy]; 0 means 4096.
	Queue int
	// Readers is how many reads may run at the same time; 0 means 4. With SQLite each
	// costs about 1 MiB when it is used, with PostgreSQL it is a connection.
	Readers int
	// Committers is how many transactions write at the same time at most, each on a
	// connection of its own; 0 means 3. It says nothing for SQLite, which has one.
	Committers int
	// Patience is for how long PostgreSQL is tried again when it can't be reached; 0
	// means 5 seconds. After that, calls fail fast until it is back. What has to be done
	// to the schema when the store is opened may take longer.
	Patience time.Duration
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
	if o.Committers == 0 {
		o.Committers = 3
	}
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
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
	patience time.Duration
	release  func() error // what the database needs at the end
	log      *slog.Logger
	tally    tally

	mu     sync.RWMutex // guards closed, and sending on queue against closing it
	closed bool
	queue  chan *batch
	lanes  []*lane
}

var _ store.Store = (*Store)(nil)

// start begins to take batches.
func start(r *reader, opts *Options, release func() error, committers ...committer) *Store {
	s := &Store{reader: r, patience: opts.Patience, release: release, log: opts.Log}
	s.queue = make(chan *batch, opts.Queue)
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	for _, c := range committers {
		l := &lane{c, s.queue, turn, make(chan struct{}), &s.tally}
		s.lanes = append(s.lanes, l)
		go l.run()
	}
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
	b.until = time.Now().Add(s.patience)
	if d, ok := ctx.Deadline(); ok && d.Before(b.until) {
		b.until = d
	}
	if err := s.handOver(b); err != nil {
		return err
	}
	err = <-b.done
	s.tally.answered(err)
	return err
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
	errs := []error{s.reader.close()}
	for _, l := range s.lanes {
		<-l.done
		errs = append(errs, l.committer.close())
	}
	s.tally.log(s.log)
	return errors.Join(append(errs, s.release())...)
}

// closeAll closes what was opened before opening the rest went wrong.
func closeAll(dbs ...*sql.DB) {
	for _, db := range dbs {
		db.Close() // the error that counts is the one that led here
	}
}
