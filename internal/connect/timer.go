package connect

import (
	"context"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
)

// UpdateParticipantRoleConfigIn is the input of UpdateParticipantRoleConfig (semantics.md
// 7): the idle timers of the customer and of the agents.
type UpdateParticipantRoleConfigIn struct {
	InstanceId           *string                                 `path:"InstanceId" required:"true" min:"1" max:"100"`
	ContactId            *string                                 `path:"ContactId" required:"true" min:"1" max:"256"`
	ChannelConfiguration *UpdateParticipantRoleConfigChannelInfo `json:"ChannelConfiguration" required:"true"`
}

// UpdateParticipantRoleConfigChannelInfo has one member, and it must be there.
type UpdateParticipantRoleConfigChannelInfo struct {
	Chat *ChatParticipantRoleConfig `json:"Chat" required:"true"`
}

// ChatParticipantRoleConfig lists timers, of each role and type one at the most.
type ChatParticipantRoleConfig struct {
	ParticipantTimerConfigList []ParticipantTimerConfiguration `json:"ParticipantTimerConfigList" required:"true" min:"1" max:"6"`
}

// ParticipantTimerConfiguration sets or unsets a timer.
type ParticipantTimerConfiguration struct {
	ParticipantRole *string                `json:"ParticipantRole" required:"true" enum:"CUSTOMER|AGENT"`
	TimerType       *string                `json:"TimerType" required:"true" enum:"IDLE|DISCONNECT_NONCUSTOMER"`
	TimerValue      *ParticipantTimerValue `json:"TimerValue" required:"true"`
}

// ParticipantTimerValue has exactly one of its members.
type ParticipantTimerValue struct {
	ParticipantTimerAction            *string `json:"ParticipantTimerAction" enum:"Unset"`
	ParticipantTimerDurationInMinutes *int32  `json:"ParticipantTimerDurationInMinutes" min:"2" max:"480"`
}

// UpdateParticipantRoleConfigOut is its output.
type UpdateParticipantRoleConfigOut struct{}

// updateParticipantRoleConfig stores timers for the next agent who joins the chat, in
// whatever contact.
func (s *service) updateParticipantRoleConfig(ctx context.Context, in *UpdateParticipantRoleConfigIn) (*UpdateParticipantRoleConfigOut, error) {
	timers, err := in.timers()
	if err != nil {
		return nil, err
	}
	at, err := s.find(ctx, *in.InstanceId, *in.ContactId)
	if err != nil {
		return nil, err
	}
	_, err = s.node.Do(ctx, at.chat, chat.SetTimers{Timers: timers})
	return nil, err
}

// timers holds the input to the rules that its tags can't say.
func (in *UpdateParticipantRoleConfigIn) timers() ([]chat.Timer, error) {
	const list = "ChannelConfiguration.Chat.ParticipantTimerConfigList"
	var timers []chat.Timer
	seen := make(map[chat.Timer]bool)
	for i, c := range in.ChannelConfiguration.Chat.ParticipantTimerConfigList {
		v := c.TimerValue
		if (v.ParticipantTimerAction == nil) == (v.ParticipantTimerDurationInMinutes == nil) {
			return nil, invalidRequest(fmt.Sprintf(
				"%s[%d].TimerValue must have exactly one of ParticipantTimerAction and ParticipantTimerDurationInMinutes", list, i))
		}
		t := chat.Timer{Role: chat.Role(*c.ParticipantRole), Type: chat.TimerType(*c.TimerType)}
		if seen[t] {
			return nil, invalidRequest(fmt.Sprintf("%s has %s of %s twice; say once what it is to be", list, t.Type, t.Role))
		}
		seen[t] = true
		t.Minutes = int(restjson.Value(v.ParticipantTimerDurationInMinutes))
		timers = append(timers, t)
	}
	return timers, nil
}
