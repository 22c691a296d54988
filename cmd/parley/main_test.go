package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// asParley makes the test binary behave as the command, so that tests run the real
// thing, in a process of its own, with the race detector if the test has it.
const asParley = "PARLEY_TEST_RUN_MAIN"

// testClock is what the clock of such a command is: a hastyClock.
const testClock = "PARLEY_TEST_CLOCK"

func TestMain(m *testing.M) {
	if how := os.Getenv(testClock); how != "" {
		processClock = parseClock(how)
	}
	if os.Getenv(asParley) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"parley": main, "makechats": makeChats})
}

// process is a running parley.
type process struct {
	*exec.Cmd
	url  string
	done chan struct{} // closed when it has ended
}

// startParley starts a server and waits until it listens.
func startParley(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"serve"}, args...)...)
	cmd.Env = append(os.Environ(), asParley+"=1")
	return startProcess(t, cmd)
}

// startProcess starts a server by a command, and waits until it listens.
func startProcess(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: cmd, done: make(chan struct{})}
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		p.url, _ = strings.CutPrefix(lines.Text(), "listening on ")
	}
	go func() {
		for lines.Scan() {
		}
		_ = p.Wait()
		close(p.done)
	}()
	if p.url == "" {
		t.Fatal("the server ended before it listened")
	}
	return p
}

// kill ends the process at once, as kill -9 does, and waits for its end.
func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.done
}

func TestDemo(t *testing.T) {
	var out, errs strings.Builder
	if code := run(context.Background(), []string{"demo"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s\n%s", code, errs.String(), out.String())
	}
	for _, want := range []string{
		"participant.joined", "MESSAGEMETADATA", "ConflictException", "SUPERVISOR", "chat.ended", "(1 receipt)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo doesn't show %s:\n%s", want, out.String())
		}
	}
}
