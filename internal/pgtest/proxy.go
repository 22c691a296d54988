package pgtest

import (
	"fmt"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy is a network between a client and a database that can be cut.
type Proxy struct {
	// URL is the database's through the proxy.
	URL string

	listener net.Listener
	target   string

	mu    sync.Mutex
	pairs map[net.Conn]net.Conn // of the client to the server's
	fault Fault
	hit   chan struct{}
	cut   bool
	wg    sync.WaitGroup
}

// Fault is what a proxy does, once.
type Fault int

// The faults.
const (
	None Fault = iota
	// LoseRequest cuts a connection instead of sending what the client has sent.
	LoseRequest
	// LoseReply cuts a connection when the server answers: it has done its work.
	LoseReply
	// LeaveWaiting cuts the client off when its request was sent: the server goes on.
	// Nobody is let in then until Cut(false), as clients ask for what they have begun to
	// be cancelled.
	LeaveWaiting
)

// NewProxy starts a proxy before the database of the URL.
func NewProxy(t testing.TB, database string) *Proxy {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: u.Host, pairs: make(map[net.Conn]net.Conn)}
	u.Host = fmt.Sprint(l.Addr())
	p.URL = u.String()
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.Cut(true)
		p.wg.Wait()
	})
	return p
}

// Arm has the next request or reply suffer the fault; the channel is closed then.
func (p *Proxy) Arm(f Fault) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.hit = f, make(chan struct{})
	return p.hit
}

// Cut ends all connections and refuses new ones, until it is called with false.
func (p *Proxy) Cut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for client, server := range p.pairs {
			client.Close()
			server.Close()
		}
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		if p.cut {
			client.Close()
			server.Close()
		} else {
			p.pairs[client] = server
		}
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(client, server, LoseRequest, client) })
		p.wg.Go(func() { p.pass(server, client, LoseReply, client) })
	}
}

// pass copies what comes from one side to the other.
func (p *Proxy) pass(from, to net.Conn, losing Fault, client net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			break
		}
		if hit := p.take(losing); hit != nil {
			close(hit)
			break
		}
		if _, err := to.Write(buf[:n]); err != nil {
			break
		}
		if losing != LoseRequest {
			continue
		}
		if hit := p.take(LeaveWaiting); hit != nil {
			p.mu.Lock()
			p.cut = true
			p.mu.Unlock()
			client.Close()
			close(hit)
			return // the server's side stays open
		}
	}
	from.Close()
	to.Close()
	p.mu.Lock()
	delete(p.pairs, client)
	p.mu.Unlock()
}

// take gives the channel to close if the fault is to happen now, which it does once.
func (p *Proxy) take(f Fault) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != f {
		return nil
	}
	p.fault = None
	return p.hit
}
