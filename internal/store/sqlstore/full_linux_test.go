package sqlstore

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// limitedFile names the database that the limited process opens.
const limitedFile = "PARLEY_TEST_LIMITED_FILE"

// openLimited opens a database in a process whose files can't grow beyond a size, in
// bytes, which SQLite takes for a disk that is full or not in order. It prints the error.
func openLimited(file string, size uint64) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit)
	if limit.Cur = size; err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	}
	if err == nil {
		_, err = OpenSQLite(file, Options{})
	}
	fmt.Println(err)
}

// TestNoRoom: there is room for the database, but not for the index of its log, of
// which SQLite says that the disk failed.
func TestNoRoom(t *testing.T) {
	if file := os.Getenv(limitedFile); file != "" {
		openLimited(file, 2*pageSize)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filled(t)
	child := exec.Command(self, "-test.run=^TestNoRoom$")
	child.Env = append(os.Environ(), limitedFile+"="+file)
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "there is no room left for "+file) {
		t.Errorf("OpenSQLite: %s, %v; want it to say that there is no room", out, err)
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
