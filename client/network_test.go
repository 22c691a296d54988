package client_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// network passes connections on to a server, and fails as networks do.
type network struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	links  map[*link]bool
	opened int
	way    chan struct{} // closed unless the network is cut
	bad    *rand.Rand    // nil unless it is disturbed

	closing chan struct{}
	work    sync.WaitGroup
}

// link is a connection from a client and the one on to the server.
type link struct {
	client, server net.Conn
	hold           chan struct{} // closed while bytes pass; guarded by network.mu
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{listener: ln, links: make(map[*link]bool), way: make(chan struct{}), closing: make(chan struct{})}
	close(n.way)
	n.work.Go(n.accept)
	t.Cleanup(func() {
		ln.Close()
		close(n.closing)
		n.reset()
		n.mend()
		n.work.Wait()
	})
	return n
}

func (n *network) url() string { return "http://" + n.listener.Addr().String() }

// to says where the server is.
func (n *network) to(server string) {
	u, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.target = u.Host
}

func (n *network) accept() {
	for {
		conn, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.work.Go(func() { n.carry(conn) })
	}
}

// carry passes a connection on. New ones wait while the network is cut.
func (n *network) carry(client net.Conn) {
	defer client.Close()
	n.mu.Lock()
	way, target := n.way, n.target
	n.mu.Unlock()
	<-way
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	k := &link{client: client, server: server, hold: make(chan struct{})}
	close(k.hold)
	n.mu.Lock()
	n.links[k] = true
	n.opened++
	n.mu.Unlock()
	n.work.Go(func() {
		n.copy(k, server, client)
		server.(*net.TCPConn).CloseWrite()
	})
	n.copy(k, client, server)
	client.(*net.TCPConn).CloseWrite()
	n.mu.Lock()
	delete(n.links, k)
	n.mu.Unlock()
}

// copy passes bytes on, each time waiting until the link is not frozen.
func (n *network) copy(k *link, to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		got, err := from.Read(buf)
		if err != nil {
			return
		}
		n.mu.Lock()
		hold := k.hold
		n.mu.Unlock()
		<-hold
		delay, again := n.trouble()
		if delay > 0 {
			<-time.After(delay)
		}
		if again && isRequest(buf[:got]) {
			request := bytes.Clone(buf[:got])
			n.work.Go(func() { n.repeat(request, to.RemoteAddr().String()) })
		}
		if _, err := to.Write(buf[:got]); err != nil {
			return
		}
	}
}

// reset drops all connections, as a router that restarts.
func (n *network) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for k := range n.links {
		k.reset()
	}
}

func (k *link) reset() {
	for _, conn := range []net.Conn{k.client, k.server} {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	k.thaw()
}

func (k *link) thaw() {
	select {
	case <-k.hold:
	default:
		close(k.hold)
	}
}

func (k *link) freeze() bool {
	select {
	case <-k.hold:
		k.hold = make(chan struct{})
		return true
	default:
		return false
	}
}

// freeze leaves all connections open, and lets nothing through on them any more: they
// are half-open.
func (n *network) freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for k := range n.links {
		k.freeze()
	}
}

// cut drops all connections; new ones have to wait for mend.
func (n *network) cut() {
	n.mu.Lock()
	n.way = make(chan struct{})
	n.mu.Unlock()
	n.reset()
}

func (n *network) mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.way:
	default:
		close(n.way)
	}
}

// connections counts how many there were.
func (n *network) connections() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.opened
}
