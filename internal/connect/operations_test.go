package connect_test

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/connect"
	"github.com/parley-chat/parley/internal/token"
)

// add adds a participant through the API.
func (w *world) add(contact string, role types.ParticipantRole, name *string, token *string) (*sdk.CreateParticipantOutput, error) {
	return w.client.CreateParticipant(w.t.Context(), &sdk.CreateParticipantInput{
		InstanceId: p(arn), ContactId: &contact, ClientToken: token,
		ParticipantDetails: &types.ParticipantDetailsToAdd{
			ParticipantRole: role, DisplayName: name, ParticipantCapabilities: &types.ParticipantCapabilities{Video: "SEND"},
		},
	})
}

func TestCreateParticipant(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	tests := []struct {
		role       types.ParticipantRole
		name, want *string
	}{
		{"CUSTOM_BOT", p("Botty"), p("Botty")},
		{"AGENT", p("Zoë"), p("Zoë")},
		{"SUPERVISOR", nil, p("SUPERVISOR")},
	}
	for _, test := range tests {
		out, err := w.add(contact, test.role, test.name, nil)
		if err != nil {
			t.Fatalf("%s: %v", test.role, err)
		}
		if got := *out.ParticipantCredentials.Expiry; got != "2026-04-03T11:00:00.123Z" {
			t.Errorf("Expiry is %s", got)
		}
		claims, err := w.tokens.Verify(token.Participant, *out.ParticipantCredentials.ParticipantToken, t0)
		if err != nil || claims.Participant != mustID(t, *out.ParticipantId).UUID || claims.Chat != mustID(t, contact).UUID {
			t.Errorf("the token says %v, %v", claims, err)
		}
		w.look(contact, func(c *chat.Chat) {
			got := c.Participant(chat.ParticipantID{ID: mustID(t, *out.ParticipantId)})
			if got == nil || got.Name != *test.want || got.Role != chat.Role(test.role) {
				t.Errorf("the participant is %+v", got)
			}
		})
	}
}

func TestCreateParticipantIsIdempotent(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	first, err := w.add(contact, "AGENT", p("Zoë"), p("one"))
	if err != nil {
		t.Fatal(err)
	}
	appends := w.store.appends.Load()
	again, err := w.add(contact, "AGENT", p("Zoë"), p("one"))
	if err != nil || *again.ParticipantId != *first.ParticipantId || *again.ParticipantCredentials.ParticipantToken != *first.ParticipantCredentials.ParticipantToken {
		t.Errorf("the repetition gave %v, %v", again, err)
	}
	if w.store.appends.Load() != appends {
		t.Error("the repetition stored something")
	}
	if other, err := w.add(contact, "AGENT", p("Zoë"), p("two")); err != nil || *other.ParticipantId == *first.ParticipantId {
		t.Errorf("another ClientToken gave %v, %v", other, err)
	}
}

func TestCreateParticipantRefusals(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	if _, err := w.add(contact, "CUSTOM_BOT", nil, nil); err != nil {
		t.Fatal(err)
	}
	appends := w.store.appends.Load()
	_, err := w.add(contact, "CUSTOM_BOT", nil, nil)
	refused(t, err, "ServiceQuotaExceededException", 402, "already has a CUSTOM_BOT")
	var quota *types.ServiceQuotaExceededException
	if !errors.As(err, &quota) {
		t.Errorf("not typed: %v", err)
	}
	for _, role := range []types.ParticipantRole{"CUSTOMER", "SYSTEM", "agent"} {
		_, err := w.add(contact, role, nil, nil)
		refused(t, err, "InvalidRequestException", 400, "participantDetails.participantRole")
	}
	_, err = w.add(contact, "", p("no role"), nil)
	refused(t, err, "InvalidRequestException", 400, "participantDetails.participantRole")
	_, err = w.add(unknownID, "AGENT", nil, nil)
	refused(t, err, "ResourceNotFoundException", 404, "ContactId")
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends by refused requests", got-appends)
	}
	w.do(contact, chat.Stop{})
	_, err = w.add(contact, "AGENT", nil, nil)
	refused(t, err, "ConflictException", 409, "the chat has ended")
	other, _ := w.start(input())
	agent, err := w.add(other, "AGENT", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.do(other, chat.Connect{By: chat.ParticipantID{ID: mustID(t, *agent.ParticipantId)}})
	_, err = w.add(other, "CUSTOM_BOT", nil, nil)
	refused(t, err, "ConflictException", 409, "can't join a chat that has an agent")
}

func TestStopContact(t *testing.T) {
	w := newWorld(t)
	contact, customer := w.start(input())
	w.do(contact, chat.Connect{By: customer})
	stop := &sdk.StopContactInput{
		InstanceId: p(instanceID), ContactId: &contact, DisconnectReason: &types.DisconnectReason{Code: p("WHATEVER")},
	}
	if _, err := w.client.StopContact(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	w.look(contact, func(c *chat.Chat) {
		if !c.Ended() || c.Cause != chat.CauseAPI {
			t.Errorf("ended %v because of %s", c.EndedAt, c.Cause)
		}
	})
	appends := w.store.appends.Load()
	if _, err := w.client.StopContact(t.Context(), stop); err != nil {
		t.Errorf("stopping an ended chat: %v", err)
	}
	if w.store.appends.Load() != appends {
		t.Error("stopping an ended chat stored something")
	}
	a := w.send("POST", "/contact/stop", `{"InstanceId":"`+instanceID+`","ContactId":"`+contact+`"}`)
	if a.status != 200 || len(a.body) != 0 {
		t.Errorf("the body is %v", a.body)
	}
}

func TestDescribeContact(t *testing.T) {
	w := newWorld(t)
	in := input()
	in.CustomerId, in.RelatedContactId, in.Attributes = p("c-1"), p(unknownID), map[string]string{"a": "b"}
	contact, customer := w.start(in)
	describe := func() *types.Contact {
		t.Helper()
		out, err := w.client.DescribeContact(t.Context(), &sdk.DescribeContactInput{InstanceId: p(arn), ContactId: &contact})
		if err != nil {
			t.Fatal(err)
		}
		return out.Contact
	}
	want := &types.Contact{
		Arn: p(arn + "/contact/" + contact), Id: &contact, InitialContactId: &contact, ContactAssociationId: &contact,
		InitiationMethod: "API", Channel: "CHAT", InitiationTimestamp: p(t0), LastUpdateTimestamp: p(t0),
		CustomerId: p("c-1"), RelatedContactId: p(unknownID), Attributes: in.Attributes,
		SegmentAttributes: map[string]types.SegmentAttributeValue{"connect:Subtype": {ValueString: p("connect:Chat")}},
		Tags:              map[string]string{"aws:connect:instanceId": instanceID},
	}
	check := func(when string) {
		t.Helper()
		got := describe()
		got.ChatMetrics = nil // see TestChatMetrics
		if !reflect.DeepEqual(got, want) {
			g, _ := json.Marshal(got)
			w, _ := json.Marshal(want)
			t.Errorf("%s:\ngot  %s\nwant %s", when, g, w)
		}
	}
	check("after the start")

	w.clock.Advance(time.Minute)
	w.do(contact, chat.Connect{By: customer})
	joined := t0.Add(time.Minute)
	queued := joined.Add(2 * time.Millisecond) // joined, greeted, queued
	want.ConnectedToSystemTimestamp, want.LastUpdateTimestamp = &joined, &queued
	want.QueueInfo = &types.QueueInfo{Id: p("Support"), EnqueueTimestamp: &queued}
	check("after the customer connected")

	w.clock.Advance(time.Minute)
	agent, err := w.add(contact, "AGENT", p("Zoë"), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	w.do(contact, chat.Connect{By: chat.ParticipantID{ID: mustID(t, *agent.ParticipantId)}})
	taken := t0.Add(3 * time.Minute)
	want.AgentInfo = &types.AgentInfo{Id: agent.ParticipantId, AcceptedByAgentTimestamp: &taken, ConnectedToAgentTimestamp: &taken}
	want.LastUpdateTimestamp = &taken
	check("after an agent took it")

	w.clock.Advance(time.Hour)
	w.do(contact, chat.Leave{By: customer})
	ended := t0.Add(3*time.Minute + time.Hour + time.Millisecond)
	want.DisconnectTimestamp, want.LastUpdateTimestamp = &ended, &ended
	want.DisconnectReason = p("CUSTOMER_DISCONNECT")
	check("after the customer left")
}

// The SDKs parse times as numbers and fail on anything else.
func TestTimestampsAreNumbers(t *testing.T) {
	for at, want := range map[time.Time]string{
		t0:                        "1775124000.123",
		time.Unix(5, 6_000_000):   "5.006",
		time.Unix(0, 999_999_999): "0.999",
	} {
		got, err := json.Marshal(connect.Timestamp(at))
		if err != nil || string(got) != want {
			t.Errorf("%v is %s, %v; want %s", at, got, err, want)
		}
	}
	w := newWorld(t)
	contact, _ := w.start(input())
	a := w.send("GET", "/contacts/"+instanceID+"/"+contact, "")
	got := a.body["Contact"].(map[string]any)
	if got["InitiationTimestamp"] != 1775124000.123 {
		t.Errorf("InitiationTimestamp is %v", got["InitiationTimestamp"])
	}
}

func TestContactAttributes(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	get := func() map[string]string {
		t.Helper()
		out, err := w.client.GetContactAttributes(t.Context(), &sdk.GetContactAttributesInput{InstanceId: p(arn), InitialContactId: &contact})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes
	}
	update := func(a map[string]string) error {
		_, err := w.client.UpdateContactAttributes(t.Context(), &sdk.UpdateContactAttributesInput{
			InstanceId: p(instanceID), InitialContactId: &contact, Attributes: a,
		})
		return err
	}
	want := map[string]string{}
	for _, step := range []map[string]string{
		{}, {"a": "1", "b": "ü"}, {"a": "2", "c-_9": ""}, {"big": strings.Repeat("é", 16000)},
	} {
		if err := update(step); err != nil {
			t.Fatal(err)
		}
		maps.Copy(want, step)
		if got := get(); !maps.Equal(got, want) {
			t.Errorf("attributes are %v, want %v", got, want)
		}
	}
	appends := w.store.appends.Load()
	err := update(map[string]string{"more": strings.Repeat("x", 1000)})
	refused(t, err, "InvalidParameterException", 400, "32768 bytes")
	err = update(map[string]string{"no spaces": "x"})
	refused(t, err, "InvalidRequestException", 400, "attributes")
	err = update(map[string]string{"": "x"})
	refused(t, err, "InvalidRequestException", 400, "attributes")
	if got := get(); !maps.Equal(got, want) || w.store.appends.Load() != appends {
		t.Error("a refused update changed something")
	}
	w.do(contact, chat.Stop{})
	if err := update(map[string]string{"after": "the end"}); err != nil {
		t.Errorf("on an ended chat: %v", err)
	}
	if get()["after"] != "the end" {
		t.Error("an attribute of an ended chat is lost")
	}
}

// callAll calls every operation that names a contact.
func (w *world) callAll(instance, contact string) map[string]error {
	ctx, i, c := w.t.Context(), &instance, &contact
	errs := make(map[string]error)
	_, errs["CreateParticipant"] = w.client.CreateParticipant(ctx, &sdk.CreateParticipantInput{
		InstanceId: i, ContactId: c, ParticipantDetails: &types.ParticipantDetailsToAdd{ParticipantRole: "AGENT"},
	})
	_, errs["StopContact"] = w.client.StopContact(ctx, &sdk.StopContactInput{InstanceId: i, ContactId: c})
	_, errs["DescribeContact"] = w.client.DescribeContact(ctx, &sdk.DescribeContactInput{InstanceId: i, ContactId: c})
	_, errs["GetContactAttributes"] = w.client.GetContactAttributes(ctx, &sdk.GetContactAttributesInput{InstanceId: i, InitialContactId: c})
	_, errs["UpdateContactAttributes"] = w.client.UpdateContactAttributes(ctx, &sdk.UpdateContactAttributesInput{
		InstanceId: i, InitialContactId: c, Attributes: map[string]string{"a": "b"},
	})
	_, errs["UpdateContact"] = w.client.UpdateContact(ctx, &sdk.UpdateContactInput{InstanceId: i, ContactId: c, Name: p("n")})
	_, errs["TagContact"] = w.client.TagContact(ctx, &sdk.TagContactInput{InstanceId: i, ContactId: c, Tags: map[string]string{"a": "b"}})
	_, errs["UntagContact"] = w.client.UntagContact(ctx, &sdk.UntagContactInput{InstanceId: i, ContactId: c, TagKeys: []string{"a"}})
	_, errs["ListContactReferences"] = w.client.ListContactReferences(ctx, &sdk.ListContactReferencesInput{
		InstanceId: i, ContactId: c, ReferenceTypes: []types.ReferenceType{"URL"},
	})
	_, errs["AssociateContactWithUser"] = w.client.AssociateContactWithUser(ctx, &sdk.AssociateContactWithUserInput{
		InstanceId: i, ContactId: c, UserId: p("zoe"),
	})
	_, errs["MonitorContact"] = w.client.MonitorContact(ctx, &sdk.MonitorContactInput{InstanceId: i, ContactId: c, UserId: p("carol")})
	_, errs["TransferContact"] = w.client.TransferContact(ctx, &sdk.TransferContactInput{
		InstanceId: i, ContactId: c, ContactFlowId: p(flowID), QueueId: p("billing"),
	})
	_, errs["UpdateParticipantRoleConfig"] = w.client.UpdateParticipantRoleConfig(ctx, &sdk.UpdateParticipantRoleConfigInput{
		InstanceId: i, ContactId: c, ChannelConfiguration: timers(timer("CUSTOMER", "IDLE", 2)),
	})
	_, errs["CreatePersistentContactAssociation"] = w.client.CreatePersistentContactAssociation(ctx, &sdk.CreatePersistentContactAssociationInput{
		InstanceId: i, InitialContactId: c, SourceContactId: c, RehydrationType: "FROM_SEGMENT",
	})
	return errs
}

// Whatever operation it is: another instance, an unknown contact and what is no
// contact at all are not found.
func TestNotFound(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	foreign, _, err := w.node.Start(t.Context(), chat.Settings{Instance: unknownID}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	appends := w.store.appends.Load()
	for _, test := range []struct{ instance, contact string }{
		{unknownID, contact},
		{arn + "x", contact},
		{instanceID, unknownID},
		{instanceID, "c1"},
		{instanceID, "{" + contact + "}"},
		{instanceID, foreign.String()},
		{unknownID, foreign.String()},
		{"a/b c", "ü?#%2F"},
	} {
		for name, err := range w.callAll(test.instance, test.contact) {
			var missing *types.ResourceNotFoundException
			if !errors.As(err, &missing) {
				t.Errorf("%s of %s, %s: %v", name, test.instance, test.contact, err)
			}
		}
	}
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends", got-appends)
	}
}
