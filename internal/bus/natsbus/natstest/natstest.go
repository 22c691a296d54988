// Package natstest runs real NATS servers for tests: processes of the version that
// go.mod names, on free loopback ports, which can be killed, stopped for a while and
// started again on the same ports.
package natstest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-chat/parley/internal/porttest"
)

// patience bounds every wait; it is only reached when something is broken.
const patience = 3 * time.Minute

// Server is a NATS server. It ends with its test.
type Server struct {
	// URL is where clients reach it, nats://127.0.0.1:port, for as long as it exists.
	URL string

	t         testing.TB
	name      string
	dir       string
	config    string // more lines of its configuration
	clustered bool
	client    string // its addresses
	cluster   string // empty if it is alone
	peers     []string

	cmd   *exec.Cmd // nil while it does not run
	watch *exec.Cmd
	log   *log
}

// Start runs a server by itself. config is more of its configuration file, in the
// language of NATS.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	s := &Server{t: t, name: "alone", dir: t.TempDir(), config: config}
	s.Restart()
	return s
}

// Cluster runs n servers that know each other, and returns when they do.
func Cluster(t testing.TB, n int) []*Server {
	t.Helper()
	var all []*Server
	for i := range n {
		s := &Server{t: t, name: fmt.Sprint("server", i), dir: t.TempDir(), clustered: true}
		for _, other := range all {
			s.peers = append(s.peers, other.cluster)
		}
		s.Restart()
		all = append(all, s)
	}
	for _, s := range all[:n-1] { // so that it finds them after a restart
		for _, other := range all {
			if other != s {
				s.peers = append(s.peers, other.cluster)
			}
		}
	}
	for _, from := range all {
		for _, to := range all {
			if from != to {
				Reach(t, from, to)
			}
		}
	}
	return all
}

// URLs lists those of several servers.
func URLs(servers []*Server) (all []string) {
	for _, s := range servers {
		all = append(all, s.URL)
	}
	return all
}

// Reach returns when messages get from one server of a cluster to another.
func Reach(t testing.TB, from, to *Server) {
	t.Helper()
	source, sink := from.dial(), to.dial()
	defer source.Close()
	defer sink.Close()
	arrived := make(chan *nats.Msg, 1000)
	_, err := sink.ChanSubscribe("natstest", arrived)
	if err == nil {
		err = sink.Flush()
	}
	again := time.NewTicker(20 * time.Millisecond) // until the other knows of the subscription
	defer again.Stop()
	for late := time.After(patience); err == nil; {
		if err = source.Publish("natstest", nil); err == nil {
			err = source.Flush()
		}
		select {
		case <-arrived:
			return
		case <-again.C:
		case <-late:
			t.Fatalf("nothing gets from %s to %s within %v", from.name, to.name, patience)
		}
	}
	t.Fatalf("from %s to %s: %v", from.name, to.name, err)
}

func (s *Server) dial() *nats.Conn {
	s.t.Helper()
	c, err := nats.Connect(s.URL, nats.Timeout(patience), nats.MaxReconnects(-1))
	if err != nil {
		s.t.Fatalf("connecting to %s: %v", s.name, err)
	}
	return c
}

// Kill ends the process at once (SIGKILL), if it runs.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	for _, cmd := range []*exec.Cmd{s.watch, s.cmd} {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // its error is that it was killed
	}
	s.cmd = nil
}

// watchman starts a process that kills another when this one has ended, however it did.
func watchman(pid int) (*exec.Cmd, error) {
	cmd := exec.Command("sh", "-c", "read line; kill -9 "+strconv.Itoa(pid))
	if _, err := cmd.StdinPipe(); err != nil { // it is closed when we end
		return nil, err
	}
	return cmd, cmd.Start()
}

// Pause stops the process without closing anything (SIGSTOP); Resume has it go on.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume has a paused process go on (SIGCONT).
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("%v to %s: %v", sig, s.name, err)
	}
}

// Configure gives the server another configuration from its next start on.
func (s *Server) Configure(config string) { s.config = config }

// Restart starts the server, after killing it if it runs, on the ports that it had, and
// returns when it is ready.
func (s *Server) Restart() {
	s.t.Helper()
	first := s.log == nil
	if s.Kill(); first {
		s.t.Cleanup(s.Kill)
	}
	for range 10 {
		if first {
			s.choose()
		}
		if s.launch() {
			return
		}
	}
	s.t.Fatalf("%s has no port of its own", s.name)
}

// choose chooses the addresses, which others may still take.
func (s *Server) choose() {
	s.t.Helper()
	s.client = porttest.Address(s.t)
	if s.clustered {
		s.cluster = porttest.Address(s.t)
	}
	s.URL = "nats://" + s.client
}

// launch starts the process, and reports whether it is ready. It is not if somebody else
// has one of its addresses.
func (s *Server) launch() bool {
	s.t.Helper()
	file := filepath.Join(s.dir, "nats.conf")
	if err := os.WriteFile(file, []byte(s.configuration()), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(program(s.t), "--config", file)
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		s.watch, err = watchman(cmd.Process.Pid)
	}
	if err != nil {
		s.t.Fatalf("starting %s: %v", s.name, err)
	}
	s.cmd, s.log = cmd, newLog()
	go s.log.read(out)
	if s.log.wait(s.t, `(Server is ready|address already in use)`) == "Server is ready" {
		return true
	}
	s.Kill()
	return false
}

func (s *Server) configuration() string {
	c := fmt.Sprintf("server_name: %s\nlisten: %q\n%s\n", s.name, s.client, s.config)
	if s.cluster != "" {
		c += fmt.Sprintf("cluster {\n name: test\n listen: %q\n routes: [\n", s.cluster)
		for _, p := range s.peers {
			c += fmt.Sprintf("  %q\n", "nats://"+p)
		}
		c += " ]\n}\n"
	}
	return c
}

// program is the path of the server, which is built if need be. go keeps it in its
// cache.
func program(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		out, err := exec.Command("go", "tool", "-n", "nats-server").Output()
		if failed, ok := err.(*exec.ExitError); ok {
			err = fmt.Errorf("%w: %s", err, failed.Stderr)
		}
		binary, buildErr = strings.TrimSpace(string(out)), err
	})
	if buildErr != nil {
		t.Fatalf("building nats-server: %v", buildErr)
	}
	return binary
}

var (
	built    sync.Once
	binary   string
	buildErr error
)

// log is what a server says.
type log struct {
	mu      sync.Mutex
	lines   []string
	ended   bool
	changed chan struct{}
}

func newLog() *log { return &log{changed: make(chan struct{}, 1)} }

func (l *log) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		l.mu.Lock()
		l.lines = append(l.lines, lines.Text())
		l.mu.Unlock()
		l.poke()
	}
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.poke()
}

func (l *log) poke() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// wait gives what the first group of the expression matches, as soon as a line does.
func (l *log) wait(t testing.TB, expression string) string {
	t.Helper()
	re, late := regexp.MustCompile(expression), time.After(patience)
	for {
		l.mu.Lock()
		text, ended := strings.Join(l.lines, "\n"), l.ended
		l.mu.Unlock()
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		if ended {
			t.Fatalf("the server ended before it said %q:\n%s", expression, text)
		}
		select {
		case <-l.changed:
		case <-late:
			t.Fatalf("the server did not say %q within %v:\n%s", expression, patience, text)
		}
	}
}
