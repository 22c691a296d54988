package sqlstore

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// asNobody runs f as a user to whom permissions apply, also when root runs the tests.
func asNobody(f func()) {
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		const nobody = 65534
		syscall.RawSyscall(syscall.SYS_SETFSGID, nobody, 0, 0)
		syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
		f()
	}()
	<-done
}

func TestNotWritable(t *testing.T) {
	file := filled(t)
	dir := filepath.Dir(file)
	for path, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, file: 0o444, dir: 0o555} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) }) // so that it can be removed
	asNobody(func() {
		if f, err := os.OpenFile(filepath.Join(dir, "x"), os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
			f.Close()
			t.Error("this user can write everywhere; the test can't work")
		}
		wantRefused(t, file, "can't be opened for writing", "--data")
		wantRefused(t, filepath.Join(dir, "new.db"), "can't be opened for writing", "--data")
	})
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	asNobody(func() { wantRefused(t, file, "can't be opened for writing", "--data") }) // there can't be a log
}

// TestFileNotWritable has one file that can't be written, in a directory that can:
// SQLite would open it and only read.
func TestFileNotWritable(t *testing.T) {
	for _, end := range []string{"", "-wal", "-shm"} {
		file := killed(t, "PRAGMA user_version = 1")
		dir := filepath.Dir(file)
		for path, mode := range map[string]os.FileMode{
			filepath.Dir(dir): 0o755, dir: 0o777, file: 0o666, file + "-wal": 0o666, file + "-shm": 0o666,
		} {
			if path == file+end {
				mode = 0o444
			}
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		asNobody(func() { wantRefused(t, file, "can't be opened for writing", "--data", "open "+file+end+":") })
	}
}
