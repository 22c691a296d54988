package main

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/blob/s3blob/s3test"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/store/sqlstore"
)

var (
	chaosTime = flag.Duration("chaos", 20*time.Second, "how long TestChaos does harm")
	chaosSeed = flag.Uint64("chaos-seed", 0, "what harm TestChaos does; 0 is any")
)

const (
	chaosNodes, chaosServers, chaosChats = 3, 3, 2
	// giveUp is when a client asks another node.
	giveUp = 2 * time.Second
	// recovery is how long everybody may take to recover from what was done to them, on a
	// machine that has much else to do.
	recovery = 3 * time.Minute
)

// TestChaos has chats begin, wait in queues, be served, transferred, fall silent and end over
// three nodes with three NATS servers and one PostgreSQL, each call on any of the nodes,
// while processes are killed and paused, the network is cut and clocks differ. Nothing that
// was acknowledged may be missing or there twice; everybody must have been told the same,
// once, in one order, and nothing after the end. What is to happen by itself happens once,
// and soon, whatever became of the node that knew of it; no chat has two agents who were
// given it.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("chaos takes a while; leave out -short to have it")
	}
	if !apart(t) {
		return
	}
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-chaos-seed %d", seed)
	c := newChaos(t, rand.New(rand.NewPCG(seed, 0)))
	var urls []string
	for i := range c.nodes {
		c.start(i)
		urls = append(urls, c.url(i))
	}
	ctx, finish := context.WithCancel(context.Background())
	defer finish()
	crowd := newCrowd(t, ctx, c.clock, urls)
	for i := range chaosChats {
		crowd.begin(fmt.Sprint("served ", i), crowd.served)
		crowd.begin(fmt.Sprint("alone ", i), crowd.alone)
		crowd.begin(fmt.Sprint("silent ", i), crowd.silent)
		crowd.begin(fmt.Sprint("queued ", i), crowd.queued)
	}
	crowd.awaitAcks(burst)
	c.doHarm(*chaosTime)
	c.heal()
	crowd.awaitAcks(burst)
	crowd.finish()
	c.check(crowd.past)
	t.Logf("%v; %d chats, %d acknowledged requests, %d retries, at most %v without an answer",
		c.done, len(crowd.past), crowd.acks.Load(), crowd.retries.Load(), crowd.quiet.Round(time.Millisecond))
	t.Log(crowd.kept)
	if t.Failed() {
		t.Logf("repeat it with: go test ./cmd/parley -run TestChaos -chaos %v -chaos-seed %d", *chaosTime, seed)
	}
}

// check compares what people were told with what is stored.
func (c *chaos) check(past []*conversation) {
	c.Helper()
	st, err := sqlstore.OpenPostgres(context.Background(), c.database, sqlstore.Options{})
	if err != nil {
		c.Fatal(err)
	}
	defer st.Close()
	for _, k := range past {
		k.check(st)
	}
}

// chaos is the cluster, and the harm that is done to it.
type chaos struct {
	*testing.T
	rand  *rand.Rand
	clock hastyClock
	lan   *lan
	hosts []*host
	nodes []*process
	nats  []*natstest.Server
	pg    *pgtest.Cluster
	env   []string
	args  [][]string

	database string // as the test reaches it

	natsHosts []string // as the nodes reach them
	pgHost    string
	done      map[string]int // harm, by kind
}

func newChaos(t *testing.T, rnd *rand.Rand) *chaos {
	c := &chaos{
		T: t, rand: rnd, clock: newHastyClock(), lan: newLAN(t), pg: pgtest.Start(t), nats: natstest.Cluster(t, chaosServers),
		done: make(map[string]int),
	}
	var buses []string
	for i, s := range c.nats {
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		c.natsHosts = append(c.natsHosts, c.lan.service(21+i, u.Host))
		buses = append(buses, "nats://"+net.JoinHostPort(c.natsHosts[i], u.Port()))
	}
	c.pgHost = c.lan.service(31, fmt.Sprintf("127.0.0.1:%d", c.pg.Port()))
	c.database = c.pg.Database(t)
	store := strings.Replace(c.database, "127.0.0.1", c.pgHost, 1)
	file := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(file, []byte(queues()+"flows:\n"+ticking()+queueing()), 0o600); err != nil {
		t.Fatal(err)
	}
	blobs := c.files()
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	c.nodes = make([]*process, chaosNodes)
	for i := range chaosNodes {
		h := c.lan.host(11 + i)
		c.hosts = append(c.hosts, h)
		c.args = append(c.args, []string{
			"--listen", h.address + ":8080", "--public-url", "http://" + h.address + ":8080",
			"--access-keys", "parley:parley", "--token-keys", key, "--log-level", "error",
			"--config", file, "--blobs", blobs, "--store", store, "--bus", strings.Join(buses, ","),
		})
	}
	return c
}

// files starts a store of files, and gives its URL for nodes. Nobody does it any harm.
func (c *chaos) files() string {
	c.Helper()
	s := s3test.Start(c.T)
	c.env = []string{"AWS_ACCESS_KEY_ID=" + s3test.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s3test.SecretKey}
	u, err := url.Parse(s.URL(s.Bucket(c.T), ""))
	if err != nil {
		c.Fatal(err)
	}
	q := u.Query()
	endpoint, err := url.Parse(q.Get("endpoint"))
	if err != nil {
		c.Fatal(err)
	}
	q.Set("public-endpoint", q.Get("endpoint"))
	q.Set("endpoint", "http://"+net.JoinHostPort(c.lan.service(41, endpoint.Host), endpoint.Port()))
	u.RawQuery = q.Encode()
	return u.String()
}

func (c *chaos) url(i int) string { return "http://" + c.hosts[i].address + ":8080" }

// maxOff is how much the clocks of nodes are wrong, as they count time.
const maxOff = 20 * time.Second

// start starts a node, whose clock is right, so that nodes look for the same deadlines at
// the same time, or some seconds off.
func (c *chaos) start(i int) {
	c.Helper()
	cmd := c.hosts[i].command(os.Args[0], append([]string{"serve"}, c.args[i]...)...)
	clock := c.clock
	if c.rand.IntN(3) == 0 {
		clock.off += time.Duration(c.rand.Int64N(2*int64(maxOff))) - maxOff
	}
	cmd.Env = append(append(os.Environ(), c.env...), asParley+"=1", fmt.Sprintf("%s=%v", testClock, clock))
	c.nodes[i] = startProcess(c.T, cmd)
}

// doHarm does one thing after the other, and undoes it a little later.
func (c *chaos) doHarm(for_ time.Duration) {
	kinds := []struct {
		name string
		do   func(time.Duration)
	}{
		{"a node killed", c.killNode}, {"a node killed", c.killNode}, {"a node paused", c.pauseNode},
		{"a NATS server killed", c.killNATS}, {"a NATS server paused", c.pauseNATS}, {"all of NATS killed", c.killAllNATS},
		{"PostgreSQL killed", c.killPostgres}, {"PostgreSQL paused", c.pausePostgres}, {"slow disks", c.slowDisks},
		{"a node cut off NATS", c.cutNATS}, {"a node cut off PostgreSQL", c.cutPostgres}, {"half of the nodes cut off", c.cutHalf},
	}
	for end := time.Now().Add(for_); time.Now().Before(end) && !c.Failed(); {
		k := kinds[c.rand.IntN(len(kinds))]
		c.done[k.name]++
		k.do(time.Duration(100+c.rand.IntN(2000)) * time.Millisecond)
		c.wait(time.Duration(c.rand.IntN(500)) * time.Millisecond)
	}
}

// wait lets the harm last: how long is part of what the seed decides.
func (c *chaos) wait(d time.Duration) { <-time.After(d) }

func (c *chaos) node() int { return c.rand.IntN(chaosNodes) }

func (c *chaos) killNode(d time.Duration) {
	i := c.node()
	c.nodes[i].kill()
	c.wait(d)
	c.start(i)
}

func (c *chaos) pauseNode(d time.Duration) {
	i := c.node()
	_ = c.nodes[i].Process.Signal(syscall.SIGSTOP)
	c.wait(d)
	_ = c.nodes[i].Process.Signal(syscall.SIGCONT)
}

func (c *chaos) killNATS(d time.Duration) {
	s := c.nats[c.rand.IntN(chaosServers)]
	s.Kill()
	c.wait(d)
	s.Restart()
}

func (c *chaos) killAllNATS(d time.Duration) {
	for _, s := range c.nats {
		s.Kill()
	}
	c.wait(d)
	for _, s := range c.nats {
		s.Restart()
	}
}

func (c *chaos) pauseNATS(d time.Duration) {
	s := c.nats[c.rand.IntN(chaosServers)]
	s.Pause()
	c.wait(d)
	s.Resume()
}

func (c *chaos) killPostgres(d time.Duration) {
	c.pg.Kill(c)
	c.wait(d)
	c.pg.Restart(c)
}

func (c *chaos) pausePostgres(d time.Duration) {
	c.pg.Pause(c)
	c.wait(d)
	c.pg.Resume(c)
}

// slowDisks has each commit take 50 ms longer.
func (c *chaos) slowDisks(d time.Duration) {
	set := func(delay string) {
		u := c.pg.URL("postgres")
		pgtest.Exec(c, u, "ALTER SYSTEM SET commit_delay = "+delay)
		pgtest.Exec(c, u, "ALTER SYSTEM SET commit_siblings = 0")
		pgtest.Exec(c, u, "SELECT pg_reload_conf()")
	}
	set("50000")
	c.wait(d)
	set("0")
}

func (c *chaos) cutNATS(d time.Duration) { c.cut(d, c.natsHosts, c.node()) }

func (c *chaos) cutPostgres(d time.Duration) { c.cut(d, []string{c.pgHost}, c.node()) }

// cutHalf cuts two of three nodes off everything but their clients.
func (c *chaos) cutHalf(d time.Duration) {
	i := c.node()
	c.cut(d, append([]string{c.pgHost}, c.natsHosts...), i, (i+1)%chaosNodes)
}

func (c *chaos) cut(d time.Duration, from []string, nodes ...int) {
	for _, i := range nodes {
		c.hosts[i].lose(from...)
	}
	c.wait(d)
	for _, i := range nodes {
		c.hosts[i].mend()
	}
}

// heal waits until every node is ready.
func (c *chaos) heal() {
	for i := range c.nodes {
		limit := time.After(recovery)
		for {
			resp, err := (&http.Client{Timeout: 5 * time.Second}).Get(c.url(i) + "/readyz")
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
			}
			select {
			case <-limit:
				c.Fatalf("node %d is not ready: %v", i, err)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}
