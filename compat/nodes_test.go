package compat

import (
	"encoding/base64"
	"flag"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/blob/s3blob/s3test"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/proxytest"
)

var nodesSeed = flag.Uint64("nodes-seed", 0, "which node gets which call in TestScenarioOnNodes; 0 is any")

// onNodes are the clients that also play the scenario on several nodes: one that calls by
// itself, and one that reconnects by itself.
var onNodes = []string{"go", "chatjs-browser"}

// Three nodes that share a PostgreSQL database, three NATS servers and an S3 store are to
// clients what one node is, whichever node a call gets to: no two calls of a participant
// need be answered by the same, and sockets of one chat are on different ones.
func TestScenarioOnNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("playing the scenario on several nodes takes a while; leave out -short to do it")
	}
	dependOnSources(t)
	bin := build(t)
	c := &cluster{
		seed: *nodesSeed, bin: bin,
		database: pgtest.Start(t), nats: natstest.Cluster(t, 3), files: s3test.Start(t),
	}
	if c.seed == 0 {
		c.seed = rand.Uint64()
	}
	t.Logf("-nodes-seed %d", c.seed)
	some := slices.DeleteFunc(slices.Clone(clients), func(c client) bool { return !slices.Contains(onNodes, c.name) })
	play(t, bin, some, c.server)
}

// cluster is what the nodes share.
type cluster struct {
	seed     uint64
	bin      string
	database *pgtest.Cluster
	nats     []*natstest.Server
	files    *s3test.Server
}

// server starts three nodes that have a configuration file, a database and a bucket in
// common.
func (c *cluster) server(t *testing.T) *server {
	s := newServer(t)
	settings := c.settings(t)
	settings["blobs"] = c.files.URL(c.files.Bucket(t, "*"), "") // the pages have an origin of their own
	file := s.config(settings)
	env := append(os.Environ(), "AWS_ACCESS_KEY_ID="+s3test.AccessKey, "AWS_SECRET_ACCESS_KEY="+s3test.SecretKey)
	for range 3 {
		s.run(c.bin, env, "--config", file)
	}
	s.front = newFront(s.nodes, c.seed)
	before := httptest.NewServer(proxytest.Front(s.front))
	t.Cleanup(func() {
		before.CloseClientConnections()
		before.Close()
		t.Logf("calls to each node: %v", s.front.calls)
	})
	go s.relay.serve(before.Listener.Addr().String())
	return s
}

// settings are those of nodes that share a database and NATS.
func (c *cluster) settings(t *testing.T) map[string]any {
	return map[string]any{
		"store":      c.database.Database(t),
		"bus":        strings.Join(natstest.URLs(c.nats), ","),
		"token-keys": []string{base64.StdEncoding.EncodeToString(make([]byte, 32))},
	}
}

// front is a load balancer that keeps nobody with a node: each call goes to any of them,
// and each websocket to the one after that of the last.
type front struct {
	proxies []*httputil.ReverseProxy

	mu      sync.Mutex
	rnd     *rand.Rand
	sockets int
	pinned  bool  // all go to the first
	calls   []int // that each node has had
}

func newFront(nodes []string, seed uint64) *front {
	f := &front{rnd: rand.New(rand.NewPCG(seed, 0)), calls: make([]int, len(nodes))}
	for _, node := range nodes {
		f.proxies = append(f.proxies, proxy(node))
	}
	return f
}

// proxy passes requests on to a node.
func proxy(node string) *httputil.ReverseProxy {
	target := &url.URL{Scheme: "http", Host: node}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the Connect API's calls are signed with it
		},
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 10},
	}
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.choose(r.Header.Get("Upgrade") != "").ServeHTTP(w, r)
}

func (f *front) choose(socket bool) http.Handler {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.rnd.IntN(len(f.proxies))
	if socket {
		f.sockets++
		n = f.sockets % len(f.proxies)
	}
	if f.pinned {
		n = 0
	}
	f.calls[n]++
	return f.proxies[n]
}

// pin has all calls go to the first node, or to any again.
func (f *front) pin(pinned bool) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pinned = pinned
}
