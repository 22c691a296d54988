package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/diskblob"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/s3blob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/sqlstore"
	"github.com/parley-chat/parley/internal/token"
)

// OpenStore opens what a server keeps chats in, for work on all of them: a data
// directory, which is taken as a server takes it, or a PostgreSQL database by its URL. A
// missing directory or an empty database is made unless old is set, which is for one
// that has chats.
func OpenStore(ctx context.Context, where string, old bool, log *slog.Logger) (store.Store, error) {
	if !IsDataDir(where) {
		s, err := sqlstore.OpenPostgres(ctx, where, sqlstore.Options{Log: log, Readers: 16, Patience: time.Minute})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	if old && !hasDatabase(where) {
		return nil, fmt.Errorf("%s is no data directory: there is no %s in it", where, database)
	}
	dir, err := openDataDir(where)
	if err != nil {
		return nil, err
	}
	s, err := dir.openSQLite(log)
	if err != nil {
		return nil, errors.Join(err, dir.close())
	}
	return &dirStore{s, dir}, nil
}

// IsDataDir reports whether it is not a URL that [OpenStore] or [OpenBlobs] is given.
func IsDataDir(where string) bool { return !strings.Contains(where, "://") }

// OpenBlobs opens the place where a server keeps attachments, for work on all of them:
// those of a data directory, which are taken as a server takes them, or an S3-compatible
// store by its URL. A missing directory is made unless old is set, which is for what has
// attachments; a data directory may have none then.
func OpenBlobs(ctx context.Context, where string, old bool, log *slog.Logger) (blob.Store, error) {
	clock := clockwork.NewRealClock()
	if !IsDataDir(where) {
		return orNil(s3blob.Open(ctx, where, clock, log))
	}
	tokens, err := token.NewKeyring(token.NewKey()) // nobody is given a URL
	if err != nil {
		return nil, err
	}
	dir, c := filepath.Join(where, attachmentsDir), served.Config{Tokens: tokens, Clock: clock}
	if _, err := os.Stat(dir); old && errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(where); err != nil {
			return nil, fmt.Errorf("%s is no data directory: %w", where, err)
		}
		return memblob.New(c), nil
	}
	return orNil(diskblob.Open(dir, c))
}

// dirStore is the store in a data directory, with the directory.
type dirStore struct {
	store.Store
	dir *dataDir
}

// Close closes the store and gives the directory up.
func (s *dirStore) Close() error { return errors.Join(s.Store.Close(), s.dir.close()) }
