package sqlstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/store/storetest"
)

// killedFile names the database that the killed process writes to, killedDir the
// directory that it makes databases in.
const (
	killedFile = "PARLEY_TEST_KILLED_FILE"
	killedDir  = "PARLEY_TEST_KILLED_DIR"
)

// TestMain lets the test run itself as the process that is killed.
func TestMain(m *testing.M) {
	if file := os.Getenv(killedFile); file != "" {
		appendUntilKilled(file)
	}
	if dir := os.Getenv(killedDir); dir != "" {
		createUntilKilled(dir)
	}
	os.Exit(pgtest.Main(m))
}

// appendUntilKilled appends to many chats and says which Append has returned.
func appendUntilKilled(file string) {
	s, err := OpenSQLite(file, Options{walLimit: 2 << 20}) // so that it is often emptied
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			id := storetest.NewChat()
			for n := int64(0); ; n += 3 {
				if err := s.Append(context.Background(), storetest.Messages(id, n, 3)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Printf("%s %d\n", id, n+3)
			}
		})
	}
	wg.Wait()
}

// TestKill kills a process that appends: what it was told is stored is there, and
// batches are there as a whole.
func TestKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "chats.db")
	for _, appends := range []int{1, 500, 5000} {
		told := killAfter(t, self, file, appends)
		s := open(t, file)
		for id, n := range told {
			log, err := s.Entries(t.Context(), id, 0, n+100)
			if err != nil {
				t.Fatal(err)
			}
			if len(log) < n || len(log) > n+3 || len(log)%3 != 0 {
				t.Errorf("a chat has %d entries; want the %d that were acknowledged, and perhaps 3 more", len(log), n)
			}
			for i, e := range log {
				if want := fmt.Sprintf("message %d", i+1); e.Seq != int64(i+1) || e.Content.Text != want {
					t.Errorf("entry %d has Seq %d and says %q; want %q", i+1, e.Seq, e.Content.Text, want)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// killAfter kills the process after it has acknowledged so many appends, and gives
// for each chat how many entries were.
func killAfter(t *testing.T, self, file string, appends int) map[chat.ChatID]int {
	t.Helper()
	child, lines := startChild(t, self, killedFile+"="+file)
	told := make(map[chat.ChatID]int)
	for seen := 1; lines.Scan(); seen++ {
		var id string
		var n int
		if _, err := fmt.Sscan(lines.Text(), &id, &n); err != nil {
			t.Fatalf("the process says %q: %v", lines.Text(), err)
		}
		told[chat.ChatID{ID: chat.ID{UUID: uuid.MustParse(id)}}] = n
		if seen == appends {
			child.Process.Kill() // the pipe still holds what it has said
		}
	}
	child.Wait() // says that it was killed
	return told
}

// startChild starts the process that is killed, and gives what it says.
func startChild(t *testing.T, self, env string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	child := exec.Command(self)
	child.Env = append(os.Environ(), env)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child, bufio.NewScanner(out)
}

// createUntilKilled makes one database after the other, and says when it has.
func createUntilKilled(dir string) {
	for n := 0; ; n++ {
		fmt.Println(n)
		s, err := OpenSQLite(filepath.Join(dir, fmt.Sprintf("%d.db", n)), Options{})
		if err == nil && n%2 == 0 {
			err = s.Close()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// TestKillFirstStart kills processes while they make a database: whatever is left of
// it can be opened.
func TestKillFirstStart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		dir := t.TempDir()
		child, lines := startChild(t, self, killedDir+"="+dir)
		lines.Scan()
		// Any moment of the first few databases will do.
		time.AfterFunc(rand.N(10*time.Millisecond), func() { child.Process.Kill() })
		for lines.Scan() {
		}
		child.Wait() // says that it was killed
		files, err := filepath.Glob(filepath.Join(dir, "*.db"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			left, _ := filepath.Glob(file + "*")
			if s, err := OpenSQLite(file, Options{}); err != nil {
				t.Errorf("of %q: %v", left, err)
			} else if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
