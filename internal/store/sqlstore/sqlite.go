package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"

	"modernc.org/sqlite"
)

// OpenSQLite opens the database in a file, which is made if it isn't there; its
// directory must be. It refuses, without having changed the file, what another
// program or a newer version has written, what is damaged and what it can't write.
// Nothing else in the process may have the file open.
//
// The store is durable: when Append returns nil, the batch survives the loss of
// power, as far as the disk keeps what it says it has written.
func OpenSQLite(file string, opts Options) (*Store, error) {
	opts.setDefaults()
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	d := sqliteDialect(file)
	s, err := openSQLite(context.Background(), file, d, &opts)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", d.explain(err))
	}
	return s, nil
}

func sqliteDialect(file string) dialect {
	return dialect{
		migrations: "sqlite",
		begin:      "BEGIN IMMEDIATE",
		beginStep:  "BEGIN IMMEDIATE",
		peek:       true,
		prepares:   true,
		try:        once,
		trySlowly:  once,
		version:    "PRAGMA user_version",
		setVersion: "PRAGMA user_version = %d",
		find:       "instr",
		explain:    func(err error) error { return explainSQLite(file, err) },
	}
}

// once calls a function: what SQLite says, it would say again.
func once(ctx context.Context, f func(context.Context) error) error { return f(ctx) }

func openSQLite(ctx context.Context, file string, d dialect, opts *Options) (*Store, error) {
	steps, err := d.steps()
	if err != nil {
		return nil, err
	}
	if err := inspect(ctx, file, len(steps)); err != nil {
		return nil, err
	}
	// Two connections: the writer's and the checkpointer's.
	db, err := openPool(file, 2, writerPragmas)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, db, d, steps); err != nil {
		closeAll(db)
		return nil, err
	}
	readDB, err := openPool(file, opts.Readers, readerPragmas)
	if err != nil {
		closeAll(db)
		return nil, err
	}
	r, err := newReader(ctx, readDB, d)
	if err != nil {
		closeAll(readDB, db)
		return nil, err
	}
	c := newCheckpointer(db, opts)
	w := &writer{dialect: d, db: db, committed: c.committed}
	return start(r, opts, func() error { return c.close(db) }, w), nil
}

// The settings of connections. Checkpoints are the checkpointer's; nothing is mapped
// into memory and caches are small, because an idle server must be small.
var (
	writerPragmas = url.Values{
		"mode": {"rw"},
		"_pragma": {
			"busy_timeout(5000)", "synchronous(FULL)", "wal_autocheckpoint(0)", "cache_size(-4096)",
			"journal_size_limit(67108864)",            // the log after a reader has made it large
			"fullfsync(1)", "checkpoint_fullfsync(1)", // macOS; elsewhere they say nothing
		},
	}
	readerPragmas = url.Values{
		"mode":    {"ro"},
		"_pragma": {"busy_timeout(5000)", "query_only(1)", "cache_size(-1024)"},
	}
)

// openPool prepares connections; the first use opens one.
func openPool(file string, size int, settings url.Values) (*sql.DB, error) {
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(file), RawQuery: settings.Encode()}
	c, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// prepare makes the file a database with the schema of this version, and checks that
// what is committed will be durable.
func prepare(ctx context.Context, db *sql.DB, d dialect, steps []string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	if err := checkDurable(ctx, conn); err != nil {
		return err
	}
	return d.migrate(ctx, conn, steps)
}

// checkDurable refuses a connection whose commits might not survive a loss of power:
// SQLite says nothing when it does not take a setting.
func checkDurable(ctx context.Context, conn *sql.Conn) error {
	for _, setting := range []struct{ pragma, want, means string }{
		{"journal_mode", "wal", "WAL"}, {"synchronous", "2", "FULL"}, {"wal_autocheckpoint", "0", "off"},
	} {
		var got string
		if err := conn.QueryRowContext(ctx, "PRAGMA "+setting.pragma).Scan(&got); err != nil {
			return err
		}
		if got != setting.want {
			return fmt.Errorf("SQLite did not accept %s=%s (it is %q), without which messages could be lost: keep --data on a local file system that supports shared memory",
				setting.pragma, setting.means, got)
		}
	}
	return nil
}
