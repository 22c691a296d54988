package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path"
)

// steps gives the schema's steps in order; step n, counted from 1, makes version n.
func (d *dialect) steps() ([]string, error) {
	dir := path.Join("migrations", d.migrations)
	files, err := fs.ReadDir(migrations, dir) // sorted by name
	if err != nil {
		return nil, err
	}
	steps := make([]string, len(files))
	for i, f := range files {
		var number int
		if _, err := fmt.Sscanf(f.Name(), "%d_", &number); err != nil || number != i+1 {
			return nil, fmt.Errorf("the name of %s must begin with %03d_", path.Join(dir, f.Name()), i+1)
		}
		text, err := fs.ReadFile(migrations, path.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		steps[i] = string(text)
	}
	return steps, nil
}

// migrate takes the steps that the database has not seen, each in a transaction. The
// version is read inside of it: another process may be doing the same.
func (d *dialect) migrate(ctx context.Context, conn *sql.Conn, steps []string) error {
	for {
		version, err := d.migrateOnce(ctx, conn, steps)
		if err != nil || version >= len(steps) {
			return err
		}
	}
}

// migrateOnce takes the next step, if any, and gives the version it has led to.
func (d *dialect) migrateOnce(ctx context.Context, conn *sql.Conn, steps []string) (version int, err error) {
	if d.peek {
		if err := conn.QueryRowContext(ctx, d.version).Scan(&version); err != nil || version >= len(steps) {
			return version, err
		}
	}
	if _, err := conn.ExecContext(ctx, d.beginStep); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			conn.ExecContext(ctx, "ROLLBACK") // the error that counts is err
		}
	}()
	if err := conn.QueryRowContext(ctx, d.version).Scan(&version); err != nil {
		return 0, err
	}
	if version < len(steps) {
		if _, err := conn.ExecContext(ctx, steps[version]); err != nil {
			return 0, fmt.Errorf("step %d of the schema: %w", version+1, err)
		}
		version++
		if _, err := conn.ExecContext(ctx, fmt.Sprintf(d.setVersion, version)); err != nil {
			return 0, err
		}
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return version, err
}
