package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-chat/parley/internal/porttest"
)

// Pooler starts a pgbouncer before the database of the URL, which gives each
// transaction one of size connections, and gives the URL to use instead.
func Pooler(t testing.TB, url string, size int) string {
	t.Helper()
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		bin = "/usr/sbin/pgbouncer" // not in everybody's PATH
	}
	if _, err := os.Stat(bin); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no pgbouncer here; run scripts/setup.sh")
		}
		t.Skip("there is no pgbouncer here; run scripts/setup.sh, or install it")
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	c := &Cluster{}
	if err := c.makeDir(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(c.dir) })
	port, err := porttest.Free()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	ini := filepath.Join(c.dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
`, config.Port, superuser, port, size)
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	c.bin = filepath.Dir(bin)
	cmd := c.command("pgbouncer", ini)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	pooled := fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", superuser, port, config.Database)
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) { // nothing tells when it is ready
		err := ping(pooled)
		if err == nil {
			return pooled
		}
		if time.Since(begun) > patience {
			cmd.Process.Kill()
			cmd.Wait()
			t.Fatalf("pgbouncer does not answer: %v: %s", err, log.String())
		}
	}
}

// ping connects to a database.
func ping(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
