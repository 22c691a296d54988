package socket

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/socket/frame"
	"github.com/parley-chat/parley/internal/wire"
)

// BenchmarkFanOut sends messages of 400 bytes into one chat; each is delivered to all
// its sockets, and the clients in this process read them. An operation is a message.
func BenchmarkFanOut(b *testing.B) {
	for _, participants := range []int{1, 2, 6} {
		b.Run(fmt.Sprint(participants, "x5"), func(b *testing.B) {
			w := newWorld(b, Config{QueueFrames: 1 << 30, QueueBytes: 1 << 40})
			who := w.start()
			people := []member{who}
			for len(people) < participants {
				people = append(people, w.add(who.chat, chat.Agent))
			}
			var clients []*client
			for _, p := range people {
				for range 5 {
					clients = append(clients, w.join(p))
				}
			}
			done := make(chan error)
			for _, c := range clients {
				go func() { done <- drainUntil(c.NetConn(), "the last one") }()
			}
			body := strings.Repeat("x", 400)
			b.ReportAllocs()
			for b.Loop() {
				w.say(who, body)
			}
			w.say(who, "the last one")
			for range clients {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(clients)), "µs/delivery")
		})
	}
}

// drainUntil reads bytes until a text comes by.
func drainUntil(r io.Reader, text string) error {
	buf, n := make([]byte, 64<<10), 0
	for {
		m, err := r.Read(buf[n:])
		if err != nil {
			return err
		}
		n += m
		if strings.Contains(string(buf[:n]), text) {
			return nil
		}
		n = copy(buf, buf[max(0, n-len(text)):n])
	}
}

func BenchmarkItemFrame(b *testing.B) {
	it := wire.Item{
		AbsoluteTime: "2021-09-08T13:28:24.656Z", Content: strings.Repeat(`say "hi" `, 20), ContentType: "text/plain",
		Id: "333333333-be0d-4a44-889d-d2a86fc06f0c", Type: "MESSAGE", ParticipantId: "bbbbbbbb-c562-4d95-b76c-dcbca8b4b5f7",
		DisplayName: "Jane", ParticipantRole: "CUSTOMER", InitialContactId: "33333333-abc5-46db-9ad5-d772559ab556",
		ContactId: "33333333-abc5-46db-9ad5-d772559ab556",
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := frame.Item(it); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, f := range []string{`{"topic":"aws/heartbeat"}`, `{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`} {
		b.Run(f[10:21], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := frame.Parse([]byte(f)); !ok {
					b.Fatal("not understood")
				}
			}
		})
	}
}

var idle = flag.Int("idle", 0, "how many idle sockets TestIdleMemory opens; 0 skips it")

// clientsEnv makes the test binary the clients of TestIdleMemory: its value is the
// URL to be opened.
const clientsEnv = "SOCKET_TEST_CLIENTS"

func TestMain(m *testing.M) {
	if os.Getenv(clientsEnv) != "" {
		if err := beClients(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestIdleMemory says how much memory an idle socket takes: with -idle=10000, one
// socket each of 10,000 participants of 5,000 chats, with its clients in another
// process. It first measures open sockets, then the same ones subscribed, which
// includes what the node keeps of their chats.
func TestIdleMemory(t *testing.T) {
	if *idle == 0 {
		t.Skip("asked for with -idle=10000")
	}
	w := newWorld(t, Config{})
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), clientsEnv+"="+w.base)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for range *idle / 2 {
		who := w.start()
		agent := w.add(who.chat, chat.Agent)
		urls = append(urls, w.url(who), w.url(agent))
	}
	before := rss(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, strings.Join(urls, "\n"))
	fmt.Fprintln(in, "subscribe")
	lines := bufio.NewScanner(out)
	for _, step := range []string{"open", "subscribed"} {
		if !lines.Scan() {
			t.Fatal("the clients are gone")
		}
		raw := rss(t)
		debug.FreeOSMemory()
		after := rss(t)
		n := float64(w.server.Stats().Open)
		t.Logf("%.0f sockets %s: %.1f KiB each after a collection, %.1f before", n, step, (after-before)/n, (raw-before)/n)
		fmt.Fprintln(in)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	_ = w.server.Drain(context.Background())
}

// rss is the resident memory of this process in KiB.
func rss(t *testing.T) float64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("there is no /proc here")
	}
	pages, err := strconv.Atoi(strings.Fields(string(status))[1])
	if err != nil {
		t.Fatal(err)
	}
	return float64(pages*os.Getpagesize()) / 1024
}

// beClients opens a socket for each line of standard input, and subscribes them all
// when it is told to; it holds each step until there is another line.
func beClients() error {
	in := bufio.NewScanner(os.Stdin)
	var conns []net.Conn
	for in.Scan() && in.Text() != "subscribe" {
		conn, err := handshake(in.Text(), len(conns))
		if err != nil {
			return err
		}
		conns = append(conns, conn)
	}
	fmt.Println("open")
	in.Scan()
	const (
		subscribe = `{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`
		heartbeat = `{"topic":"aws/heartbeat"}`
	)
	frame := append([]byte{0x81, 0x80 | byte(len(subscribe)), 0, 0, 0, 0}, subscribe...)
	for _, conn := range conns {
		if _, err := conn.Write(frame); err != nil {
			return err
		}
		if err := drainUntil(conn, "participant.joined"); err != nil {
			return err
		}
	}
	frame = append([]byte{0x81, 0x80 | byte(len(heartbeat)), 0, 0, 0, 0}, heartbeat...)
	for _, conn := range conns {
		if _, err := conn.Write(frame); err != nil {
			return err
		}
		if err := drainUntil(conn, heartbeat); err != nil {
			return err
		}
	}
	fmt.Println("subscribed")
	in.Scan()
	return nil
}

// handshake opens a websocket from one of several addresses.
func handshake(address string, i int) (net.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%4))}
	conn, err := (&net.Dialer{LocalAddr: from, Timeout: 10 * time.Second}).Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n", u.RequestURI(), u.Host)
	if err != nil {
		return nil, err
	}
	return conn, drainUntil(conn, "\r\n\r\n")
}
