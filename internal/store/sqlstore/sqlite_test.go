package sqlstore

import (
	"path/filepath"
	"testing"

	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storetest"
)

func open(t *testing.T, file string) *Store {
	t.Helper()
	s, err := OpenSQLite(file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) // most tests have closed it themselves
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, filepath.Join(t.TempDir(), "chats.db"))
	})
	storetest.RunDurable(t, func(t *testing.T, dir string) store.Store {
		return open(t, filepath.Join(dir, "a strange?name#50%.db"))
	})
}
