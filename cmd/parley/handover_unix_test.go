//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
)

// handovers is how often the server is replaced.
const handovers = 5

// ask asks for a connection once. It reports whether it was so late with what it had to say,
// on a busy machine, that a server which is to be replaced had given it up: that takes a
// second.
func ask(api *connectparticipant.Client, token string) (late bool, err error) {
	var begun, said atomic.Int64 // in milliseconds
	now := func() int64 { return time.Now().UnixMilli() }
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		ConnectStart: func(string, string) { begun.Store(now()) },
		WroteRequest: func(httptrace.WroteRequestInfo) { said.Store(now()) },
	})
	_, err = api.CreateParticipantConnection(ctx, &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &token, Type: []types.ConnectionType{types.ConnectionTypeWebsocket},
	})
	said.CompareAndSwap(0, now())
	return said.Load()-begun.Load() > 900, err
}

// TestHandover replaces the server by SIGHUP again and again while clients that never
// retry connect anew for every request: none of them is refused.
func TestHandover(t *testing.T) {
	server, started := startWatched(t, "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--log-level", "error")
	ctx := t.Context()
	_, token := startChat(t, ctx, server.url, "Jane")
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			api := connectparticipant.New(connectparticipant.Options{
				Region: "us-east-1", BaseEndpoint: &server.url, Credentials: aws.AnonymousCredentials{},
				Retryer: aws.NopRetryer{}, HTTPClient: once,
			})
			for {
				select {
				case <-stop:
					return
				default:
				}
				if late, err := ask(api, token); err != nil && !late {
					t.Errorf("a request failed while the server was replaced: %v", err)
					return
				}
			}
		})
	}
	for range handovers {
		if err := server.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		select {
		case <-started:
		case <-server.done:
			t.Fatal("the server ended instead of replacing itself")
		}
	}
	close(stop)
	clients.Wait()
}

// What would not start replaces nobody.
func TestHandoverToWhatDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "parley.yaml")
	configure := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("greeting: Hello\n")
	said, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	server, started := startWatchedTo(t, said, "--config", file, "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0")
	configure("greting: Hello\n")
	if err := server.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for limit := time.After(time.Minute); ; {
		text, err := os.ReadFile(said.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "is not replaced") && strings.Contains(string(text), "greting") {
			break
		}
		select {
		case <-started:
			t.Fatal("the server was replaced")
		case <-server.done:
			t.Fatal("the server ended")
		case <-limit:
			t.Fatalf("the server said only %q", text)
		case <-time.After(10 * time.Millisecond):
		}
	}
	startChat(t, t.Context(), server.url, "Jane")
	configure("greeting: Hello again\n")
	if err := server.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-started:
	case <-server.done:
		t.Fatal("the server ended instead of replacing itself")
	}
}

// startWatched starts a server, and tells of every further start in the same process.
func startWatched(t *testing.T, args ...string) (*process, <-chan struct{}) {
	t.Helper()
	return startWatchedTo(t, os.Stderr, args...)
}

func startWatchedTo(t *testing.T, stderr *os.File, args ...string) (*process, <-chan struct{}) {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], append([]string{"serve"}, args...)...), done: make(chan struct{})}
	p.Env = append(os.Environ(), asParley+"=1")
	p.Stderr = stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	urls, again := make(chan string, 1), make(chan struct{}, handovers)
	go func() {
		lines := bufio.NewScanner(out)
		for first := true; lines.Scan(); {
			url, ok := strings.CutPrefix(lines.Text(), "listening on ")
			switch {
			case ok && first:
				first = false
				urls <- url
			case ok:
				again <- struct{}{}
			}
		}
		_ = p.Wait()
		close(p.done)
	}()
	select {
	case p.url = <-urls:
	case <-p.done:
		t.Fatal("the server ended before it listened")
	}
	return p, again
}

// activated is the command of a server to which systemd hands sockets over, from file 3 on.
func activated(t *testing.T, addresses ...string) (cmd *exec.Cmd, first string) {
	t.Helper()
	// The shell knows the pid that the server is going to have.
	cmd = exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" serve --data :memory: --listen 127.0.0.1:1`, os.Args[0])
	cmd.Env = append(os.Environ(), asParley+"=1", fmt.Sprint("LISTEN_FDS=", len(addresses)))
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		t.Cleanup(func() { _ = file.Close() })
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
		if first == "" {
			first = l.Addr().String()
		}
	}
	return cmd, first
}

func TestSocketActivation(t *testing.T) {
	cmd, address := activated(t, "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.ExtraFiles[0].Close()
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	resp, err := (&http.Client{Timeout: time.Minute}).Get("http://" + address + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// What systemd hands over is judged as what the setting listen names: a developer's own
// server, whose key everybody knows, is for this machine alone.
func TestSocketActivationRefused(t *testing.T) {
	for want, addresses := range map[string][]string{
		"access-keys: must be set on a server that others can reach": {"0.0.0.0:0"},
		"systemd has handed over 2 sockets":                          {"127.0.0.1:0", "127.0.0.1:0"},
	} {
		cmd, _ := activated(t, addresses...)
		late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		out, err := cmd.CombinedOutput()
		late.Stop()
		if cmd.ProcessState.ExitCode() != exitFailure || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, and it said %q; want %q", addresses, err, out, want)
		}
	}
}
