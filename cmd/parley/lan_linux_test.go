package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// lan is a network of hosts of its own on this machine: a bridge, on which the test's
// services have addresses, and a network namespace for each host. What is cut between
// two of its addresses is lost without a word, as on a real network.
type lan struct {
	t      *testing.T
	prefix string // of all its addresses
	bridge string
}

// newLAN makes a network, for a test that runs apart.
func newLAN(t *testing.T) *lan {
	t.Helper()
	n := os.Getpid() % 250
	l := &lan{t: t, prefix: fmt.Sprintf("10.213.%d.", n+1), bridge: fmt.Sprintf("parley%d", n)}
	l.ip("link", "add", l.bridge, "type", "bridge")
	t.Cleanup(func() { l.ip("link", "del", l.bridge) })
	l.ip("link", "set", l.bridge, "up")
	l.ip("addr", "add", l.prefix+"1/24", "dev", l.bridge)
	return l
}

// ip runs iproute2's ip.
func (l *lan) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// service puts an address on the bridge, where what is served on a loopback address of
// the test can be reached by the hosts.
func (l *lan) service(number int, target string) (host string) {
	l.t.Helper()
	host = fmt.Sprint(l.prefix, number)
	l.ip("addr", "add", host+"/32", "dev", l.bridge)
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		l.t.Fatal(err)
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go forward(c, target)
		}
	}()
	return host
}

// forward joins a connection with one to the target, until one of them ends.
func forward(from net.Conn, target string) {
	defer from.Close()
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	both.Wait()
}

// host is a host of a lan.
type host struct {
	lan     *lan
	name    string // of its namespace
	address string
	lost    map[string]bool // addresses that nothing gets to from here
}

func (l *lan) host(number int) *host {
	l.t.Helper()
	h := &host{
		lan: l, name: fmt.Sprintf("%s-%d", l.bridge, number), address: fmt.Sprint(l.prefix, number), lost: make(map[string]bool),
	}
	outside := fmt.Sprintf("%sh%d", l.bridge, number)
	l.ip("netns", "add", h.name)
	l.t.Cleanup(func() { l.ip("netns", "del", h.name) })
	l.ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", h.name)
	l.ip("link", "set", outside, "master", l.bridge, "up")
	h.ip("addr", "add", h.address+"/24", "dev", "eth0")
	h.ip("link", "set", "eth0", "up")
	h.ip("link", "set", "lo", "up")
	return h
}

func (h *host) ip(args ...string) { h.lan.ip(append([]string{"-n", h.name}, args...)...) }

// command is a command that runs on the host, with the process id of what it starts.
func (h *host) command(program string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.name, program}, args...)...)
}

// lose has all that the host sends to the addresses lost.
func (h *host) lose(addresses ...string) {
	for _, a := range addresses {
		if !h.lost[a] {
			h.lost[a] = true
			h.ip("route", "add", "blackhole", a+"/32")
		}
	}
}

// mend ends what lose began.
func (h *host) mend() {
	for a := range h.lost {
		h.ip("route", "del", "blackhole", a+"/32")
	}
	clear(h.lost)
}
