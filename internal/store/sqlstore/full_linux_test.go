package sqlstore

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// limitFiles keeps files from growing beyond a size, in bytes, while f runs, which
// SQLite takes for a disk that is full or not in order.
func limitFiles(t *testing.T, size uint64, f func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

// TestNoRoom: there is room for the database, but not for the index of its log, of
// which SQLite says that the disk failed.
func TestNoRoom(t *testing.T) {
	file := filled(t)
	var err error
	limitFiles(t, 2*pageSize, func() { _, err = OpenSQLite(file, Options{}) })
	if err == nil || !strings.Contains(err.Error(), "there is no room left for "+file) {
		t.Errorf("OpenSQLite = %v; want it to say that there is no room", err)
	}
	open(t, file)
}

func TestNoRoomForTheFile(t *testing.T) {
	file := filepath.Join("data", "chats.db")
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		err := explainSQLite(file, &os.PathError{Op: "open", Path: file, Err: cause})
		want := fmt.Sprintf("there is no room left for %s: make room on its disk: open %s: %v", file, file, cause)
		if err.Error() != want {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
