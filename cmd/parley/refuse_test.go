package main

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/gorilla/websocket"
	_ "modernc.org/sqlite"
)

// refused runs a server that must not start, and gives what it said.
func refused(t *testing.T, wantCode int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var out, errs strings.Builder
	if code := run(ctx, append([]string{"serve"}, args...), &out, &errs); code != wantCode || out.Len() > 0 {
		t.Errorf("%q: exit code %d, want %d; it printed %q", args, code, wantCode, out.String())
	}
	if n := strings.Count(errs.String(), "\n"); n != 1 {
		t.Errorf("%q: the error has %d lines: %s", args, n, errs.String())
	}
	return errs.String()
}

func TestServeRefuses(t *testing.T) {
	dir := t.TempDir()
	running := startParley(t, "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "used"))
	taken := strings.TrimPrefix(running.url, "http://")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		code int
		args []string
		want string
	}{
		"data in use":        {1, []string{"--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "used")}, "is in use by another server; stop that one, or choose another with --data"},
		"port taken":         {1, []string{"--listen", taken, "--data", filepath.Join(dir, "new")}, "can't listen on " + taken},
		"data is a file":     {1, []string{"--listen", "127.0.0.1:0", "--data", file}, "can't be made"},
		"data below a file":  {1, []string{"--listen", "127.0.0.1:0", "--data", filepath.Join(file, "data")}, "can't be made"},
		"all addresses":      {1, []string{"--listen", "0.0.0.0:0", "--data", filepath.Join(dir, "new")}, "access-keys: must be set on a server that others can reach, at 0.0.0.0:0"},
		"no such file":       {1, []string{"--config", filepath.Join(dir, "none.yaml")}, "can't be read"},
		"unknown flag":       {2, []string{"--lisen", "x"}, "unknown flag --lisen"},
		"unknown log level":  {2, []string{"--log-level", "loud"}, "--log-level"},
		"address of nowhere": {1, []string{"--listen", "nowhere"}, "listen:"},
	} {
		if got := refused(t, c.code, c.args...); !strings.Contains(got, c.want) {
			t.Errorf("%s: said %q, want %q", name, got, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !os.IsNotExist(err) {
		t.Error("a server that was refused has made its data directory")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "x" {
		t.Errorf("the file in the way was changed: %q, %v", text, err)
	}
}

func TestServeRefusesDatabases(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, file string)
		want  string
	}{
		"newer": {func(t *testing.T, file string) {
			db, err := sql.Open("sqlite", file)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("PRAGMA user_version = 1000"); err != nil {
				t.Fatal(err)
			}
		}, "newer"},
		"another program's": {func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is not a database"},
		"damaged": {func(t *testing.T, file string) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := 100; i < len(data); i++ {
				data[i] = 0xAA
			}
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is damaged"},
	} {
		data := filepath.Join(t.TempDir(), "data")
		p := startParley(t, "--listen", "127.0.0.1:0", "--data", data)
		_ = p.Process.Signal(syscall.SIGTERM)
		<-p.done
		file := filepath.Join(data, "parley.db")
		c.spoil(t, file)
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := refused(t, 1, "--listen", "127.0.0.1:0", "--data", data); !strings.Contains(got, c.want) {
			t.Errorf("%s: said %q, want %q", name, got, c.want)
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
			t.Errorf("%s: the file was changed (%v)", name, err)
		}
	}
}

// TestDrain interrupts a server with an open websocket.
func TestDrain(t *testing.T) {
	ctx := context.Background()
	p := startParley(t, "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data"))
	_, token := startChat(t, ctx, p.url, "Jane")
	url, err := newClient(token, connectparticipant.Options{}, p.url).connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("the websocket ended with %v, want code 1012", err)
	}
	<-p.done
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := http.Get(p.url); err == nil {
		t.Error("the server still accepts")
	}
}
