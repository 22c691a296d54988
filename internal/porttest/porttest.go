// Package porttest finds ports for servers that tests start again and again.
package porttest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Free gives a port of the loopback interface that nobody uses now. It is none that the
// system would give to somebody else while a server is restarted: what a test of another
// package listens on, or connects from, at that moment.
func Free() (port int, err error) {
	for range 100 {
		port = 10000 + rand.IntN(20000)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

// Address is 127.0.0.1 and a port that is [Free]; the test ends if there is none.
func Address(t testing.TB) string {
	t.Helper()
	port, err := Free()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}
