package connect_test

import (
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
)

// timers is a configuration of idle timers.
func timers(list ...types.ParticipantTimerConfiguration) types.UpdateParticipantRoleConfigChannelInfo {
	return &types.UpdateParticipantRoleConfigChannelInfoMemberChat{Value: types.ChatParticipantRoleConfig{ParticipantTimerConfigList: list}}
}

// timer sets a timer, or with 0 minutes unsets it.
func timer(role types.TimerEligibleParticipantRoles, kind types.ParticipantTimerType, minutes int32) types.ParticipantTimerConfiguration {
	c := types.ParticipantTimerConfiguration{ParticipantRole: role, TimerType: kind}
	if minutes == 0 {
		c.TimerValue = &types.ParticipantTimerValueMemberParticipantTimerAction{Value: "Unset"}
	} else {
		c.TimerValue = &types.ParticipantTimerValueMemberParticipantTimerDurationInMinutes{Value: minutes}
	}
	return c
}

func (w *world) setTimers(contact string, list ...types.ParticipantTimerConfiguration) error {
	_, err := w.client.UpdateParticipantRoleConfig(w.t.Context(), &sdk.UpdateParticipantRoleConfigInput{
		InstanceId: p(arn), ContactId: &contact, ChannelConfiguration: timers(list...),
	})
	return err
}

func TestUpdateParticipantRoleConfig(t *testing.T) {
	w := newWorld(t)
	contact, customer := w.start(input())
	w.do(contact, chat.Connect{By: customer})
	if err := w.setTimers(contact, timer("CUSTOMER", "IDLE", 480), timer("AGENT", "IDLE", 2), timer("CUSTOMER", "DISCONNECT_NONCUSTOMER", 3)); err != nil {
		t.Fatal(err)
	}
	if err := w.setTimers(contact, timer("CUSTOMER", "IDLE", 2), timer("AGENT", "IDLE", 0)); err != nil {
		t.Fatal(err)
	}
	w.joins(contact, "AGENT", "Bob")
	w.clock.Advance(2*time.Minute + time.Second)
	w.describe(contact) // the customer is idle
	w.clock.Advance(3*time.Minute - time.Second)
	if got := w.describe(contact).DisconnectTimestamp; got != nil {
		t.Errorf("the chat ended at %v", got)
	}
	w.clock.Advance(2 * time.Second)
	if got := w.describe(contact).DisconnectReason; got == nil || *got != "IDLE_DISCONNECT" {
		t.Errorf("after five minutes of silence DisconnectReason is %v", got)
	}
	refused(t, w.setTimers(contact, timer("AGENT", "IDLE", 2)), "InvalidRequestException", 400, "the chat has ended")
}

func TestTimerRefusals(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	appends := w.store.appends.Load()
	twice := []types.ParticipantTimerConfiguration{timer("AGENT", "IDLE", 2), timer("CUSTOMER", "IDLE", 2), timer("AGENT", "IDLE", 0)}
	refused(t, w.setTimers(contact, twice...), "InvalidRequestException", 400, "IDLE of AGENT twice")
	for _, list := range [][]types.ParticipantTimerConfiguration{
		{}, {timer("AGENT", "IDLE", 1)}, {timer("AGENT", "IDLE", 481)}, {timer("SUPERVISOR", "IDLE", 2)}, {timer("AGENT", "NAP", 2)},
		{twice[0], twice[0], twice[0], twice[0], twice[0], twice[0], twice[0]},
	} {
		refused(t, w.setTimers(contact, list...), "InvalidRequestException", 400, "participantTimerConfigList")
	}
	for value, message := range map[string]string{
		`{}`: "[0].TimerValue must have exactly one",
		`{"ParticipantTimerAction":"Unset","ParticipantTimerDurationInMinutes":2}`: "[0].TimerValue must have exactly one",
		`{"ParticipantTimerAction":"unset"}`:                                       "participantTimerAction",
		`null`:                                                                     "timerValue",
		`{"ParticipantTimerDurationInMinutes":"2"}`:                                "participantTimerDurationInM",
	} {
		a := w.send("PUT", "/contact/participant-role-config/"+instanceID+"/"+contact,
			`{"ChannelConfiguration":{"Chat":{"ParticipantTimerConfigList":[{"ParticipantRole":"AGENT","TimerType":"IDLE","TimerValue":`+value+`}]}}}`)
		if a.status != 400 || !strings.Contains(a.message, message) {
			t.Errorf("%s: got %d %v", value, a.status, a.body)
		}
	}
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends", got-appends)
	}
}
