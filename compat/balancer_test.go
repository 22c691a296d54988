package compat

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/proxytest"
)

// balancer is a load balancer: it asks the nodes again and again whether they are ready,
// and gives each request, or each connection, to any of those that are. What a node has
// got stays with it. That a call fails is noted.
type balancer struct {
	listener net.Listener
	whole    bool // each connection goes to one node, whatever is in it

	mu       sync.Mutex
	backends []*backend
	changed  chan struct{} // closed, and made anew, when a backend's readiness changes
	failed   []string      // calls
	connects int           // CreateParticipantConnections that succeeded
}

// backend is a node behind a balancer.
type backend struct {
	address string
	proxy   *httputil.ReverseProxy
	ready   bool
}

// pollEvery is how often a node is asked whether it is ready.
const pollEvery = 50 * time.Millisecond

// startBalancer starts a balancer before no nodes.
func startBalancer(t *testing.T, whole bool) *balancer {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{listener: listener, whole: whole, changed: make(chan struct{})}
	t.Cleanup(func() { listener.Close() })
	if whole {
		go b.accept()
	} else {
		go http.Serve(listener, proxytest.Front(b))
	}
	return b
}

func (b *balancer) url() string { return "http://" + b.listener.Addr().String() }

// add puts a node behind the balancer, which asks it from now on until ctx ends.
func (b *balancer) add(ctx context.Context, address string) {
	k := &backend{address: address, proxy: proxy(address)}
	k.proxy.ModifyResponse = func(r *http.Response) error {
		b.note(r.Request.URL.Path, r.StatusCode)
		return nil
	}
	k.proxy.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		b.fail("%s at %s: %v", r.URL.Path, address, err)
		w.WriteHeader(http.StatusBadGateway)
	}
	b.mu.Lock()
	b.backends = append(b.backends, k)
	b.mu.Unlock()
	go b.ask(ctx, k)
}

// ask keeps what is known of a node's readiness up to date.
func (b *balancer) ask(ctx context.Context, k *backend) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		resp, err := client.Get("http://" + k.address + "/readyz")
		if err == nil {
			resp.Body.Close()
		}
		b.set(k, err == nil && resp.StatusCode == http.StatusOK)
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends = slices.DeleteFunc(b.backends, func(other *backend) bool { return other == k })
}

func (b *balancer) set(k *backend, ready bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k.ready != ready {
		k.ready = ready
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// await waits until n nodes are ready.
func (b *balancer) await(t *testing.T, n int) {
	t.Helper()
	limit := time.After(patience)
	for {
		b.mu.Lock()
		ready, changed := len(b.inRotation()), b.changed
		b.mu.Unlock()
		if ready == n {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%d nodes are ready, want %d", ready, n)
		}
	}
}

// inRotation are the nodes that get something. It is called with mu held.
func (b *balancer) inRotation() (ready []*backend) {
	for _, k := range b.backends {
		if k.ready {
			ready = append(ready, k)
		}
	}
	return ready
}

// choose takes any node that is ready. If there is none it waits for one: the database is
// everybody's, and when a busy machine lets it answer late, no node is ready for a moment.
func (b *balancer) choose() *backend {
	limit := time.After(patience)
	for {
		b.mu.Lock()
		ready, changed := b.inRotation(), b.changed
		b.mu.Unlock()
		if len(ready) > 0 {
			return ready[rand.IntN(len(ready))]
		}
		select {
		case <-changed:
		case <-limit:
			return nil
		}
	}
}

// ServeHTTP implements [http.Handler].
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := b.choose()
	if k == nil {
		b.fail("%s: no node is ready", r.URL.Path)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	k.proxy.ServeHTTP(w, r)
}

// accept passes whole connections on.
func (b *balancer) accept() {
	for {
		client, err := b.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			k := b.choose()
			if k == nil {
				b.fail("no node is ready")
				return
			}
			node, err := net.Dial("tcp", k.address)
			if err != nil {
				b.fail("%v", err)
				return
			}
			defer node.Close()
			splice(client.(*net.TCPConn), node.(*net.TCPConn))
		}()
	}
}

// splice passes on what comes from either side, and how it ends.
func splice(a, b *net.TCPConn) {
	var both sync.WaitGroup
	for _, way := range [][2]*net.TCPConn{{a, b}, {b, a}} {
		both.Go(func() {
			if _, err := io.Copy(way[0], way[1]); err == nil {
				way[0].CloseWrite()
				return
			}
			for _, c := range way {
				c.SetLinger(0)
				c.Close()
			}
		})
	}
	both.Wait()
}

func (b *balancer) note(path string, status int) {
	if status >= http.StatusBadRequest {
		b.fail("%s: status %d", path, status)
		return
	}
	if path == "/participant/connection" {
		b.mu.Lock()
		b.connects++
		b.mu.Unlock()
	}
}

func (b *balancer) fail(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = append(b.failed, fmt.Sprintf(format, args...))
}
