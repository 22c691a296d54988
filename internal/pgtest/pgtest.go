// Package pgtest gives tests a real PostgreSQL: a private cluster in a temporary
// directory, run by an unprivileged user on a free port of the loopback interface. The
// programs are the distribution's; scripts/setup.sh installs them. Where they are
// missing a test is skipped, but with CI=true it fails.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-chat/parley/internal/porttest"
)

// patience is how long anything may take that has to happen.
const patience = 3 * time.Minute

// superuser is the cluster's, who needs no password.
const superuser = "parley"

// Cluster is a PostgreSQL server.
type Cluster struct {
	bin, dir string
	port     int
	cred     *syscall.SysProcAttr // of the unprivileged user

	mu       sync.Mutex
	cmd      *exec.Cmd // nil while it doesn't run
	watch    io.Closer // ends the watchman
	settings []string
	made     atomic.Int64 // databases
}

// shared is the cluster of the test binary.
var shared struct {
	sync.Mutex
	cluster *Cluster
}

// Main runs a package's tests and then stops what [Database] has started. A TestMain
// returns its result to os.Exit.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if c := shared.cluster; c != nil {
		c.remove()
		shared.cluster = nil
	}
	return code
}

// Database makes an empty database in the cluster that all tests of the binary share,
// and gives its URL. The package needs a TestMain that calls [Main].
func Database(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		shared.cluster = start(t)
	}
	return shared.cluster.Database(t)
}

// Start starts a cluster of the test's own, which may be killed and stopped. Settings
// are PostgreSQL's, like "fsync=off".
func Start(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	c := start(t, settings...)
	t.Cleanup(c.remove)
	return c
}

func start(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	bin, err := programs()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := &Cluster{bin: bin}
	if err := c.init(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	if err := c.start(settings); err != nil {
		c.remove()
		t.Fatalf("pgtest: %v", err)
	}
	return c
}

// programs finds the directory of the newest PostgreSQL's programs.
func programs() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("there is no PostgreSQL here; run scripts/setup.sh, or install postgresql")
}

// version reads the number in /usr/lib/postgresql/15/bin.
func version(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

// makeDir makes a directory that belongs to an unprivileged user.
func (c *Cluster) makeDir() (err error) {
	if c.dir, err = os.MkdirTemp("", "parley-pg-"); err != nil {
		return err
	}
	c.cred = &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // PostgreSQL refuses to be run by root
		uid, gid, err := unprivileged()
		if err != nil {
			return err
		}
		c.cred.Credential = &syscall.Credential{Uid: uid, Gid: gid}
		return os.Chown(c.dir, int(uid), int(gid))
	}
	return nil
}

// init makes the cluster's files.
func (c *Cluster) init() error {
	if err := c.makeDir(); err != nil {
		return err
	}
	cmd := c.command("initdb", "--pgdata", c.data(), "--username", superuser, "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// unprivileged finds a user that is not root.
func unprivileged() (uid, gid uint32, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		return uint32(uid), uint32(gid), errors.Join(err1, err2)
	}
	return 0, 0, errors.New("neither postgres nor nobody is a user here")
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// command prepares a program of PostgreSQL's, run by the unprivileged user.
func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = c.dir, c.cred
	return cmd
}

// start runs the server on a port that is free; another program may take it first.
func (c *Cluster) start(settings []string) error {
	c.settings = settings
	var err error
	for range 10 {
		if c.port == 0 {
			if c.port, err = porttest.Free(); err != nil {
				return err
			}
		}
		if err = c.run(); err == nil {
			return nil
		}
		if !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
		c.port = 0
	}
	return err
}

// run starts the server and waits until it answers.
func (c *Cluster) run() error {
	args := []string{
		"-D", c.data(), "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + c.dir,
		"-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "log_min_messages=warning",
	}
	for _, s := range c.settings {
		args = append(args, "-c", s)
	}
	var log bytes.Buffer // read only when the process has ended
	cmd := c.command("postgres", args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	watch, err := watchman(cmd.Process.Pid)
	if err != nil {
		return err
	}
	for begun := time.Now(); ; {
		if err := ping(c.URL("postgres")); err == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.cmd, c.watch = cmd, watch
			return nil
		} else if time.Since(begun) > patience {
			cmd.Process.Kill()
			return fmt.Errorf("postgres does not answer: %w", err)
		}
		select {
		case <-ended:
			watch.Close()
			return fmt.Errorf("postgres has ended: %s", log.String())
		case <-time.After(20 * time.Millisecond): // nothing tells when it is ready
		}
	}
}

// watchman kills a process when this one has ended, however it did.
func watchman(pid int) (io.Closer, error) {
	cmd := exec.Command("sh", "-c", "cat >/dev/null; kill -9 "+strconv.Itoa(pid))
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go cmd.Wait() // what it says when there is nothing to kill is nobody's business
	return in, nil
}

// URL names a database of the cluster.
func (c *Cluster) URL(database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", superuser, c.port, database)
}

// Port is where it listens on 127.0.0.1.
func (c *Cluster) Port() int { return c.port }

// Database makes an empty database and gives its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", c.made.Add(1))
	Exec(t, c.URL("postgres"), "CREATE DATABASE "+name)
	return c.URL(name)
}

// Standby starts a copy of the running cluster that follows it. With synchronous, the
// first acknowledges a commit when the second has it too.
func (c *Cluster) Standby(t testing.TB, synchronous bool) *Cluster {
	t.Helper()
	s := &Cluster{bin: c.bin}
	if err := s.makeDir(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(s.remove)
	cmd := s.command("pg_basebackup", "--pgdata", s.data(), "--dbname", c.URL("postgres"), "--write-recovery-conf", "--checkpoint", "fast", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v: %s", err, out)
	}
	if err := s.start(nil); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	if synchronous {
		Exec(t, c.URL("postgres"), "ALTER SYSTEM SET synchronous_standby_names = '*'")
		Exec(t, c.URL("postgres"), "SELECT pg_reload_conf()")
	}
	return s
}

// Promote makes a standby the primary.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	Exec(t, c.URL("postgres"), "SELECT pg_promote()")
}

// Exec runs SQL on a database, on a connection of its own.
func Exec(t testing.TB, url, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, text); err != nil {
		t.Fatalf("pgtest: %s: %v", text, err)
	}
}
