package sqlstore

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/parley-chat/parley/internal/store"
)

// explainSQLite makes a sentence of an error about a file, by its code.
func explainSQLite(file string, err error) error {
	const notWritable = "%s can't be opened for writing: let Parley's user write to its directory, which must exist, and to the files in it, or give --data another directory: %w"
	const noRoom = "there is no room left for %s: make room on its disk: %w"
	var e *sqlite.Error
	if !errors.As(err, &e) {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) ||
			errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf(notWritable, file, err)
		}
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			return fmt.Errorf(noRoom, file, err)
		}
		return err
	}
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the index of the log could not grow
		return fmt.Errorf(noRoom, file, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s is not a database: move it away, or give --data another directory: %w", file, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s is damaged: restore it from a backup, or save what can be saved with the command .recover of the sqlite3 shell: %w", file, err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return fmt.Errorf(notWritable, file, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf(noRoom, file, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("the disk of %s failed: look at the system's log: %w", file, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: another program keeps %s locked; end it: %w", store.ErrBusy, file, err)
	}
	return fmt.Errorf("%s: %w", file, err)
}
