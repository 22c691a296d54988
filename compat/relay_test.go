package compat

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"testing"
)

// relay stands between the clients and the server and passes bytes on. It is the
// network that fails: it can cut the websockets, and lose an answer on its way back.
type relay struct {
	listener net.Listener
	target   string // host:port of the server

	mu      sync.Mutex
	sockets map[*wire]bool
	mended  chan struct{} // closed unless the network is cut
	losing  string        // path of the POST whose answer gets lost; "" for none
}

// wire is a client's TCP connection and the server's end of it.
type wire struct {
	client, server net.Conn
	mu             sync.Mutex
	lose           bool // the next answer gets lost
}

func startRelay(t *testing.T) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	r := &relay{listener: listener, sockets: make(map[*wire]bool), mended: make(chan struct{})}
	close(r.mended)
	return r
}

func (r *relay) url() string { return "http://" + r.listener.Addr().String() }

// serve passes connections on to the server until the listener is closed.
func (r *relay) serve(target string) {
	r.target = target
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.carry(conn)
	}
}

// carry passes one connection on. New websockets wait while the network is cut.
func (r *relay) carry(client net.Conn) {
	defer client.Close()
	first := make([]byte, 64<<10)
	n, err := client.Read(first)
	if err != nil {
		return
	}
	isSocket := bytes.Contains(bytes.ToLower(first[:n]), []byte("\r\nupgrade: websocket\r\n"))
	if isSocket {
		r.mu.Lock()
		mended := r.mended
		r.mu.Unlock()
		<-mended
	}
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	w := &wire{client: client, server: server}
	defer w.reset()
	if isSocket {
		r.mu.Lock()
		r.sockets[w] = true
		r.mu.Unlock()
	}
	go r.back(w)
	for {
		r.mark(w, first[:n])
		if _, err := server.Write(first[:n]); err != nil {
			return
		}
		if n, err = client.Read(first); err != nil {
			return
		}
	}
}

// back passes on what the server sends.
func (r *relay) back(w *wire) {
	defer w.reset()
	buf := make([]byte, 64<<10)
	for {
		n, err := w.server.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		lose := w.lose
		w.mu.Unlock()
		if lose {
			return
		}
		if _, err := w.client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// mark remembers that the answer to this request gets lost, if it is the one.
func (r *relay) mark(w *wire, request []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.losing == "" || !strings.HasPrefix(string(request), "POST "+r.losing+" ") {
		return
	}
	r.losing = ""
	w.mu.Lock()
	w.lose = true
	w.mu.Unlock()
}

// reset drops the connection without a word.
func (w *wire) reset() {
	for _, conn := range []net.Conn{w.client, w.server} {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

// cut drops every websocket; new ones have to wait for mend.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mended = make(chan struct{})
	for w := range r.sockets {
		w.reset()
	}
	clear(r.sockets)
}

// mend lets the waiting websockets through.
func (r *relay) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.mended:
	default:
		close(r.mended)
	}
}

// loseAnswer has the answer to the next POST to path lost, after the server did it.
func (r *relay) loseAnswer(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.losing = path
}
