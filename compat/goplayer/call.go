package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"
)

// call calls an operation of either SDK client by its name. Where the operation takes a
// ConnectionToken and none is given, it is that of the participant.
func (p *player) call(ctx context.Context, op, who string, raw json.RawMessage) any {
	method := reflect.ValueOf(p.chat).MethodByName(op) // first: both have a DescribeView
	if !method.IsValid() {
		method = reflect.ValueOf(p.desk).MethodByName(op)
	}
	if !method.IsValid() {
		return fmt.Errorf("goplayer can't do %q", op)
	}
	in := reflect.New(method.Type().In(1).Elem())
	if err := decode(raw, in.Interface()); err != nil {
		return err
	}
	token := in.Elem().FieldByName("ConnectionToken")
	if s := p.people[who]; token.IsValid() && token.IsNil() && s != nil {
		token.Set(reflect.ValueOf(aws.String(s.token)))
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	if err, failed := out[1].Interface().(error); failed {
		return err
	}
	return plain(out[0])
}

// decode fills an input. The SDK's unions can't be decoded by themselves: there is one in
// the scenario.
func decode(raw json.RawMessage, in any) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var union struct {
		ChannelConfiguration struct {
			Chat struct {
				ParticipantTimerConfigList []struct {
					ParticipantRole types.TimerEligibleParticipantRoles
					TimerType       types.ParticipantTimerType
					TimerValue      struct{ ParticipantTimerDurationInMinutes int32 }
				}
			}
		}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	if members["ChannelConfiguration"] == nil {
		return json.Unmarshal(raw, in)
	}
	if err := json.Unmarshal(raw, &union); err != nil {
		return err
	}
	var config types.ChatParticipantRoleConfig
	for _, c := range union.ChannelConfiguration.Chat.ParticipantTimerConfigList {
		config.ParticipantTimerConfigList = append(config.ParticipantTimerConfigList, types.ParticipantTimerConfiguration{
			ParticipantRole: c.ParticipantRole, TimerType: c.TimerType,
			TimerValue: &types.ParticipantTimerValueMemberParticipantTimerDurationInMinutes{
				Value: c.TimerValue.ParticipantTimerDurationInMinutes,
			},
		})
	}
	delete(members, "ChannelConfiguration")
	rest, err := json.Marshal(members)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(rest, in); err != nil {
		return err
	}
	reflect.ValueOf(in).Elem().FieldByName("ChannelConfiguration").Set(
		reflect.ValueOf(&types.UpdateParticipantRoleConfigChannelInfoMemberChat{Value: config}))
	return nil
}

// plain makes an output what it was as JSON: a union is an object with one member.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Map:
		object := make(map[string]any)
		for it := v.MapRange(); it.Next(); {
			object[it.Key().String()] = plain(it.Value())
		}
		return object
	case reflect.Struct:
		return object(v)
	}
	return v.Interface()
}

func object(v reflect.Value) any {
	if t, ok := v.Interface().(time.Time); ok {
		return t
	}
	if _, member, union := strings.Cut(v.Type().Name(), "Member"); union && v.FieldByName("Value").IsValid() {
		return map[string]any{member: plain(v.FieldByName("Value"))}
	}
	object := make(map[string]any)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" && !v.Field(i).IsZero() {
			object[f.Name] = plain(v.Field(i))
		}
	}
	return object
}
