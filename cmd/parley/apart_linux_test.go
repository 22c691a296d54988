package main

import (
	"flag"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// inApart is set in the environment of a test that runs apart.
const inApart = "PARLEY_TEST_APART"

// apart has the test run in a process with a network of its own, and reports whether this
// is that process. Addresses that come and go then disturb nobody: a browser that sees them
// gives up what it is loading. It takes root.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inApart) != "" {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Fatalf("ip link set lo up: %v: %s", err, out)
		}
		return true
	}
	if _, err := exec.LookPath("ip"); os.Geteuid() != 0 || err != nil {
		const why = "a network of its own needs root and iproute2; run the test with both"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	args := []string{"-test.run=^" + t.Name() + "$"}
	flag.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") || slices.Contains([]string{"test.v", "test.short", "test.timeout"}, f.Name) {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), inApart+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// A death of the thread that starts it would count as one of this process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		t.Errorf("apart: %v", err)
	}
	return false
}
