package main

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"

	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
	"github.com/parley-chat/parley/internal/pgtest"
)

var (
	mishaps     = flag.Int("mishaps", 15, "how much goes wrong in TestNodes")
	mishapsSeed = flag.Uint64("mishaps-seed", 0, "what goes wrong in TestNodes; 0 is anything")
)

const (
	nodesChats = 3
	// giveUp is when a client asks another node.
	giveUp = 2 * time.Second
)

// TestNodes has customers and agents talk, each call to any of three nodes, on one
// PostgreSQL and three NATS servers, while nodes, NATS and PostgreSQL are killed and
// stopped. What was acknowledged must be there, once, in one order, the same for
// everybody who watched.
func TestNodes(t *testing.T) {
	seed := *mishapsSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-mishaps-seed %d", seed)
	c := startCluster(t, rand.New(rand.NewPCG(seed, 0)))
	ctx, finish := context.WithCancel(context.Background())
	defer finish()
	talk := &talk{acked: make(chan struct{}, 1), client: connectparticipant.Options{
		Retryer: aws.NopRetryer{}, HTTPClient: &http.Client{Timeout: giveUp},
	}}
	for _, n := range c.nodes {
		talk.urls = append(talk.urls, n.url)
	}
	var chats []*talkedChat
	for i := range nodesChats {
		chats = append(chats, talk.start(t, ctx, i))
	}
	for range *mishaps {
		c.mishap(func(acks int) { talk.awaitAcks(t, int64(acks)) })
	}
	talk.awaitAcks(t, burst)
	talk.stop.Store(true)
	talk.senders.Wait()
	for _, c := range chats {
		c.check(t, ctx)
	}
	finish()
	talk.watchers.Wait()
	for _, c := range chats {
		c.checkOrder(t)
	}
	t.Logf("%v; %d acknowledged requests, %d retries", c.happened, talk.acks.Load(), talk.retries.Load())
}

// cluster is a whole installation, and what can happen to it.
type cluster struct {
	*testing.T
	*rand.Rand
	database *pgtest.Cluster
	nats     []*natstest.Server
	nodes    []*process
	args     [][]string // of the nodes
	happened []string
}

func startCluster(t *testing.T, rnd *rand.Rand) *cluster {
	c := &cluster{T: t, Rand: rnd, database: pgtest.Start(t), nats: natstest.Cluster(t, 3)}
	url := c.database.Database(t)
	for range 3 {
		args := []string{
			"--listen", freeAddress(t), "--log-level", "error", "--attachments", "off",
			"--store", url, "--bus", strings.Join(natstest.URLs(c.nats), ","),
			"--token-keys", base64.StdEncoding.EncodeToString(make([]byte, 32)),
		}
		c.args = append(c.args, args)
		c.nodes = append(c.nodes, startParley(t, args...))
	}
	return c
}

// mishap lets something happen, after some requests and for the time of some more.
func (c *cluster) mishap(await func(acks int)) {
	n, pause := c.IntN(3), func() { await(1 + c.IntN(burst)) }
	pause()
	what := [...]string{
		"a node is killed", "a node stops", "NATS is killed", "NATS stops", "all of NATS is killed", "PostgreSQL is killed",
	}[c.IntN(6)]
	c.happened = append(c.happened, fmt.Sprintf("%s %d", what, n))
	switch what {
	case "a node is killed":
		c.nodes[n].kill()
		pause()
		c.nodes[n] = startParley(c.T, c.args[n]...)
	case "a node stops":
		c.signal(n, syscall.SIGSTOP)
		pause()
		c.signal(n, syscall.SIGCONT)
	case "NATS is killed":
		c.nats[n].Kill()
		pause()
		c.nats[n].Restart()
	case "NATS stops":
		c.nats[n].Pause()
		pause()
		c.nats[n].Resume()
	case "all of NATS is killed":
		for _, s := range c.nats {
			s.Kill()
		}
		pause()
		for _, s := range c.nats {
			s.Restart()
		}
	case "PostgreSQL is killed": // without it, nothing goes on
		c.database.Kill(c.T)
		c.database.Restart(c.T)
	}
}

func (c *cluster) signal(node int, s syscall.Signal) {
	c.Helper()
	if err := c.nodes[node].Process.Signal(s); err != nil {
		c.Fatal(err)
	}
}
