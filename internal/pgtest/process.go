package pgtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Kill ends all of the server's processes at once, as a crash does.
func (c *Cluster) Kill(t testing.TB) {
	t.Helper()
	if err := c.kill(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

func (c *Cluster) kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	first := c.cmd.Process.Pid
	syscall.Kill(first, syscall.SIGSTOP) // so that it makes no child that family misses
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(time.Millisecond) {
		if fields := stat(statFile(first)); len(fields) == 0 || fields[0] != "R" && fields[0] != "S" && fields[0] != "D" {
			break
		}
	}
	pids := family(first)
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL) // one that has ended by itself is fine
	}
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(5 * time.Millisecond) { // they are others' children
		// Another server would take even what is left of the first process for a server.
		if !anyAlive(pids) && len(stat(statFile(first))) == 0 {
			break
		}
	}
	c.cmd = nil
	return c.watch.Close()
}

// Restart starts the server again after Kill, on the same port; it recovers first.
// Settings replace those of Start, unless there are none.
func (c *Cluster) Restart(t testing.TB, settings ...string) {
	t.Helper()
	if len(settings) == 0 {
		settings = c.settings
	}
	if err := c.start(settings); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// Pause stops all of the server's processes where they are, until Resume.
func (c *Cluster) Pause(t testing.TB) {
	t.Helper()
	c.signal(t, syscall.SIGSTOP)
}

// Resume lets the server go on.
func (c *Cluster) Resume(t testing.TB) {
	t.Helper()
	c.signal(t, syscall.SIGCONT)
}

func (c *Cluster) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		t.Fatal("pgtest: the server does not run")
	}
	for _, pid := range family(c.cmd.Process.Pid) { // the first makes no more children then
		if err := syscall.Kill(pid, s); err != nil && err != syscall.ESRCH {
			t.Fatalf("pgtest: %v", err)
		}
	}
}

// family lists a process and its children, by Linux's /proc.
func family(parent int) []int {
	pids := []int{parent}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		if fields := stat(file); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// stat gives the fields after a process's name: state, parent and so on.
func stat(file string) []string {
	content, _ := os.ReadFile(file)
	_, after, _ := strings.Cut(string(content), ") ")
	return strings.Fields(after)
}

func statFile(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid), "stat") }

func anyAlive(pids []int) bool {
	for _, pid := range pids {
		if fields := stat(statFile(pid)); len(fields) > 0 && fields[0] != "Z" {
			return true
		}
	}
	return false
}

// remove ends the server and removes its files.
func (c *Cluster) remove() {
	c.kill()
	os.RemoveAll(c.dir)
}
