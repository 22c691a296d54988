package natstest

import (
	"net"
	"testing"

	"github.com/nats-io/nats.go"
)

// A server comes back where it was, and a cluster finds together again.
func TestCluster(t *testing.T) {
	servers := Cluster(t, 3)
	url := servers[0].URL
	servers[0].Kill()
	if c, err := nats.Connect(url); err == nil {
		c.Close()
		t.Error("a killed server lets connect")
	}
	servers[0].Restart()
	if servers[0].URL != url {
		t.Errorf("the server moved from %s to %s", url, servers[0].URL)
	}
	Reach(t, servers[1], servers[0])
	Reach(t, servers[0], servers[2])
	servers[1].Pause()
	Reach(t, servers[2], servers[0])
	servers[1].Resume()
	Reach(t, servers[2], servers[1])
}

func TestStart(t *testing.T) {
	s := Start(t, "authorization { token: secret }")
	if _, err := nats.Connect(s.URL); err == nil {
		t.Error("the configuration has no effect")
	}
	c, err := nats.Connect(s.URL, nats.Token("secret"), nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// Somebody else may be faster with an address.
func TestAddressTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := &Server{t: t, name: "alone", dir: t.TempDir(), client: taken.Addr().String()}
	t.Cleanup(s.Kill)
	if s.launch() {
		t.Error("it is ready at an address that is somebody else's")
	}
	s.log = nil // as if it had never been tried
	s.Restart()
	if s.client == taken.Addr().String() {
		t.Error("it has not tried another one")
	}
}
