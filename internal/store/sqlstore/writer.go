package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/parley-chat/parley/internal/store"
)

// writer writes batches to SQLite. It belongs to one goroutine.
type writer struct {
	dialect
	db *sql.DB
	// committed, if not nil, is called when the callers have been answered.
	committed func(*sql.Conn)

	conn                    *sql.Conn // nil: to be opened when needed
	begin, commit, rollback *sql.Stmt
	insert, last, contact   *sql.Stmt
}

// statementError is that of a statement within a transaction, which was rolled back.
type statementError struct{ error }

func (e statementError) Unwrap() error { return e.error }

// write stores the batches and answers their callers.
func (w *writer) write(group []*batch) {
	w.store(group)
	if w.committed != nil && w.conn != nil {
		w.committed(w.conn)
	}
}

// store stores the batches in one transaction. If a batch can't be stored, each is
// tried in a transaction of its own, so that the others are.
func (w *writer) store(group []*batch) {
	err := w.transact(group)
	var bad statementError
	if errors.As(err, &bad) && len(group) > 1 {
		for _, b := range group {
			w.store([]*batch{b})
		}
		return
	}
	if err != nil {
		err = fmt.Errorf("sqlstore: append: %w", w.explain(err))
	}
	for _, b := range group {
		if err != nil {
			b.outcome = err
		}
		b.done <- b.outcome
	}
}

// transact runs one transaction. When it fails, the next one finds a connection in
// order: rolled back, or a new one.
func (w *writer) transact(group []*batch) error {
	ctx := context.Background()
	if err := w.connect(ctx); err != nil {
		return err
	}
	if _, err := w.begin.ExecContext(ctx); err != nil {
		w.abandon()
		return err
	}
	for _, b := range group {
		if err := w.apply(ctx, b); err != nil {
			if _, failed := w.rollback.ExecContext(ctx); failed != nil {
				w.abandon() // some errors end the transaction by themselves
			}
			return statementError{err}
		}
	}
	if _, err := w.commit.ExecContext(ctx); err != nil {
		w.abandon()
		return fmt.Errorf("the outcome of the commit is unknown: %w", err)
	}
	return nil
}

// apply writes a batch, or nothing if it conflicts.
func (w *writer) apply(ctx context.Context, b *batch) error {
	b.outcome = nil
	if len(b.rows) == 0 {
		var last int64
		if err := w.last.QueryRowContext(ctx, b.chat).Scan(&last); err != nil {
			return err
		}
		if last != b.after {
			b.outcome = store.ErrConflict
			return nil
		}
	}
	for i := range b.rows {
		result, err := w.insert.ExecContext(ctx, b.args(&b.rows[i])...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		switch {
		case err != nil:
			return err
		case n == 0 && i == 0:
			b.outcome = store.ErrConflict
			return nil
		case n == 0:
			return fmt.Errorf("entry %d of the chat is there, but entry %d was not", b.rows[i].seq, b.rows[i-1].seq)
		}
	}
	for _, args := range b.contacts {
		if _, err := w.contact.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// statements are what is prepared on the writer's connection.
func (w *writer) statements() map[**sql.Stmt]string {
	return map[**sql.Stmt]string{
		&w.begin: w.dialect.begin, &w.commit: "COMMIT", &w.rollback: "ROLLBACK",
		&w.insert: sqlInsertEntry, &w.last: sqlLastSeq, &w.contact: sqlPutContact,
	}
}

// connect opens the writer's connection if there is none.
func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	w.conn = conn
	for stmt, text := range w.statements() {
		if *stmt, err = conn.PrepareContext(ctx, text); err != nil {
			w.abandon()
			return err
		}
	}
	return nil
}

// abandon throws away a connection whose state is not known, and with it whatever
// transaction it may be in.
func (w *writer) abandon() {
	w.closeStatements()                                      // what is wrong with the connection was said before
	w.conn.Raw(func(any) error { return driver.ErrBadConn }) // makes database/sql close it
	w.conn = nil
}

// close gives the connection back.
func (w *writer) close() error {
	if w.conn == nil {
		return nil
	}
	err := errors.Join(w.closeStatements(), w.conn.Close())
	w.conn = nil
	return err
}

// closeStatements is for before the connection is closed: database/sql doesn't do it,
// and SQLite keeps a connection, its transaction and its locks as long as there are
// statements.
func (w *writer) closeStatements() error {
	var errs []error
	for stmt := range w.statements() {
		if *stmt != nil {
			errs = append(errs, (*stmt).Close())
			*stmt = nil
		}
	}
	return errors.Join(errs...)
}
