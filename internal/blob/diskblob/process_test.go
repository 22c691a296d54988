//go:build unix

package diskblob_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/blobtest"
	"github.com/parley-chat/parley/internal/blob/diskblob"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
)

// The test binary serves a directory when it is told so.
const dirVar, fileSizeVar = "PARLEY_TEST_BLOB_DIR", "PARLEY_TEST_FILE_SIZE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirVar); dir != "" {
		if err := serveDir(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func serveDir(dir string) error {
	if os.Getenv(fileSizeVar) != "" {
		// As near as a test comes to a full disk without one: no file may grow any more.
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: 4096}); err != nil {
			return err
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	keys, err := token.NewKeyring([]byte(key))
	if err != nil {
		return err
	}
	s, err := diskblob.Open(dir, served.Config{Tokens: keys, Clock: clockwork.NewRealClock()})
	if err != nil {
		return err
	}
	fmt.Println("http://" + ln.Addr().String())
	return http.Serve(ln, restjson.Edge(s, slog.New(slog.NewTextHandler(os.Stdout, nil)), restjson.EdgeOptions{}))
}

const key = "0123456789abcdef"

func tokens(t *testing.T) *token.Keyring {
	t.Helper()
	keys, err := token.NewKeyring([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// start starts a process that serves the directory. Its log can be read from out.
func start(t *testing.T, dir string, env ...string) (cmd *exec.Cmd, base string, out *bufio.Reader) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), dirVar+"="+dir), env...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	out = bufio.NewReader(pipe)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line), out
}

// target is what the process at base will take.
func target(t *testing.T, base string, f blob.File) (blob.Key, blob.Target) {
	t.Helper()
	at := blobtest.NewKey()
	// Any node that has the key gives the same URLs.
	s := memblob.New(served.Config{Base: base, Tokens: tokens(t), Clock: clockwork.NewRealClock()})
	target, err := s.Upload(t.Context(), at, f, time.Now().Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return at, target
}

// A server that is killed in the middle of an upload leaves litter, which the next one
// removes; what was uploaded before is whole.
func TestKillDuringUpload(t *testing.T) {
	const half = 1 << 20
	dir := t.TempDir()
	cmd, base, _ := start(t, dir)
	f := blobtest.NewFile(strings.Repeat("x", 2*half))
	whole, first := target(t, base, f)
	if r, text := blobtest.Do(t, http.MethodPut, first.URL, first.Headers, strings.Repeat("w", 2*half)); r.StatusCode != 200 {
		t.Fatalf("PUT: %d %s", r.StatusCode, text)
	}

	halved, second := target(t, base, f)
	send(t, second, strings.Repeat("h", half))
	arrived(t, dir, half)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	if got := len(files(t, filepath.Join(dir, "incoming"))); got != 1 {
		t.Errorf("%d files are left of uploads under way; want one", got)
	}
	s := open(t, dir)
	if got := files(t, filepath.Join(dir, "incoming")); len(got) != 0 {
		t.Errorf("after a restart, %v is left of uploads under way", got)
	}
	if err := s.Commit(t.Context(), halved, f); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Commit of half an upload = %v; want %v", err, blob.ErrMissing)
	}
	if err := s.Commit(t.Context(), whole, f); err != nil {
		t.Errorf("Commit of what was uploaded before: %v", err)
	}
}

// send sends a PUT's headers and a part of its body, and leaves the connection open.
func send(t *testing.T, to blob.Target, part string) {
	t.Helper()
	u, err := url.Parse(to.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	var head strings.Builder
	fmt.Fprintf(&head, "PUT %s HTTP/1.1\r\nHost: %s\r\n", u.RequestURI(), u.Host)
	for name, value := range to.Headers {
		fmt.Fprintf(&head, "%s: %s\r\n", name, value)
	}
	if _, err := io.WriteString(c, head.String()+"\r\n"+part); err != nil {
		t.Fatal(err)
	}
}

// arrived waits until so many bytes of an upload are in its file.
func arrived(t *testing.T, dir string, size int64) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		list, _ := filepath.Glob(filepath.Join(dir, "incoming", "*"))
		for _, name := range list {
			if info, err := os.Stat(name); err == nil && info.Size() >= size {
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d bytes have not come within a minute", size)
		}
	}
}

// Without room an upload fails, the log says what to do, and nothing is left of it.
func TestNoRoom(t *testing.T) {
	dir := t.TempDir()
	_, base, log := start(t, dir, fileSizeVar+"=1")
	tooMuch := strings.Repeat("x", 5_000) // and not so much that some is to be sent when the answer has come
	_, to := target(t, base, blobtest.NewFile(tooMuch))
	if r, text := blobtest.Do(t, http.MethodPut, to.URL, to.Headers, tooMuch); r.StatusCode != http.StatusInternalServerError {
		t.Errorf("PUT: %d %s; want 500", r.StatusCode, text)
	}
	line, err := log.ReadString('\n')
	if err != nil || !strings.Contains(line, "no room left") || !strings.Contains(line, dir) {
		t.Errorf("the log says %s, %v", line, err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("%v is left", got)
	}
	small := blobtest.NewFile("hello wor")
	_, to = target(t, base, small)
	if r, text := blobtest.Do(t, http.MethodPut, to.URL, to.Headers, "hello wor"); r.StatusCode != 200 {
		t.Errorf("PUT of what fits: %d %s", r.StatusCode, text)
	}
}
