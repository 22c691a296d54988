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
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/smithy-go"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
)

// What the crowd's chats are led by: the built-in flow, or one that says a word each
// second and then ends the chat, all by deadlines.
const (
	tickFlow = "ticks"
	ticks    = 5
	// tickQueue is where chats are transferred to.
	tickQueue = "support"
)

// ticking is the tickFlow, in a configuration file.
func ticking() string {
	text := "flows:\n  - id: " + tickFlow + "\n    steps:\n"
	for i := range ticks {
		text += fmt.Sprintf("      - say: tick %d\n      - wait: {for: time, within: 1s}\n", i)
	}
	return text + "      - disconnect: true\n"
}

// crowd is the load of TestChaos: lines of chats, in which one begins when the one
// before it has ended. Everybody sends each call to any node, and repeats it with its
// ClientToken until it is answered.
type crowd struct {
	*testing.T
	ctx   context.Context
	urls  []string
	http  *http.Client
	desks []*connect.Client
	stop  atomic.Bool // no further chat is to begin
	lines sync.WaitGroup

	acks, retries atomic.Int64
	acked         chan struct{}

	mu   sync.Mutex
	past []*conversation // those that have ended
}

func newCrowd(t *testing.T, ctx context.Context, urls []string) *crowd {
	c := &crowd{
		T: t, ctx: ctx, urls: urls, acked: make(chan struct{}, 1),
		http: &http.Client{Timeout: giveUp, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	for _, url := range urls {
		o := controlPlane(url).Options()
		o.Retryer, o.HTTPClient = aws.NopRetryer{}, c.http
		c.desks = append(c.desks, connect.New(o))
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
			c.acks.Add(1)
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
	id      chat.ChatID
	contact string        // the current one
	ticking bool          // is led by the tickFlow
	said    atomic.Int64  // acknowledged messages
	heard   chan struct{} // one more
	ending  atomic.Bool   // it may have ended
	members []*member
	senders sync.WaitGroup
	// watchers end when they were told that there is nothing more to come.
	watchers sync.WaitGroup
}

// start starts a chat whose customer watches.
func (c *crowd) start(name, flow string) (*conversation, *member) {
	k := &conversation{crowd: c, name: name, ticking: flow == tickFlow, heard: make(chan struct{}, 1)}
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
	k.ending.Store(k.ticking) // as soon as it begins
	return k, k.join("customer", chat.Customer, *out.ParticipantId, *out.ParticipantToken)
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
	return k.join(name, role, *out.ParticipantId, *out.ParticipantCredentials.ParticipantToken)
}

// served is the life of a chat that has a customer, an agent and a supervisor. It is
// transferred or not, and ended by anybody.
func (c *crowd) served(name string) {
	k, customer := c.start(name, config.LocalFlow)
	if k == nil {
		return
	}
	defer c.bury(k)
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
