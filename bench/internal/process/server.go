// Package process runs the server to be measured and reads, from Linux's /proc, what
// a process uses.
package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// listening starts the line with which the server says where it listens.
const listening = "listening on "

// Bounds of starting and stopping a server.
const (
	startWait = 20 * time.Second
	stopWait  = 20 * time.Second
)

// InMemory is the --data that keeps nothing.
const InMemory = ":memory:"

// Server is a running parley of our own.
type Server struct {
	URL     string // "http://127.0.0.1:PORT"
	Process Process
	cmd     *exec.Cmd
	exited  chan error
	log     *tail
}

// Start runs "program serve" until it says where it listens. data is a directory or
// InMemory. Further arguments
// come after those of "serve".
func Start(ctx context.Context, program, data string, arguments ...string) (*Server, error) {
	arguments = append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data}, arguments...)
	s := &Server{cmd: exec.CommandContext(ctx, program, arguments...), exited: make(chan error, 1), log: &tail{}}
	s.cmd.Env = environment()
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.Process = of(s.cmd.Process.Pid)
	address := make(chan string, 1)
	go func() {
		readAddress(out, address)
		s.exited <- s.cmd.Wait() // only after all of out was read
	}()
	timeout := time.NewTimer(startWait)
	defer timeout.Stop()
	select {
	case s.URL = <-address:
		return s, nil
	case err := <-s.exited:
		return nil, fmt.Errorf("the server ended before it listened: %w\n%s", err, s.log)
	case <-timeout.C:
		return nil, errors.Join(fmt.Errorf("the server does not say %q within %v\n%s", listening, startWait, s.log), s.kill())
	}
}

// environment is ours without the settings of a server: the figures are those of the
// defaults.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PARLEY_") {
			env = append(env, v)
		}
	}
	return env
}

// readAddress reads what the server prints, to its end, and passes on the address.
func readAddress(out io.Reader, address chan<- string) {
	lines := bufio.NewScanner(out)
	for found := false; lines.Scan(); {
		_, after, ok := strings.Cut(lines.Text(), listening)
		if ok && !found {
			found = true
			address <- strings.TrimSuffix(strings.TrimSpace(after), "/")
		}
	}
}

// Log is the last of what the server wrote to its standard error.
func (s *Server) Log() string { return s.log.String() }

// Stop asks the server to end and waits for it.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return errors.Join(err, s.kill())
	}
	timeout := time.NewTimer(stopWait)
	defer timeout.Stop()
	select {
	case err := <-s.exited:
		if err != nil {
			return fmt.Errorf("the server ended with %w\n%s", err, s.log)
		}
		return nil
	case <-timeout.C:
		return errors.Join(fmt.Errorf("the server does not end within %v", stopWait), s.kill())
	}
}

func (s *Server) kill() error {
	err := s.cmd.Process.Kill()
	<-s.exited
	return err
}

// tail keeps the last of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 4 << 10

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if extra := len(t.b) - tailSize; extra > 0 {
		t.b = append(t.b[:0], t.b[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// Build makes bin/parley in the module's directory, as the Makefile does, and
// returns its path.
func Build(ctx context.Context, root string) (string, error) {
	program := filepath.Join(root, "bin", "parley")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "./cmd/parley")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/parley: %w\n%s", err, out)
	}
	return program, nil
}

// ModuleRoot is the directory of our go.mod.
func ModuleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	path := string(bytes.TrimSpace(out))
	if filepath.Base(path) != "go.mod" {
		return "", errors.New("run the benchmark from within the module, or name a server with -parley")
	}
	return filepath.Dir(path), nil
}
