package connect_test

import (
	"errors"
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

func TestStartChatContact(t *testing.T) {
	w := newWorld(t)
	out, err := w.client.StartChatContact(t.Context(), input())
	if err != nil {
		t.Fatal(err)
	}
	if out.ContinuedFromContactId != nil {
		t.Error("ContinuedFromContactId is set")
	}
	claims, err := w.tokens.Verify(token.Participant, *out.ParticipantToken, t0.AddDate(1, 0, 0))
	want := token.Claims{Chat: mustID(t, *out.ContactId).UUID, Participant: mustID(t, *out.ParticipantId).UUID}
	if err != nil || claims != want {
		t.Errorf("the token says %v, %v; want %v", claims, err, want)
	}
	w.look(*out.ContactId, func(c *chat.Chat) {
		set := c.Settings
		if set.Customer.Name != "Ann" || set.Customer.ID.String() != *out.ParticipantId || set.Instance != instanceID {
			t.Errorf("settings are %+v", set)
		}
		if set.Minutes != chat.DefaultMinutes || !reflect.DeepEqual(set.ContentTypes, []string{chat.TypePlain}) {
			t.Errorf("defaults are %d minutes, %v", set.Minutes, set.ContentTypes)
		}
		if len(set.Flow.Steps) != 2 || !c.StartedAt.Equal(t0) {
			t.Errorf("flow %v, started %v", set.Flow, c.StartedAt)
		}
	})
}

func TestStartKeepsAllItIsTold(t *testing.T) {
	w := newWorld(t)
	in := input()
	in.InstanceId, in.ContactFlowId = p(arn), p(arn+"/contact-flow/"+flowID)
	in.ParticipantDetails.DisplayName = p("Zoë 🙂")
	in.Attributes = map[string]string{"order-ID_1": "42 ü", "empty": ""}
	in.InitialMessage = &types.ChatMessage{ContentType: p(chat.TypeMarkdown), Content: p("**hi**")}
	in.ChatDurationInMinutes = p(int32(60))
	in.SupportedMessagingContentTypes = []string{chat.TypeMarkdown, chat.TypePlain, chat.TypeInteractive, chat.TypeInteractiveResponse, chat.TypePlain}
	in.RelatedContactId = p(unknownID)
	in.SegmentAttributes = map[string]types.SegmentAttributeValue{
		"connect:Subtype": {ValueString: p("connect:Guide")}, "mine": {ValueString: p("")},
	}
	in.CustomerId = p("c-1")
	in.DisconnectOnCustomerExit = []types.DisconnectOnCustomerExitParticipantType{"AGENT"}
	in.ParticipantConfiguration = &types.ParticipantConfiguration{ResponseMode: "INCREMENTAL"}
	contact, _ := w.start(in)
	w.look(contact, func(c *chat.Chat) {
		got := c.Settings
		want := chat.Settings{
			Instance: instanceID, FlowID: arn + "/contact-flow/" + flowID, Flow: got.Flow,
			Customer: chat.Author{ID: got.Customer.ID, Role: chat.Customer, Name: "Zoë 🙂"}, System: got.System,
			Attributes:     in.Attributes,
			InitialMessage: &chat.Content{Type: chat.TypeMarkdown, Text: "**hi**"}, Minutes: 60,
			ContentTypes:      []string{chat.TypeMarkdown, chat.TypePlain, chat.TypeInteractive, chat.TypeInteractiveResponse},
			RelatedContact:    unknownID,
			SegmentAttributes: map[string]string{"connect:Subtype": "connect:Guide", "mine": ""},
			CustomerID:        "c-1", DisconnectOnCustomerExit: []chat.Role{chat.Agent}, ResponseMode: "INCREMENTAL",
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestStartIsIdempotent(t *testing.T) {
	w := newWorld(t)
	call := func(token *string) sdk.StartChatContactOutput {
		t.Helper()
		in := input()
		in.ClientToken = token
		out, err := w.client.StartChatContact(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return *out
	}
	first := call(p("one"))
	appends := w.store.appends.Load()
	w.clock.Advance(time.Minute)
	again := call(p("one"))
	if *again.ContactId != *first.ContactId || *again.ParticipantId != *first.ParticipantId || *again.ParticipantToken != *first.ParticipantToken {
		t.Errorf("the repetition gave %v, not %v", again, first)
	}
	if w.store.appends.Load() != appends {
		t.Error("the repetition stored something")
	}
	w.do(*first.ContactId, chat.Stop{})
	if again := call(p("one")); *again.ContactId != *first.ContactId {
		t.Error("the repetition after the end began another chat")
	}
	if other := call(p("two")); *other.ContactId == *first.ContactId {
		t.Error("another ClientToken gave the same chat")
	}
	if one, other := call(p("")), call(p("")); *one.ContactId == *other.ContactId {
		t.Error("an empty ClientToken counted as one")
	}
	w.clock.Advance(25 * time.Hour)
	if later := call(p("one")); *later.ContactId == *first.ContactId {
		t.Error("the ClientToken still counts after a day")
	}
}

// The older limits, on request (semantics.md 3.11).
func TestStrictInitialMessage(t *testing.T) {
	for strict, most := range map[bool]int{true: 1024, false: 8192} {
		w := newWorld(t, func(c *connect.Config) { c.Strict = strict })
		start := func(n int) error {
			in := input()
			in.InitialMessage = &types.ChatMessage{ContentType: p(chat.TypePlain), Content: p(strings.Repeat("é", n))}
			_, err := w.client.StartChatContact(t.Context(), in)
			return err
		}
		if err := start(most); err != nil {
			t.Errorf("strict %v, %d characters: %v", strict, most, err)
		}
		var invalid *types.InvalidRequestException
		switch err := start(most + 1); {
		case !errors.As(err, &invalid):
			t.Errorf("strict %v, %d characters: %v", strict, most+1, err)
		case strict && !strings.Contains(*invalid.Message, "InitialMessage.Content has 1025 characters; 1024 are the most"):
			t.Error(*invalid.Message)
		}
	}
}

func TestStartRefusals(t *testing.T) {
	w := newWorld(t)
	type in = sdk.StartChatContactInput
	const invalidRequest, invalidParameter, notFound = "InvalidRequestException", "InvalidParameterException", "ResourceNotFoundException"
	guide := func(value string) map[string]types.SegmentAttributeValue {
		return map[string]types.SegmentAttributeValue{"connect:Subtype": {ValueString: &value}}
	}
	tests := map[string]struct {
		change  func(*in)
		code    string
		message string
	}{
		"another instance":     {func(i *in) { i.InstanceId = p(unknownID) }, notFound, "InstanceId names no instance of this server"},
		"another instance ARN": {func(i *in) { i.InstanceId = p(strings.Replace(arn, instanceID, unknownID, 1)) }, notFound, "InstanceId"},
		"the instance's alias": {func(i *in) { i.InstanceId = p("x/" + instanceID) }, notFound, "InstanceId"},
		"another flow":         {func(i *in) { i.ContactFlowId = p(unknownID) }, notFound, "ContactFlowId names no flow"},
		"attributes too large": {func(i *in) {
			i.Attributes = map[string]string{"a": strings.Repeat("x", 16384), "b": strings.Repeat("é", 8192)}
		}, invalidParameter, "32768 bytes"},
		"without text/plain":  {func(i *in) { i.SupportedMessagingContentTypes = []string{chat.TypeJSON} }, invalidParameter, "must contain text/plain"},
		"no type at all":      {func(i *in) { i.SupportedMessagingContentTypes = []string{} }, invalidParameter, "must contain text/plain"},
		"unsupported message": {func(i *in) { i.InitialMessage = &types.ChatMessage{ContentType: p(chat.TypeJSON), Content: p("{}")} }, invalidRequest, "add it to SupportedMessagingContentTypes"},
		"interactive message": {func(i *in) {
			i.InitialMessage = &types.ChatMessage{ContentType: p(chat.TypeInteractive), Content: p("{}")}
		}, invalidRequest, "initialMessage.contentType"},
		"message too long in bytes": {func(i *in) {
			i.InitialMessage = &types.ChatMessage{ContentType: p(chat.TypePlain), Content: p(strings.Repeat("é", 8193))}
		}, invalidRequest, "initialMessage.content"},
		"persistent and related": {func(i *in) {
			i.PersistentChat, i.RelatedContactId = &types.PersistentChat{RehydrationType: "FROM_SEGMENT", SourceContactId: p(unknownID)}, p(unknownID)
		}, invalidRequest, "exclude one another"},
		"persistent of no type": {func(i *in) { i.PersistentChat = &types.PersistentChat{SourceContactId: p(unknownID)} }, invalidRequest, "persistentChat.rehydrationType"},
		"persistent of nothing": {func(i *in) { i.PersistentChat = &types.PersistentChat{RehydrationType: "FROM_SEGMENT"} }, invalidRequest, "persistentChat.sourceContactId"},
		"guide without interactive": {func(i *in) {
			i.SegmentAttributes = guide("connect:Guide")
			i.SupportedMessagingContentTypes = []string{chat.TypePlain, chat.TypeInteractive}
		}, invalidRequest, chat.TypeInteractiveResponse},
		"another subtype": {func(i *in) { i.SegmentAttributes = guide("connect:SMS") }, invalidParameter, "connect:Subtype must be"},
		"a number for a segment attribute": {func(i *in) {
			i.SegmentAttributes = map[string]types.SegmentAttributeValue{"a": {ValueInteger: p(int32(1))}}
		}, invalidRequest, "segmentAttributes.a.valueString"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := input()
			test.change(in)
			_, err := w.client.StartChatContact(t.Context(), in)
			status := 400
			if test.code == notFound {
				status = 404
			}
			refused(t, err, test.code, status, test.message)
			var parameter *types.InvalidParameterException
			var request *types.InvalidRequestException
			var missing *types.ResourceNotFoundException
			if !errors.As(err, &parameter) && !errors.As(err, &request) && !errors.As(err, &missing) {
				t.Errorf("the SDK has no type for %v", err)
			}
			if n := w.store.appends.Load(); n != 0 {
				t.Errorf("%d appends", n)
			}
		})
	}
}

func TestStartAtItsLimits(t *testing.T) {
	w := newWorld(t)
	in := input()
	in.ParticipantDetails.DisplayName = p(strings.Repeat("é", 256))
	in.Attributes = map[string]string{"a": strings.Repeat("x", 16382), "b": strings.Repeat("é", 8191) + "x"}
	in.Attributes["c"] = ""
	in.InitialMessage = &types.ChatMessage{ContentType: p(chat.TypePlain), Content: p(strings.Repeat("é", 8192))}
	in.ChatDurationInMinutes = p(int32(10080))
	in.CustomerId, in.ClientToken = p(strings.Repeat("x", 128)), p(strings.Repeat("x", 500))
	in.SegmentAttributes = map[string]types.SegmentAttributeValue{strings.Repeat("k", 128): {ValueString: p(strings.Repeat("v", 1024))}}
	contact, _ := w.start(in)
	w.look(contact, func(c *chat.Chat) {
		if c.Settings.Minutes != 10080 || len(c.Attributes) != 3 {
			t.Errorf("settings are %+v", c.Settings)
		}
	})
}

// In local mode any flow id stands for the built-in flow.
func TestFlowOfAnyName(t *testing.T) {
	w := newWorld(t, func(c *connect.Config) { c.Center = newCenter(t, "") })
	in := input()
	in.ContactFlowId = p("f1")
	contact, _ := w.start(in)
	w.look(contact, func(c *chat.Chat) {
		if steps := c.Settings.Flow.Steps; len(steps) != 2 || steps[0].Say != "Welcome" {
			t.Errorf("the flow is %+v", steps)
		}
	})
}
