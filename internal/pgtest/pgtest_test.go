package pgtest_test

import (
	"os"
	"testing"

	"github.com/parley-chat/parley/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// What was committed survives a crash, and databases are apart.
func TestCluster(t *testing.T) {
	c := pgtest.Start(t)
	a, b := c.Database(t), c.Database(t)
	pgtest.Exec(t, a, "CREATE TABLE t (n INTEGER)")
	pgtest.Exec(t, b, "CREATE TABLE t (n INTEGER)")
	c.Pause(t)
	c.Resume(t)
	c.Kill(t)
	c.Restart(t)
	pgtest.Exec(t, a, "INSERT INTO t VALUES (1)")
	if shared := pgtest.Database(t); shared == a {
		t.Errorf("a cluster of its own is the shared one: %s", shared)
	}
}
