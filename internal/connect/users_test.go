package connect_test

import (
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
)

// served starts a chat, has its customer connect, and an agent take it.
func (w *world) served(name string) (contact string, customer, agent chat.ParticipantID) {
	w.t.Helper()
	contact, customer = w.start(input())
	w.do(contact, chat.Connect{By: customer})
	return contact, customer, w.joins(contact, "AGENT", name)
}

// joins adds somebody through the API, who then connects.
func (w *world) joins(contact string, role types.ParticipantRole, name string) chat.ParticipantID {
	w.t.Helper()
	out, err := w.add(contact, role, &name, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	id := chat.ParticipantID{ID: mustID(w.t, *out.ParticipantId)}
	w.do(contact, chat.Connect{By: id, Via: chat.ViaRequest})
	return id
}

func (w *world) associate(contact, user string) error {
	_, err := w.client.AssociateContactWithUser(w.t.Context(), &sdk.AssociateContactWithUserInput{
		InstanceId: p(arn), ContactId: &contact, UserId: &user,
	})
	return err
}

func TestAssociateContactWithUser(t *testing.T) {
	w := newWorld(t)
	contact, customer := w.start(input())
	refused(t, w.associate(contact, "zoe"), "InvalidRequestException", 400, "not in a queue")
	w.do(contact, chat.Connect{By: customer})
	if err := w.associate(contact, arn+"/agent/zoe"); err != nil {
		t.Fatal(err)
	}
	appends := w.store.appends.Load()
	if err := w.associate(contact, "zoe"); err != nil || w.store.appends.Load() != appends {
		t.Errorf("the repetition: %v, %d appends", err, w.store.appends.Load()-appends)
	}
	var waiting chat.ParticipantID
	w.look(contact, func(c *chat.Chat) { waiting = c.Waiting(chat.Agent, "zoe").ID })
	out, err := w.add(contact, "AGENT", p("zoe"), nil)
	if err != nil || *out.ParticipantId != waiting.String() {
		t.Errorf("CreateParticipant gave %v, %v; want the participant who waits, %v", out, err, waiting)
	}
	w.do(contact, chat.Connect{By: waiting})
	if got := w.describe(contact).AgentInfo; *got.Id != "zoe" {
		t.Errorf("AgentInfo.Id is %s", *got.Id)
	}
	refused(t, w.associate(contact, "bob"), "InvalidRequestException", 400, "transfer it instead")
	refused(t, w.associate(contact, "nobody"), "ResourceNotFoundException", 404, "UserId names no user")
	w.do(contact, chat.Stop{})
	refused(t, w.associate(contact, "bob"), "InvalidRequestException", 400, "the chat has ended")
}

// Who doesn't come in the time that the queue gives has missed the contact.
func TestAssociationIsWithdrawn(t *testing.T) {
	w := newWorld(t)
	contact, customer := w.start(input())
	w.do(contact, chat.Connect{By: customer})
	check := func(contact string, within time.Duration) {
		t.Helper()
		if err := w.associate(contact, "bob"); err != nil {
			t.Fatal(err)
		}
		waits := func() (yes bool) {
			w.look(contact, func(c *chat.Chat) { yes = c.Waiting(chat.Agent, "bob") != nil })
			return yes
		}
		w.clock.Advance(within - time.Second)
		if !waits() {
			t.Errorf("bob has less than %v", within)
		}
		w.clock.Advance(2 * time.Second)
		if waits() {
			t.Errorf("bob has more than %v", within)
		}
	}
	check(contact, chat.AcceptWithin) // the queue says nothing of time
	w.joins(contact, "AGENT", "Bob")
	out, err := w.transfer(contact, &sdk.TransferContactInput{QueueId: p("billing")})
	if err != nil {
		t.Fatal(err)
	}
	check(*out.ContactId, 45*time.Second)
}

func (w *world) monitor(contact, user string, barge bool, token *string) (*sdk.MonitorContactOutput, error) {
	in := &sdk.MonitorContactInput{InstanceId: p(instanceID), ContactId: &contact, UserId: &user, ClientToken: token}
	if barge {
		in.AllowedMonitorCapabilities = []types.MonitorCapability{"SILENT_MONITOR", "BARGE"}
	}
	return w.client.MonitorContact(w.t.Context(), in)
}

func TestMonitorContact(t *testing.T) {
	w := newWorld(t)
	contact, _, _ := w.served("Zoë")
	first, err := w.monitor(contact, "carol", true, p("one"))
	if err != nil {
		t.Fatal(err)
	}
	if *first.ContactArn != arn+"/contact/"+*first.ContactId {
		t.Errorf("ContactArn is %s of %s", *first.ContactArn, *first.ContactId)
	}
	appends := w.store.appends.Load()
	for _, token := range []*string{p("one"), p("another")} {
		again, err := w.monitor(contact, "carol", true, token)
		if err != nil || *again.ContactId != *first.ContactId {
			t.Errorf("the repetition with %s gave %v, %v", *token, again, err)
		}
	}
	if w.store.appends.Load() != appends {
		t.Error("a repetition stored something")
	}
	if info := w.describe(*first.ContactId).AgentInfo; *info.Id != "carol" || info.ConnectedToAgentTimestamp != nil {
		t.Errorf("who watches in silence is shown as %+v", info)
	}
	carol := w.joins(contact, "SUPERVISOR", "carol")
	own := w.describe(*first.ContactId)
	if own.InitiationMethod != "MONITOR" || *own.InitialContactId != contact || *own.PreviousContactId != contact ||
		*own.AgentInfo.Id != "carol" || own.ChatMetrics != nil || own.DisconnectTimestamp != nil {
		t.Errorf("the supervisor's contact is %+v", own)
	}
	// Stopping it ends the monitoring, not the chat.
	if _, err := w.client.StopContact(t.Context(), &sdk.StopContactInput{InstanceId: p(instanceID), ContactId: first.ContactId}); err != nil {
		t.Fatal(err)
	}
	if own = w.describe(*first.ContactId); own.DisconnectTimestamp == nil || *own.DisconnectReason != "THIRD_PARTY_DISCONNECT" {
		t.Errorf("the supervisor's contact has not ended: %+v", own)
	}
	w.look(contact, func(c *chat.Chat) {
		if c.Ended() || c.Participant(carol).Presence != chat.Gone {
			t.Errorf("ended: %v, the supervisor is %v", c.Ended(), c.Participant(carol).Presence)
		}
	})
	if next := w.describe(contact).NextContacts; next != nil {
		t.Errorf("NextContacts are %v", next)
	}
}

func TestMonitorContactRefusals(t *testing.T) {
	w := newWorld(t)
	contact, _, _ := w.served("Zoë")
	appends := w.store.appends.Load()
	_, err := w.monitor(contact, "zoe", false, nil)
	refused(t, err, "InvalidRequestException", 400, "role supervisor")
	_, err = w.monitor(contact, "nobody", false, nil)
	refused(t, err, "ResourceNotFoundException", 404, "UserId names no user")
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends", got-appends)
	}
	silent, err := w.monitor(contact, "carol", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.monitor(*silent.ContactId, "carol", false, nil)
	refused(t, err, "InvalidRequestException", 400, "current contact is "+contact)
	out, err := w.add(contact, "SUPERVISOR", p("carol"), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := chat.ChatID{ID: mustID(t, contact)}
	_, err = w.node.Do(t.Context(), id, chat.Connect{By: chat.ParticipantID{ID: mustID(t, *out.ParticipantId)}, Via: chat.ViaRequest})
	if err == nil || !strings.Contains(err.Error(), "may watch only") {
		t.Errorf("barging in without the capability: %v", err)
	}
	w.do(contact, chat.Stop{})
	_, err = w.monitor(contact, "carol", false, nil)
	refused(t, err, "InvalidRequestException", 400, "the chat has ended")
}

func (w *world) transfer(contact string, in *sdk.TransferContactInput) (*sdk.TransferContactOutput, error) {
	in.InstanceId, in.ContactId, in.ContactFlowId = p(instanceID), &contact, p(flowID)
	return w.client.TransferContact(w.t.Context(), in)
}

func TestTransferToQueue(t *testing.T) {
	w := newWorld(t)
	contact, customer, agent := w.served("Bob")
	in := &sdk.TransferContactInput{QueueId: p(arn + "/queue/billing"), ClientToken: p("t")}
	out, err := w.transfer(contact, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.transfer(contact, in)
	if err != nil || *again.ContactId != *out.ContactId {
		t.Errorf("the repetition gave %v, %v", again, err)
	}
	old, next := w.describe(contact), w.describe(*out.ContactId)
	if *old.DisconnectReason != "AGENT_DISCONNECT" || old.NextContacts[0].NextContactMetadata == nil || *old.AgentInfo.Id != agent.String() {
		t.Errorf("the old contact is %+v", old)
	}
	data := old.NextContacts[0].NextContactMetadata.(*types.NextContactMetadataMemberQuickConnectContactData).Value
	if *data.ContactId != *out.ContactId || data.QuickConnectType != "QUEUE" || !data.InitiationTimestamp.Equal(*next.InitiationTimestamp) {
		t.Errorf("NextContacts says %+v", data)
	}
	if next.InitiationMethod != "QUEUE_TRANSFER" || *next.PreviousContactId != contact || *next.InitialContactId != contact ||
		*next.QueueInfo.Id != "billing" || next.AgentInfo != nil || next.DisconnectTimestamp != nil {
		t.Errorf("the next contact is %+v", next)
	}
	w.look(contact, func(c *chat.Chat) {
		if c.Participant(customer).Presence != chat.Present || c.Waiting(chat.Agent, "zoe") == nil {
			t.Error("the customer is gone, or nobody is offered the contact")
		}
	})
	_, err = w.transfer(contact, &sdk.TransferContactInput{QueueId: p("billing")})
	refused(t, err, "InvalidRequestException", 400, "current contact is "+*out.ContactId)
	w.joins(*out.ContactId, "AGENT", "zoe")
	if got := w.describe(*out.ContactId); *got.AgentInfo.Id != "zoe" {
		t.Errorf("AgentInfo is %+v", got.AgentInfo)
	}
}

func TestTransferToUser(t *testing.T) {
	w := newWorld(t)
	contact, _, agent := w.served("Bob")
	out, err := w.transfer(contact, &sdk.TransferContactInput{UserId: p("zoe")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.client.DescribeContact(t.Context(), &sdk.DescribeContactInput{InstanceId: p(instanceID), ContactId: out.ContactId})
	refused(t, err, "ResourceNotFoundException", 404, "ContactId")
	w.joins(contact, "AGENT", "zoe")
	next := w.describe(*out.ContactId)
	if next.InitiationMethod != "TRANSFER" || *next.PreviousContactId != contact || *next.AgentInfo.Id != "zoe" {
		t.Errorf("the next contact is %+v", next)
	}
	data := w.describe(contact).NextContacts[0].NextContactMetadata.(*types.NextContactMetadataMemberQuickConnectContactData).Value
	if *data.ContactId != *out.ContactId || data.QuickConnectType != "USER" {
		t.Errorf("NextContacts says %+v", data)
	}
	w.look(contact, func(c *chat.Chat) {
		if c.Participant(agent).Presence != chat.Gone {
			t.Error("the old agent is still there")
		}
	})
}

func TestTransferRefusals(t *testing.T) {
	w := newWorld(t)
	contact, customer := w.start(input())
	w.do(contact, chat.Connect{By: customer})
	_, err := w.transfer(contact, &sdk.TransferContactInput{UserId: p("zoe")})
	refused(t, err, "InvalidRequestException", 400, "no agent has accepted")
	w.joins(contact, "AGENT", "Bob")
	appends := w.store.appends.Load()
	for _, in := range []*sdk.TransferContactInput{{}, {UserId: p("zoe"), QueueId: p("billing")}} {
		_, err := w.transfer(contact, in)
		refused(t, err, "InvalidRequestException", 400, "Exactly one of QueueId and UserId")
	}
	_, err = w.transfer(contact, &sdk.TransferContactInput{UserId: p("nobody")})
	refused(t, err, "ResourceNotFoundException", 404, "UserId names no user")
	_, err = w.transfer(contact, &sdk.TransferContactInput{QueueId: p("nowhere")})
	refused(t, err, "ResourceNotFoundException", 404, "QueueId names no queue")
	_, err = w.client.TransferContact(t.Context(), &sdk.TransferContactInput{
		InstanceId: p(instanceID), ContactId: &contact, ContactFlowId: p("none"), QueueId: p("billing"),
	})
	refused(t, err, "ResourceNotFoundException", 404, "ContactFlowId names no flow")
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends", got-appends)
	}
	w.do(contact, chat.Stop{})
	_, err = w.transfer(contact, &sdk.TransferContactInput{UserId: p("zoe")})
	refused(t, err, "InvalidRequestException", 400, "the chat has ended")
}
