package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
)

// The chats that wait: for somebody who has fallen silent, or in a queue for an agent.
const (
	// silenceMinutes is the shortest time that a timer can have.
	silenceMinutes = 2
	silence        = silenceMinutes * time.Minute
	// acceptWithin is how long a user of a queue has to take a chat, queueWithin how long
	// customers wait in one. Then the flow says one thing or the other.
	acceptWithin             = haste * time.Second
	queueWithin              = 5 * acceptWithin
	nobodyCame, somebodyCame = "nobody came", "somebody came"
)

// lines are queues, each with a flow of its name: one asks its users one after another, in
// the other they look for themselves. staff are the users, the last one a supervisor, who
// may take what another was asked to; their passwords are their ids.
var (
	lines = []string{"offered", "manual"}
	staff = []string{"ann", "ben", "eve"}
)

// queues are the staff and the lines, in a configuration file.
func queues() string {
	return fmt.Sprintf(`users:
  - {id: ann, name: Ann, password: ann}
  - {id: ben, name: Ben, password: ben}
  - {id: eve, name: Eve, password: eve, role: supervisor}
queues:
  - {id: offered, users: [ann, ben], accept-within: %v, routing: offer, rounds: 2}
  - {id: manual, users: [ann, ben], accept-within: %[1]v, routing: manual}
`, acceptWithin)
}

// queueing are the flows of the lines.
func queueing() (text string) {
	for _, line := range lines {
		text += fmt.Sprintf(`  - id: %s
    steps:
      - queue: %[1]s
      - wait: {for: agent, within: %v, else: [{say: %s}, {disconnect: true}]}
      - say: %s
`, line, queueWithin, nobodyCame, somebodyCame)
	}
	return text
}

// pause lets some time of the nodes' pass.
func (c *crowd) pause(d time.Duration) {
	select {
	case <-c.clock.After(d):
	case <-c.ctx.Done():
	}
}

// silent is the life of a chat whose people say nothing, but for a customer who may come
// back once, before their timer rings or after, or when it does. The second timer ends it.
func (c *crowd) silent(name string) {
	k, customer := c.start(name, config.LocalFlow)
	if k == nil {
		return
	}
	defer c.bury(k)
	k.must = []any{chat.KindAutoDisconnect}
	if !k.setTimers() || k.add("agent", chat.Agent) == nil {
		return
	}
	if rand.IntN(2) == 0 {
		c.pause(time.Duration(rand.Int64N(int64(2 * silence))))
		customer.say("I was away", "back")
	}
}

// setTimers has it told when the customer or the agent is silent, and the chat ended when
// the customer is.
func (k *conversation) setTimers() bool {
	timer := func(role connecttypes.TimerEligibleParticipantRoles, kind connecttypes.ParticipantTimerType) connecttypes.ParticipantTimerConfiguration {
		return connecttypes.ParticipantTimerConfiguration{
			ParticipantRole: role, TimerType: kind,
			TimerValue: &connecttypes.ParticipantTimerValueMemberParticipantTimerDurationInMinutes{Value: silenceMinutes},
		}
	}
	const customer, agent = connecttypes.TimerEligibleParticipantRolesCustomer, connecttypes.TimerEligibleParticipantRolesAgent
	const idle, disconnect = connecttypes.ParticipantTimerTypeIdle, connecttypes.ParticipantTimerTypeDisconnectNoncustomer
	in := &connect.UpdateParticipantRoleConfigInput{
		InstanceId: &instance, ContactId: &k.contact,
		ChannelConfiguration: &connecttypes.UpdateParticipantRoleConfigChannelInfoMemberChat{Value: connecttypes.ChatParticipantRoleConfig{
			ParticipantTimerConfigList: []connecttypes.ParticipantTimerConfiguration{
				timer(customer, idle), timer(customer, disconnect), timer(agent, idle),
			},
		}},
	}
	err := k.insist(func() error {
		_, err := k.desk().UpdateParticipantRoleConfig(k.ctx, in)
		return err
	})
	if err != nil && k.ctx.Err() == nil {
		k.Errorf("%s: the timers can't be set: %v", k.name, err)
	}
	return err == nil
}

// queued is the life of a chat that waits for an agent. Nobody takes it, or sooner or later
// everybody tries to at the same time.
func (c *crowd) queued(name string) {
	k, customer := c.start(name, lines[rand.IntN(len(lines))])
	if k == nil {
		return
	}
	defer c.bury(k)
	if rand.IntN(3) == 0 {
		return
	}
	c.pause(time.Duration(rand.Int64N(int64(queueWithin))))
	var race sync.WaitGroup
	for _, user := range staff {
		race.Go(func() { k.take(user) })
	}
	race.Wait()
	if k.taken.Load() {
		customer.speak()
		k.hear(5)
		k.end(customer)
		k.senders.Wait()
	}
}

// take has a user try to take the chat, until somebody has it or it has ended.
func (k *conversation) take(user string) {
	for !k.taken.Load() && !k.Failed() {
		id, token, over := k.accept(user)
		switch {
		case over || k.ctx.Err() != nil:
			return
		case id == "":
			k.pause(acceptWithin / 20)
			continue
		}
		m := k.member(user, chat.Agent, id, token)
		if m == nil {
			return
		}
		m.leaving.Store(true) // another may be faster still
		if m.come(); m.in {
			k.ending.Store(false)
			m.leaving.Store(false)
			k.taken.Store(true)
			m.speak()
		}
	}
}

// accept has a user ask for the chat at the console, and gives their place in it if they
// get one. It reports whether the chat is over for them: it has ended, or another has it.
func (k *conversation) accept(user string) (id, token string, over bool) {
	var signedIn *http.Response
	err := k.insist(func() (err error) {
		signedIn, _, err = k.console("sign-in", fmt.Sprintf(`{"User":%q,"Password":%[1]q}`, user), nil)
		return err
	})
	if err != nil {
		return "", "", true
	}
	var resp *http.Response
	var body []byte
	err = k.insist(func() (err error) {
		resp, body, err = k.console("contacts/"+k.contact+"/accept", "{}", signedIn.Cookies())
		return err
	})
	var place struct{ ParticipantId, ParticipantToken string }
	switch {
	case err != nil, bytes.Contains(body, []byte("chat has ended")), resp.StatusCode == http.StatusNotFound:
		return "", "", true
	case resp.StatusCode == http.StatusConflict:
		return "", "", false
	case resp.StatusCode != http.StatusOK || json.Unmarshal(body, &place) != nil:
		k.Errorf("%s: %s got %s: %s", k.name, user, resp.Status, body)
		return "", "", true
	}
	return place.ParticipantId, place.ParticipantToken, false
}

// console calls an operation of the console on any node. The error says that it is to be
// tried again.
func (c *crowd) console(op, in string, session []*http.Cookie) (*http.Response, []byte, error) {
	url := c.urls[rand.IntN(len(c.urls))] + "/console/api/" + op
	req, err := http.NewRequestWithContext(c.ctx, http.MethodPost, url, strings.NewReader(in))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for _, cookie := range session {
		req.AddCookie(cookie)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests) {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return resp, body, err
}

// inLine reports whether the chat has waited in one of the lines.
func (k *conversation) inLine() bool { return slices.Contains(lines, k.flow) }
