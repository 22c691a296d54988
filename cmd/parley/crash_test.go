package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"

	"github.com/parley-chat/parley/internal/porttest"
)

var kills = flag.Int("kills", 100, "how often TestCrash kills the server")

const (
	crashChats = 4
	// burst is the largest number of acknowledged requests between two kills.
	burst = 60
	// crashPatience is for what only a failure takes.
	crashPatience = 3 * time.Minute
)

// TestCrash kills the server again and again while customers and agents talk. What was
// acknowledged must be there, once, in one order, the same for everybody who watched.
func TestCrash(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	args := []string{"--listen", porttest.Address(t), "--data", filepath.Join(t.TempDir(), "data"), "--log-level", "error"}
	server := startParley(t, args...)

	ctx, finish := context.WithCancel(context.Background())
	defer finish()
	talk := &talk{urls: []string{server.url}, client: connectparticipant.Options{Retryer: aws.NopRetryer{}}, acked: make(chan struct{}, 1)}
	var chats []*talkedChat
	for i := range crashChats {
		chats = append(chats, talk.start(t, ctx, i))
	}
	for range *kills {
		talk.awaitAcks(t, int64(1+rnd.IntN(burst)))
		server.kill()
		server = startParley(t, args...)
	}
	talk.awaitAcks(t, burst)
	talk.stop.Store(true) // everybody finishes the request they are at
	talk.senders.Wait()
	for _, c := range chats {
		c.check(t, ctx)
	}
	finish()
	talk.watchers.Wait()
	for _, c := range chats {
		c.checkOrder(t)
	}
	t.Logf("%d kills, %d acknowledged requests, %d retries", *kills, talk.acks.Load(), talk.retries.Load())
}

// talk is the load: some chats whose people send as fast as they are answered.
type talk struct {
	urls              []string // of the nodes
	client            connectparticipant.Options
	stop              atomic.Bool
	acks, retries     atomic.Int64
	acked             chan struct{}
	senders, watchers sync.WaitGroup
}

// awaitAcks waits for n more acknowledged requests.
func (k *talk) awaitAcks(t *testing.T, n int64) {
	t.Helper()
	limit := time.After(crashPatience)
	for until := k.acks.Load() + n; k.acks.Load() < until; {
		select {
		case <-k.acked:
		case <-limit:
			t.Fatalf("too little was acknowledged within %v", crashPatience)
		}
	}
}

func (k *talk) ack() {
	k.acks.Add(1)
	select {
	case k.acked <- struct{}{}:
	default:
	}
}

// talkedChat is one chat and what its people know of it.
type talkedChat struct {
	talk   *talk
	people []*talker
	read   sync.Map // ids of messages for which a read receipt was acknowledged
}

// talker sends on one goroutine and watches on another.
type talker struct {
	*sdkClient
	chat *talkedChat
	name string
	sent []sentMessage

	mu   sync.Mutex
	seen []types.Item // in the order in which they came, from the socket or after a gap
	ids  map[string]bool
	grew chan struct{}

	misordered []string // what came on a socket twice or late; of the watcher until it has ended
}

type sentMessage struct{ id, at, content string }

func (k *talk) start(t *testing.T, ctx context.Context, n int) *talkedChat {
	t.Helper()
	c := &talkedChat{talk: k}
	contact, customer := startChat(t, ctx, k.urls[0], fmt.Sprintf("customer%d", n))
	agent := addAgent(t, ctx, k.urls[0], contact, fmt.Sprintf("agent%d", n))
	for name, token := range map[string]string{"customer": customer, "agent": agent} {
		p := &talker{
			sdkClient: newClient(token, k.client, k.urls...), chat: c, name: name,
			ids: make(map[string]bool), grew: make(chan struct{}, 1),
		}
		c.people = append(c.people, p)
		subscribed := make(chan struct{})
		k.watchers.Go(func() { p.watch(ctx, subscribed) })
		<-subscribed
	}
	for _, p := range c.people {
		k.senders.Go(func() { p.send(ctx) })
	}
	return c
}

// send says one thing after the other, and now and then that it has read something.
// Each request is repeated with its ClientToken until it is acknowledged.
func (p *talker) send(ctx context.Context) {
	for n := 0; !p.chat.talk.stop.Load() && ctx.Err() == nil; n++ {
		content := fmt.Sprintf("%s says %d", p.name, n)
		token := fmt.Sprintf("%s-%d", p.name, n)
		id, at := p.insist(ctx, func() (string, string, error) { return p.message(ctx, content, token) })
		p.sent = append(p.sent, sentMessage{id, at, content})
		if other := p.lastOfOthers(); n%5 == 0 && other != "" {
			p.insist(ctx, func() (string, string, error) { return p.markRead(ctx, other) })
			p.chat.read.Store(other, true)
		}
	}
}

func (p *talker) insist(ctx context.Context, try func() (id, at string, err error)) (string, string) {
	for ctx.Err() == nil {
		id, at, err := try()
		if err == nil {
			p.chat.talk.ack()
			return id, at
		}
		p.chat.talk.retries.Add(1)
		p.reconnect(ctx)
	}
	return "", ""
}

// lastOfOthers is the newest message seen that somebody else has sent.
func (p *talker) lastOfOthers() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, it := range slices.Backward(p.seen) {
		if it.Type == types.ChatItemTypeMessage && it.ParticipantRole != types.ParticipantRoleSystem && !strings.HasPrefix(*it.Content, p.name) {
			return *it.Id
		}
	}
	return ""
}

// watch keeps a websocket open, and after each gap reads what it missed.
func (p *talker) watch(ctx context.Context, subscribed chan struct{}) {
	for ctx.Err() == nil {
		var last *types.Item // on this socket
		err := p.listen(ctx, func() error {
			if subscribed != nil {
				close(subscribed)
				subscribed = nil
			}
			return p.catchUp(ctx)
		}, func(it types.Item) {
			if it.Type != "MESSAGEMETADATA" {
				p.follows(last, it)
				last = &it
				p.see(it)
			}
		})
		if err != nil && ctx.Err() == nil {
			p.reconnect(ctx)
		}
	}
}

// follows notes an item that came on a socket after one that isn't before it in the
// log. A repeated item is such a one, as no two items are of the same time.
func (p *talker) follows(last *types.Item, it types.Item) {
	if last != nil && *it.AbsoluteTime <= *last.AbsoluteTime {
		p.misordered = append(p.misordered, fmt.Sprintf("item %s of %s after item %s of %s",
			*it.Id, *it.AbsoluteTime, *last.Id, *last.AbsoluteTime))
	}
}

// see takes an item that is new; frames may repeat what the transcript has shown.
func (p *talker) see(it types.Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ids[*it.Id] {
		p.ids[*it.Id] = true
		p.seen = append(p.seen, it)
		select {
		case p.grew <- struct{}{}:
		default:
		}
	}
}

// catchUp reads the transcript from the last item seen.
func (p *talker) catchUp(ctx context.Context) error {
	p.mu.Lock()
	var start *types.StartPosition
	if n := len(p.seen); n > 0 {
		start = &types.StartPosition{Id: p.seen[n-1].Id}
	}
	p.mu.Unlock()
	if start == nil {
		start = &types.StartPosition{AbsoluteTime: aws.String("2000-01-01T00:00:00.000Z")}
	}
	return p.pages(ctx, start, p.see)
}

// check compares what everybody knows with the transcript.
func (c *talkedChat) check(t *testing.T, ctx context.Context) {
	t.Helper()
	var all []types.Item
	reader := newClient(c.people[0].participant, connectparticipant.Options{}, c.talk.urls...)
	if _, err := reader.connect(ctx); err != nil {
		t.Fatal(err)
	}
	start := &types.StartPosition{AbsoluteTime: aws.String("2000-01-01T00:00:00.000Z")}
	if err := reader.pages(ctx, start, func(it types.Item) { all = append(all, it) }); err != nil {
		t.Fatal(err)
	}
	byID := make(map[string]int)
	content := make(map[string]bool)
	for i, it := range all {
		if _, twice := byID[*it.Id]; twice {
			t.Errorf("item %s is in the transcript twice", *it.Id)
		}
		byID[*it.Id] = i
		if i > 0 && *all[i-1].AbsoluteTime >= *it.AbsoluteTime {
			t.Errorf("item %d is not later than the one before it", i)
		}
		if it.Type == types.ChatItemTypeMessage {
			if content[*it.Content] {
				t.Errorf("%q was said once and is in the transcript twice", *it.Content)
			}
			content[*it.Content] = true
		}
	}
	c.read.Range(func(id, _ any) bool {
		if i, ok := byID[id.(string)]; !ok || all[i].MessageMetadata == nil || all[i].MessageMetadata.Receipts[0].ReadTimestamp == nil {
			t.Errorf("the acknowledged read receipt of %v is missing", id)
		}
		return true
	})
	for _, p := range c.people {
		p.checkSent(t, all, byID)
		p.checkSeen(t, all)
	}
}

// checkOrder reports what came on one socket twice or late. The watchers have ended.
func (c *talkedChat) checkOrder(t *testing.T) {
	t.Helper()
	for _, p := range c.people {
		if n := len(p.misordered); n > 0 {
			t.Errorf("%s: %d items came on a socket twice or late; the first: %s", p.name, n, p.misordered[0])
		}
	}
}

func (p *talker) checkSent(t *testing.T, all []types.Item, byID map[string]int) {
	t.Helper()
	last := -1
	for _, m := range p.sent {
		i, ok := byID[m.id]
		switch {
		case !ok:
			t.Errorf("%s: %q was acknowledged as %s and is missing", p.name, m.content, m.id)
			continue
		case *all[i].Content != m.content || *all[i].AbsoluteTime != m.at:
			t.Errorf("%s: %q was acknowledged at %s and is %q of %s", p.name, m.content, m.at, *all[i].Content, *all[i].AbsoluteTime)
		case i < last:
			t.Errorf("%s: %q is before what was sent earlier", p.name, m.content)
		}
		last = i
	}
}

// checkSeen waits until the last item was seen, then compares.
func (p *talker) checkSeen(t *testing.T, all []types.Item) {
	t.Helper()
	limit := time.After(crashPatience)
	for {
		p.mu.Lock()
		seen := slices.Clone(p.seen)
		p.mu.Unlock()
		if len(seen) >= len(all) {
			break
		}
		select {
		case <-p.grew:
		case <-limit:
			t.Errorf("%s saw %d of %d items", p.name, len(seen), len(all))
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, it := range p.seen {
		if i >= len(all) || *it.Id != *all[i].Id {
			t.Errorf("%s: item %d of what was seen (%s) is not that of the transcript", p.name, i, *it.Id)
			return
		}
	}
}
