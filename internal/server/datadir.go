package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
	"github.com/parley-chat/parley/internal/store/sqlstore"
	"github.com/parley-chat/parley/internal/token"
)

// dataDir is the directory that an embedded server keeps everything in. Its lock is
// held as long as the server runs.
type dataDir struct {
	path  string // empty if nothing is kept
	lock  *flock.Flock
	fresh bool // there was no database yet
}

// database is the name of the database in the directory.
const database = "parley.db"

// openDataDir takes the data directory for a server that keeps something in it.
func (s *Server) openDataDir() (*dataDir, error) {
	if s.settings.Store != "" {
		return &dataDir{}, nil
	}
	return openDataDir(s.settings.Data)
}

// openDataDir makes the directory if need be, and takes it for this process alone.
func openDataDir(path string) (*dataDir, error) {
	if path == config.Memory {
		return &dataDir{}, nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("the data directory %s can't be made: %w; choose another with --data", path, err)
	}
	lock := flock.New(filepath.Join(path, "lock"), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("the data directory %s can't be written: %w; let Parley's user write to it, or choose another with --data", path, err)
	}
	if !held {
		return nil, fmt.Errorf("the data directory %s is in use by another server; stop that one, or choose another with --data", path)
	}
	return &dataDir{path: path, lock: lock, fresh: !hasDatabase(path)}, nil
}

// hasDatabase reports whether there is a database in a directory.
func hasDatabase(path string) bool {
	_, err := os.Stat(filepath.Join(path, database))
	return !errors.Is(err, fs.ErrNotExist)
}

// openSQLite opens the database in the directory.
func (d *dataDir) openSQLite(log *slog.Logger) (*sqlstore.Store, error) {
	return sqlstore.OpenSQLite(filepath.Join(d.path, database), sqlstore.Options{Log: log})
}

// openStore opens the store that the settings name.
func (s *Server) openStore() (store.Store, error) {
	var kept *sqlstore.Store
	var err error
	switch {
	case s.settings.Store != "":
		kept, err = sqlstore.OpenPostgres(context.Background(), s.settings.Store, sqlstore.Options{Log: s.log})
	case s.dir.path == "":
		return memstore.New(), nil
	default:
		kept, err = s.dir.openSQLite(s.log)
	}
	if err != nil {
		return nil, err // not kept: a nil *Store is not a nil Store
	}
	return kept, nil
}

// keyFile is the name of the file in the directory that has the token key.
const keyFile = "token.key"

// tokenKey is the key that signs tokens when none is configured: it is made once and
// kept, so that tokens outlive a restart.
func (d *dataDir) tokenKey() ([]byte, error) {
	if d.path == "" {
		return token.NewKey(), nil
	}
	key, err := TokenKey(d.path)
	if err != nil || key != nil {
		return key, err
	}
	if !d.fresh {
		return nil, fmt.Errorf("%s is missing, though the directory has chats; restore it from a backup, or set token-keys", filepath.Join(d.path, keyFile))
	}
	key = token.NewKey()
	return key, KeepTokenKey(d.path, key)
}

// TokenKey reads the key that signs tokens from a data directory; nil if none is kept
// there, as its server has token-keys.
func TokenKey(dir string) ([]byte, error) {
	file := filepath.Join(dir, keyFile)
	key, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the token key can't be read: %w; let Parley's user read it", err)
	case len(key) < token.MinKeySize:
		return nil, fmt.Errorf("%s is damaged: it has %d bytes; restore it from a backup, or remove it, which makes all tokens invalid", file, len(key))
	}
	return key, nil
}

// KeepTokenKey puts a key into a data directory, which must not have another one.
func KeepTokenKey(dir string, key []byte) error {
	kept, err := TokenKey(dir)
	switch {
	case err != nil || bytes.Equal(kept, key):
		return err
	case kept != nil:
		return fmt.Errorf("%s has a token key of its own; choose an empty directory", dir)
	}
	if err := writeDurably(filepath.Join(dir, keyFile), key); err != nil {
		return fmt.Errorf("the token key can't be kept: %w; let Parley's user write to the data directory", err)
	}
	return nil
}

// writeDurably writes a file whole or not at all, and returns when it would survive
// the loss of power.
func writeDurably(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (d *dataDir) close() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Unlock()
}
