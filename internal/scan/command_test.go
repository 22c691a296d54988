//go:build unix

package scan_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/scan"
)

// The test binary is the scanner when its first argument is "scanner".
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "scanner" {
		os.Exit(scanner(os.Args[2], os.Args[3], os.Args[len(os.Args)-1]))
	}
	os.Exit(m.Run())
}

// scanner does what its mode says, with what it is about.
func scanner(mode, about, path string) int {
	switch mode {
	case "scan":
		return scanFile(path)
	case "say": // without reading anything
		fmt.Print(about)
	case "exit":
		fmt.Fprintln(os.Stderr, about)
		return 3
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "flood":
		for {
			if _, err := os.Stdout.WriteString(strings.Repeat("x", 4096)); err != nil {
				return 1
			}
		}
	case "environment":
		for _, v := range os.Environ() {
			fmt.Fprintln(os.Stderr, v)
		}
		return 1
	case "leave": // a child that holds the output
		if err := child("hang", about); err != nil {
			return 1
		}
		c, err := net.Dial("tcp", about)
		if err != nil {
			return 1
		}
		_, _ = c.Read(make([]byte, 1)) // until the child is there too
		fmt.Print(`{"Status":"APPROVED"}`)
	case "family":
		if err := child("hang", about); err != nil {
			return 1
		}
		return hang(about)
	case "hang":
		return hang(about)
	}
	return 0
}

// scanFile finds the virus, and tells what it was told in a file beside it.
func scanFile(path string) int {
	told, err := io.ReadAll(os.Stdin)
	if err != nil {
		return 1
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return 1
	}
	status := "APPROVED"
	if strings.Contains(string(content), "EICAR") {
		status = "REJECTED"
	}
	info, err := os.Stat(path)
	if err != nil {
		return 1
	}
	fmt.Fprintln(os.Stderr, info.Mode())
	if err := os.WriteFile(path+".told", told, 0o600); err != nil {
		return 1
	}
	fmt.Printf(`{"Status":%q}`, status)
	return 0
}

// child starts this program once more, with the same output.
func child(mode, about string) error {
	cmd := exec.Command(os.Args[0], "scanner", mode, about)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Start()
}

// hang reports to an address, and waits for ever.
func hang(address string) int {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, c)
	return 1
}

func (w *world) command(mode, about string) *scan.Command {
	w.Helper()
	s, err := scan.NewCommand([]string{os.Args[0], "scanner", mode, about}, w.config)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func TestCommandAnswers(t *testing.T) {
	w := newWorld(t)
	r := w.attach(clean)
	for _, a := range answers {
		if len(a.text) < 1000 { // see flood
			w.want(w.command("say", a.text), r, a.approved, a.kind, a.says)
		}
	}
	w.gone(w.command("say", `{"Status":"APPROVED"}`))
}

// The command is told all about the file, and gets a copy that is gone afterwards.
func TestCommandRequest(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	w := newWorld(t)
	for content, approved := range map[string]bool{clean: true, virus: false} {
		r := w.attach(content)
		w.want(w.command("scan", "; touch x"), r, approved, nil, "")
		left, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
		if err != nil || len(left) != 1 || !strings.HasSuffix(left[0], ".told") {
			t.Fatalf("%v is left, %v; want what the scanner has written, only", left, err)
		}
		told, err := os.ReadFile(left[0])
		if err != nil {
			t.Fatal(err)
		}
		var got message
		if err := json.Unmarshal(told, &got); err != nil {
			t.Fatal(err)
		}
		w.wantMessage(got, r)
		if at := got.File.FileLocation; at.Path+".told" != left[0] || at.Url != "" {
			t.Errorf("the scanner was told %+v; want the path of its copy, %s", at, left[0])
		}
		if err := os.Remove(left[0]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCommandFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("PARLEY_TEST_SECRET", "s3cret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
	w := newWorld(t)
	r := w.attach(clean)
	w.want(w.command("exit", "out of signatures"), r, false, scan.ErrRetry, "exit status 3: out of signatures")
	w.want(w.command("exit", strings.Repeat("x", 5000)), r, false, scan.ErrRetry, strings.Repeat("x", 500))
	w.want(w.command("die", ""), r, false, scan.ErrRetry, "signal: killed")
	w.want(w.command("flood", ""), r, false, scan.ErrFinal, "more than 65536 bytes")
	if _, err := w.command("environment", "").Scan(t.Context(), r); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the command knows Parley's secrets: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// A program that is there when the server starts may be gone, or broken, later.
func TestCommandGone(t *testing.T) {
	w := newWorld(t)
	r := w.attach(clean)
	program := filepath.Join(t.TempDir(), "scanner")
	write := func(text string, mode os.FileMode) {
		if err := os.WriteFile(program, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("#!/bin/sh\n", 0o700)
	s, err := scan.NewCommand([]string{program}, w.config)
	if err != nil {
		t.Fatal(err)
	}
	write("\x7fELF nonsense", 0o700)
	w.want(s, r, false, scan.ErrFinal, "exec format error")
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	w.want(s, r, false, scan.ErrFinal, "no such file")
}

// listen accepts the processes of a command that reports to it.
func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// ends waits until a process that has reported is no more.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(c).ReadByte(); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a process of the scanner's lives on")
	}
}

// A command that is given up leaves nobody behind.
func TestCommandIsKilledWithItsChildren(t *testing.T) {
	w := newWorld(t)
	r := w.attach(clean)
	ln := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	family := make(chan net.Conn, 2)
	go func() {
		for range 2 {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			family <- c
		}
		cancel() // both are there
	}()
	approved, err := w.command("family", ln.Addr().String()).Scan(ctx, r)
	if approved || !errors.Is(err, context.Canceled) {
		t.Errorf("Scan = %v, %v; want %v", approved, err, context.Canceled)
	}
	for range 2 {
		ends(t, <-family)
	}
}

func TestCommandHangs(t *testing.T) {
	w := newWorld(t)
	w.config.Timeout = 300 * time.Millisecond
	r := w.attach(clean)
	w.want(w.command("family", listen(t).Addr().String()), r, false, scan.ErrRetry, "has not answered within 300ms")
}

// What a command has answered counts, even if it leaves somebody behind who holds its
// output; that one is ended.
func TestCommandLeavesAChild(t *testing.T) {
	w := newWorld(t)
	r := w.attach(clean)
	ln := listen(t)
	family := make(chan net.Conn, 2)
	go func() {
		var both []net.Conn
		for range 2 {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			both = append(both, c)
		}
		for _, c := range both {
			_, _ = c.Write([]byte("!"))
			family <- c
		}
	}()
	w.want(w.command("leave", ln.Addr().String()), r, true, nil, "")
	for range 2 {
		ends(t, <-family)
	}
}
