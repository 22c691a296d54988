package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/sqlstore"
)

// OpenStore opens what a server keeps chats in, for work on all of them: a data
// directory, which is taken as a server takes it, or a PostgreSQL database by its URL. A
// missing directory or an empty database is made unless old is set, which is for one
// that has chats.
func OpenStore(ctx context.Context, where string, old bool, log *slog.Logger) (store.Store, error) {
	if strings.Contains(where, "://") {
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

// dirStore is the store in a data directory, with the directory.
type dirStore struct {
	store.Store
	dir *dataDir
}

// Close closes the store and gives the directory up.
func (s *dirStore) Close() error { return errors.Join(s.Store.Close(), s.dir.close()) }
