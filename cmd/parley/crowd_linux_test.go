package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/smithy-go"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
)

// What the crowd's chats are led by, besides the built-in flow and those of the queues: one
// that says a word each second and then ends the chat, all by deadlines.
const (
	tickFlow = "ticks"
	ticks    = 5
	// tickQueue is where chats are transferred to.
	tickQueue = "support"
)

// ticking is the tickFlow, in a configuration file.
func ticking() string {
	text := "  - id: " + tickFlow + "\n    steps:\n"
	for i := range ticks {
		text += fmt.Sprintf("      - say: %s\n      - wait: {for: time, within: %v}\n", tick(i), haste*time.Second)
	}
	return text + "      - disconnect: true\n"
}

// tick is what the tickFlow says.
func tick(n int) string { return fmt.Sprint("tick ", n) }

// crowd is the load of TestChaos: lines of chats, in which one begins when the one
// before it has ended. Everybody sends each call to any node, and repeats it with its
// ClientToken until it is answered.
type crowd struct {
	*testing.T
	ctx   context.Context
	urls  []string
	clock hastyClock
	http  *http.Client
	desks []*connect.Client
	stop  atomic.Bool // no further chat is to begin
	lines sync.WaitGroup

	acks, retries atomic.Int64
	acked         chan struct{}

	mu    sync.Mutex
	past  []*conversation // those that have ended
	ackAt time.Time       // when the last request was acknowledged
	quiet time.Duration   // how long none was, at the most
	kept  *deadlines
}

func newCrowd(t *testing.T, ctx context.Context, clock hastyClock, urls []string) *crowd {
	c := &crowd{
		T: t, ctx: ctx, urls: urls, clock: clock, acked: make(chan struct{}, 1), ackAt: time.Now(), kept: &deadlines{kinds: make(map[chat.Kind]int)},
		http: &http.Client{Timeout: giveUp, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	for _, url := range urls {
		c.desks = append(c.desks, controlPlane(url, func(o *connect.Options) {
			o.Retryer, o.HTTPClient, o.HTTPSignerV4 = aws.NopRetryer{}, c.http, hastySigner{v4.NewSigner(), clock}
		}))
	}
	return c
}

// desk is the control plane on any node.
func (c *crowd) desk() *connect.Client { return c.desks[rand.IntN(len(c.desks))] }

// begin begins a line.
func (c *crowd) begin(name string, life func(name string)) {
	c.lines.Go(func() {
		for n := 0; !c.stop.Load() && !c.Failed(); n++ {
			life(fmt.Sprintf("%s.%d", name, n))
		}
	})
}

// insist repeats a request until it succeeds or is refused for good.
func (c *crowd) insist(try func() error) error {
	for {
		err := try()
		switch {
		case err == nil:
			c.acknowledged()
			select {
			case c.acked <- struct{}{}:
			default:
			}
			return nil
		case c.ctx.Err() != nil:
			return c.ctx.Err()
		case refusedFor(err) != "":
			return err
		}
		c.retries.Add(1)
		select {
		case <-time.After(retryPause):
		case <-c.ctx.Done():
		}
	}
}

// acknowledged counts a request, and how long there was none.
func (c *crowd) acknowledged() {
	c.acks.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet, c.ackAt = max(c.quiet, time.Since(c.ackAt)), time.Now()
}

// hastySigner signs with the time of a hastyClock.
type hastySigner struct {
	connect.HTTPSignerV4
	clock hastyClock
}

// SignHTTP implements [connect.HTTPSignerV4].
func (s hastySigner) SignHTTP(ctx context.Context, keys aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, opts ...func(*v4.SignerOptions)) error {
	return s.HTTPSignerV4.SignHTTP(ctx, keys, r, hash, service, region, s.clock.Now(), opts...)
}

// refusedFor is the code of an error that is a server's last word, else empty.
func refusedFor(err error) string {
	api, isAPI := errors.AsType[smithy.APIError](err)
	resp, answered := errors.AsType[*awshttp.ResponseError](err)
	if !isAPI || !answered || resp.HTTPStatusCode()/100 != 4 || resp.HTTPStatusCode() == http.StatusTooManyRequests {
		return ""
	}
	return api.ErrorCode()
}

// awaitAcks waits for n more acknowledged requests.
func (c *crowd) awaitAcks(n int64) {
	c.Helper()
	limit := time.After(recovery)
	for until := c.acks.Load() + n; c.acks.Load() < until; {
		select {
		case <-c.acked:
		case <-limit:
			c.Fatalf("nothing was acknowledged for %v", recovery)
		}
	}
}

// finish has the chats that go on come to their end.
func (c *crowd) finish() {
	c.Helper()
	c.stop.Store(true)
	done := make(chan struct{})
	go func() {
		c.lines.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(2 * recovery):
		c.Fatal("chats don't come to an end")
	}
}

// conversation is one chat and its people.
type conversation struct {
	*crowd
	name    string
	flow    string
	id      chat.ChatID
	contact string        // the current one
	must    []any         // what the log must have, as keys of onlyOnce
	taken   atomic.Bool   // an agent who was in a queue's race has it
	said    atomic.Int64  // acknowledged messages
	heard   chan struct{} // one more
	ending  atomic.Bool   // it may have ended
	senders sync.WaitGroup

	mu      sync.Mutex
	members []*member
	// watchers end when they were told that there is nothing more to come.
	watchers sync.WaitGroup
}

// start starts a chat whose customer watches. If the customer could not come in time, it
// has ended, and there is none.
func (c *crowd) start(name, flow string) (*conversation, *member) {
	k := &conversation{crowd: c, name: name, flow: flow, heard: make(chan struct{}, 1)}
	in := &connect.StartChatContactInput{
		InstanceId: &instance, ContactFlowId: &flow, ClientToken: aws.String(fmt.Sprint(name, " ", rand.Uint64())),
		ParticipantDetails: &connecttypes.ParticipantDetails{DisplayName: aws.String("customer")},
	}
	var out *connect.StartChatContactOutput
	err := c.insist(func() (err error) {
		out, err = c.desk().StartChatContact(c.ctx, in)
		return err
	})
	if err != nil {
		c.Errorf("%s can't be started: %v", name, err)
		return nil, nil
	}
	k.contact = *out.ContactId
	id, err := chat.ParseID(k.contact)
	if err != nil {
		c.Error(err)
		return nil, nil
	}
	k.id = chat.ChatID{ID: id}
	k.ending.Store(true)
	customer := k.join("customer", chat.Customer, *out.ParticipantId, *out.ParticipantToken)
	if customer == nil || !customer.in {
		c.bury(k)
		return nil, nil
	}
	return k, customer
}

// add adds somebody, who watches.
func (k *conversation) add(name string, role chat.Role) *member {
	in := &connect.CreateParticipantInput{
		InstanceId: &instance, ContactId: &k.contact, ClientToken: &name,
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{ParticipantRole: connecttypes.ParticipantRole(role), DisplayName: &name},
	}
	var out *connect.CreateParticipantOutput
	err := k.insist(func() (err error) {
		out, err = k.desk().CreateParticipant(k.ctx, in)
		return err
	})
	if err != nil {
		k.Errorf("%s: %s can't be added: %v", k.name, name, err)
		return nil
	}
	m := k.join(name, role, *out.ParticipantId, *out.ParticipantCredentials.ParticipantToken)
	if m == nil || !m.in {
		return nil
	}
	return m
}

// served is the life of a chat that has a customer, an agent and a supervisor. It is
// transferred or not, and ended by anybody.
func (c *crowd) served(name string) {
	k, customer := c.start(name, config.LocalFlow)
	if k == nil {
		return
	}
	defer c.bury(k)
	k.ending.Store(false)
	agent := k.add("agent", chat.Agent)
	supervisor := k.add("supervisor", chat.Supervisor)
	if agent == nil || supervisor == nil {
		return
	}
	customer.speak()
	agent.speak()
	k.hear(10 + rand.IntN(40))
	if rand.IntN(2) == 0 {
		customer.upload()
	}
	if rand.IntN(2) == 0 {
		if agent = k.transfer(agent); agent == nil {
			return
		}
		k.hear(10 + rand.IntN(40))
	}
	k.end(customer)
	k.senders.Wait()
	for _, m := range []*member{customer, agent, supervisor} {
		m.wantOut()
	}
}

// alone is the life of a chat that nobody comes to: the flow says something now and then,
// and ends it.
func (c *crowd) alone(name string) {
	if k, _ := c.start(name, tickFlow); k != nil {
		for i := range ticks {
			k.must = append(k.must, tick(i))
		}
		c.bury(k)
	}
}

// bury waits until everybody knows of the end.
func (c *crowd) bury(k *conversation) {
	k.watchers.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past = append(c.past, k)
}

// hear waits until so many more messages were acknowledged.
func (k *conversation) hear(n int) {
	for until := k.said.Load() + int64(n); k.said.Load() < until && !k.stop.Load() && !k.Failed(); {
		select {
		case <-k.heard:
		case <-k.ctx.Done():
			return
		}
	}
}

// transfer transfers the chat to a queue, and gives the agent who comes.
func (k *conversation) transfer(from *member) *member {
	from.leaving.Store(true)
	in := &connect.TransferContactInput{
		InstanceId: &instance, ContactId: &k.contact, ContactFlowId: aws.String(config.LocalFlow),
		QueueId: aws.String(tickQueue), ClientToken: aws.String("transfer"),
	}
	var out *connect.TransferContactOutput
	err := k.insist(func() (err error) {
		out, err = k.desk().TransferContact(k.ctx, in)
		return err
	})
	if err != nil {
		k.Errorf("%s can't be transferred: %v", k.name, err)
		return nil
	}
	k.contact = *out.ContactId
	from.wantOut()
	next := k.add("next agent", chat.Agent)
	if next != nil {
		next.speak()
	}
	return next
}

// end ends the chat.
func (k *conversation) end(customer *member) {
	k.ending.Store(true)
	err := k.insist(func() error {
		if k.id.UUID[15]%2 == 0 {
			_, err := k.desk().StopContact(k.ctx, &connect.StopContactInput{InstanceId: &instance, ContactId: &k.contact})
			return err
		}
		_, err := customer.api().DisconnectParticipant(k.ctx, &connectparticipant.DisconnectParticipantInput{
			ConnectionToken: customer.connectionToken(), ClientToken: aws.String("leave"),
		})
		return err
	})
	if err != nil {
		k.Errorf("%s can't be ended: %v", k.name, err)
	}
}
