package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// service is a running server of somebody else's.
type service struct {
	Process Process
	cmd     *exec.Cmd
	exited  chan error
	log     *tail
}

// launch starts a command.
func launch(cmd *exec.Cmd) (*service, error) {
	s := &service{cmd: cmd, exited: make(chan error, 1), log: &tail{}}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.Process = of(cmd.Process.Pid)
	go func() { s.exited <- cmd.Wait() }()
	return s, nil
}

// until waits for the service to be there.
func (s *service) until(ctx context.Context, there func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond) // nothing tells when it is
	defer tick.Stop()
	for !there() {
		select {
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("%s has ended: %w\n%s", s.cmd.Path, err, s.log)
		case <-ctx.Done():
			return fmt.Errorf("%s is not there: %w\n%s", s.cmd.Path, context.Cause(ctx), s.log)
		case <-tick.C:
		}
	}
	return nil
}

// Stop asks the service to end, and insists after a while.
func (s *service) Stop() error {
	_ = s.cmd.Process.Signal(os.Interrupt) // one that has ended is fine
	timeout := time.NewTimer(stopWait)
	defer timeout.Stop()
	select {
	case <-s.exited:
		return nil
	case <-timeout.C:
		err := s.cmd.Process.Kill()
		<-s.exited
		return errors.Join(fmt.Errorf("%s did not end within %v", s.cmd.Path, stopWait), err)
	}
}

// NATS is a running NATS server of our own.
type NATS struct {
	*service
	URL string
}

// StartNATS starts the server of the version that go.mod names.
func StartNATS(ctx context.Context) (*NATS, error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "-n", "nats-server").Output()
	if err != nil {
		return nil, fmt.Errorf("building nats-server: %w", err)
	}
	s, err := launch(exec.CommandContext(ctx, strings.TrimSpace(string(out)), "--addr", "127.0.0.1", "--port", "-1"))
	if err != nil {
		return nil, err
	}
	n := &NATS{service: s}
	ready := regexp.MustCompile(`Listening for client connections on (\S+)`)
	return n, s.until(ctx, func() bool {
		found := ready.FindStringSubmatch(s.log.String())
		if found != nil {
			n.URL = "nats://" + found[1]
		}
		return found != nil
	})
}

// Postgres is a running PostgreSQL of our own.
type Postgres struct {
	*service
	port, databases int
}

// StartPostgres makes a cluster below a directory and starts it. Its settings are the
// defaults, but for more memory and room for the write-ahead log.
func StartPostgres(ctx context.Context, dir string) (*Postgres, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	cred, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
		cmd.Dir, cmd.SysProcAttr = dir, cred
		return cmd
	}
	data := filepath.Join(dir, "data")
	out, err := command("initdb", "--pgdata", data, "--username", "parley", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-instructions").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	p := &Postgres{}
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	p.service, err = launch(command("postgres", "-D", data, "-p", strconv.Itoa(p.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB"))
	if err != nil {
		return nil, err
	}
	return p, p.until(ctx, func() bool { return p.exec(ctx, "SELECT 1") == nil })
}

// postgresPrograms is the directory of the newest PostgreSQL's programs.
func postgresPrograms() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	version := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return n
	}
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	if len(dirs) > 0 {
		return dirs[0], nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("there is no PostgreSQL here; run scripts/setup.sh, or leave nodes out of -what")
	}
	return filepath.Dir(path), nil
}

// unprivileged gives a directory to a user who is not root, as whom PostgreSQL is run: it
// refuses root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.Chown(dir, uid, gid)); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (p *Postgres) url(database string) string {
	return fmt.Sprintf("postgres://parley@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

func (p *Postgres) exec(ctx context.Context, text string) error {
	conn, err := pgx.Connect(ctx, p.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, text)
	return err
}

// Database makes an empty database and gives its URL. The ones before it are removed.
func (p *Postgres) Database(ctx context.Context) (string, error) {
	if p.databases > 0 {
		if err := p.exec(ctx, fmt.Sprintf("DROP DATABASE bench%d WITH (FORCE)", p.databases)); err != nil {
			return "", err
		}
	}
	p.databases++
	name := fmt.Sprintf("bench%d", p.databases)
	return p.url(name), p.exec(ctx, "CREATE DATABASE "+name)
}

// CPU is the CPU time used so far by all of the server's processes, also those that have
// ended.
func (p *Postgres) CPU() (time.Duration, error) { return familyCPU(p.cmd.Process.Pid) }
