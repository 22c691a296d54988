package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/sqlstore/pg"
)

const (
	// haste is how long a call may take while PostgreSQL is known not to answer.
	haste = time.Second
	// findWithin is how long it is looked for when the store is opened, and prepareWithin,
	// how long its schema may take to be brought up to date once it has answered.
	findWithin, prepareWithin = 5 * time.Second, 5 * time.Minute
)

// OpenPostgres opens a PostgreSQL database (15 or newer) by its URL, and brings its
// schema up to this version. Several nodes may have it open, older and newer ones
// among them as long as both know the schema. It refuses a database on which a commit
// is not durable. A URL may name several hosts, and a pooler may stand before them.
func OpenPostgres(ctx context.Context, url string, opts Options) (*Store, error) {
	opts.setDefaults()
	server, err := pg.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	health := pg.NewHealth(server, opts.Log, opts.Patience, haste)
	d := postgresDialect(server, health)
	db := server.Pool(opts.Readers)
	silent := slog.New(slog.DiscardHandler) // the caller says it
	err = pg.NewHealth(server, silent, min(findWithin, opts.Patience), haste).Try(ctx, db.PingContext)
	if err == nil {
		preparing := pg.NewHealth(server, silent, prepareWithin, haste)
		told := false
		err = preparing.Try(ctx, func(ctx context.Context) error {
			err := preparePostgres(ctx, db, d)
			if pg.Transient(err) && !told {
				told = true
				opts.Log.Warn("the database's schema can't be looked after yet; that is tried again", "for", prepareWithin.String(), "err", d.explain(err))
			}
			return err
		})
	}
	if err != nil {
		closeAll(db)
		return nil, fmt.Errorf("sqlstore: %w", d.explain(err))
	}
	r, err := newReader(ctx, db, d)
	if err != nil {
		closeAll(db)
		return nil, fmt.Errorf("sqlstore: %w", d.explain(err))
	}
	var committers []committer
	writes := health.Writes()
	for range opts.Committers {
		committers = append(committers, &pgCommitter{d, pg.NewCommitter(server, writes)})
	}
	return start(r, &opts, func() error { return nil }, committers...), nil
}

// schemaLock is the number of the lock under which the schema is changed.
const schemaLock = 1349676153

func postgresDialect(server *pg.Server, health *pg.Health) dialect {
	return dialect{
		migrations: "postgres",
		beginStep: fmt.Sprintf(`BEGIN; SET LOCAL lock_timeout = '4s'; SELECT pg_advisory_xact_lock(%d);
			DO $$ BEGIN
				IF to_regclass('parley_schema') IS NULL THEN
					CREATE TABLE parley_schema (version INTEGER NOT NULL, oldest INTEGER NOT NULL);
					INSERT INTO parley_schema VALUES (0, 0);
				END IF;
			END $$`, schemaLock),
		version:    "SELECT version FROM parley_schema",
		setVersion: "UPDATE parley_schema SET version = %d",
		find:       "strpos",
		explain:    server.Explain,
		try:        health.Try,
		trySlowly:  health.TrySlowly,
	}
}

// preparePostgres takes the steps of the schema that are missing, and refuses a schema
// that this version doesn't know any more.
func preparePostgres(ctx context.Context, db *sql.DB, d dialect) error {
	steps, err := d.steps()
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := d.migrate(ctx, conn, steps); err != nil {
		return err
	}
	var oldest int
	if err := conn.QueryRowContext(ctx, "SELECT oldest FROM parley_schema").Scan(&oldest); err != nil {
		return err
	}
	if oldest > len(steps) {
		return fmt.Errorf("its schema is one of a newer version of Parley (it needs %d, this version knows %d): run that version", oldest, len(steps))
	}
	return nil
}

// pgCommitter writes batches to PostgreSQL.
type pgCommitter struct {
	dialect
	commits *pg.Committer
}

func (c *pgCommitter) write(group []*batch) {
	all := make([]*pg.Batch, len(group))
	for i, b := range group {
		all[i] = &pg.Batch{Chat: b.chat, After: b.after, Contacts: b.contacts, Until: b.until}
		for _, r := range b.rows {
			all[i].Rows = append(all[i].Rows, pg.Row{Seq: r.seq, At: r.at, Visible: int16(r.visible), ID: r.id, Body: r.body})
		}
	}
	inOrder := append([]*pg.Batch(nil), all...)
	c.commits.Commit(all)
	for i, b := range group {
		b.done <- c.outcome(inOrder[i])
	}
}

func (c *pgCommitter) outcome(b *pg.Batch) error {
	switch {
	case errors.Is(b.Err, store.ErrConflict):
		return conflict(b.Missed)
	case b.Err == nil || errors.Is(b.Err, store.ErrBusy):
		return b.Err
	}
	return fmt.Errorf("sqlstore: append: %w", c.explain(b.Err))
}

// conflict is the error of who missed some rows. If one can't be understood, whoever
// reads it will say so.
func conflict(missed []pg.Row) error {
	entries := make([]chat.Entry, len(missed))
	for i := range missed {
		r := &missed[i]
		if err := decode(&entries[i], r.Seq, r.ID, r.At, []byte(r.Body)); err != nil {
			return store.ErrConflict
		}
	}
	if len(entries) == 0 {
		return store.ErrConflict
	}
	return &store.Conflict{Missed: entries}
}

func (c *pgCommitter) close() error { return c.commits.Close() }
