package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
)

// applicationID is what a database of ours has in its header; see 001_log.sql.
const applicationID = 1349676153

// inspect finds out whether the file is ours to write, and makes a file that isn't
// there. What it refuses it leaves as it was, and leaves nothing beside it.
func inspect(ctx context.Context, file string, newest int) error {
	info, err := os.Stat(file)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		return err
	case !missing && info.IsDir():
		return fmt.Errorf("%s is a directory; it must be the database's file: move the directory away, or give --data another one", file)
	case (missing || info.Size() == 0) && hasContent(file+"-wal"):
		return fmt.Errorf("%s is missing or empty, but %s-wal, which belongs to it, is there: put both back together, or move the second away as well to begin with nothing", file, file)
	case missing:
		return create(file)
	}
	if err := checkWritable(file); err != nil {
		return err
	}
	h, err := look(ctx, file)
	if hasContent(file+"-journal") && (err != nil || h.check(file, newest) == nil) {
		// A process was killed while it switched the log on, or in another program's
		// transaction. What it has half done is undone by the first that can write.
		h, err = lookAs(ctx, file, writerPragmas)
	}
	if err != nil {
		return err
	}
	return h.check(file, newest)
}

// hasContent reports whether there is a file with something in it.
func hasContent(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > 0
}

// create makes an empty file that only its owner can read: SQLite's other files get
// the same mode.
func create(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// checkWritable opens the files of a database for writing. SQLite would open one that
// it may not write for reading, and say nothing until it has to write.
func checkWritable(file string) error {
	for _, name := range []string{file, file + "-wal", file + "-shm", file + "-journal"} {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist) && name != file:
			continue
		case err != nil:
			return err
		}
		// This gives up the locks that this process has on the file, so nothing else in
		// it may have the database open.
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// head is what tells whose a database is.
type head struct{ application, version, tables int }

// check refuses a database that another program or a newer version has written.
func (h head) check(file string, newest int) error {
	switch {
	case h.application != applicationID && h != head{}:
		return fmt.Errorf("%s is a database of another program: move it away, or give --data another directory", file)
	case h.version > newest:
		return fmt.Errorf("%s was written by a newer version of Parley (its schema is %d, this version knows %d): run that version, or restore the backup made before it ran", file, h.version, newest)
	}
	return nil
}

// look reads the head of a database without a trace. Its log, if there is one, may
// have a newer head than the file, and only that with the log makes a whole.
func look(ctx context.Context, file string) (head, error) {
	how := maps.Clone(readerPragmas)
	if !hasContent(file + "-wal") {
		how.Set("immutable", "1") // else SQLite makes a log and its index, to find nothing
	} else if _, err := os.Lstat(file + "-shm"); errors.Is(err, fs.ErrNotExist) {
		defer os.Remove(file + "-shm") // SQLite makes the index that is missing
	}
	return lookAs(ctx, file, how)
}

func lookAs(ctx context.Context, file string, how url.Values) (h head, err error) {
	db, err := openPool(file, 1, how)
	if err != nil {
		return head{}, err
	}
	defer closeAll(db)
	err = db.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT COUNT(*) FROM sqlite_schema)`).Scan(&h.application, &h.version, &h.tables)
	return h, err
}
