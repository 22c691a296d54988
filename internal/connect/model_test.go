package connect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/connect"

	"github.com/parley-chat/parley/internal/connect"
	"github.com/parley-chat/parley/internal/restjson/restjsontest"
)

// left says what differs from the official model, and why.
func left() map[string]string {
	left := map[string]string{
		"CreateParticipant.In.ParticipantDetails.ParticipantRole required": "nobody can be added without one",
		"StartChatContact.In.PersistentChat.RehydrationType required":      "the documentation says so, the model doesn't",
	}
	for _, at := range []string{"StartChatContact.In.SegmentAttributes", "DescribeContact.Out.Contact.SegmentAttributes"} {
		for _, kind := range []string{"ValueArn", "ValueInteger", "ValueList", "ValueMap"} {
			left[at+"."+kind] = "a chat has texts only; others are refused"
		}
	}
	for why, members := range map[string]string{
		"no chat of ours has it yet": "ChatMetrics ContactEvaluations Customer Description DisconnectDetails Name NextContacts " +
			"PreviousContactId QueuePriority QueueTimeAdjustmentSeconds Recordings RoutingCriteria SystemEndpoint CustomerEndpoint",
		"it is about calls, tasks, email, campaigns or AWS": "AdditionalEmailRecipients AnsweringMachineDetectionStatus Campaign " +
			"ContactDetails CustomerVoiceActivity GlobalResiliencyMetadata LastPausedTimestamp LastResumedTimestamp OutboundStrategy " +
			"QualityMetrics RingStartTimestamp ScheduledTimestamp TaskTemplateInfo TotalPauseCount TotalPauseDurationInSeconds WisdomInfo",
		"our agents have no after-contact work, devices or hierarchy": "AgentInfo.AfterContactWorkDuration " +
			"AgentInfo.AfterContactWorkEndTimestamp AgentInfo.AfterContactWorkStartTimestamp AgentInfo.AgentInitiatedHoldDuration " +
			"AgentInfo.AgentPauseDurationInSeconds AgentInfo.Capabilities AgentInfo.DeviceInfo AgentInfo.HierarchyGroups " +
			"AgentInfo.PreviewEndTimestamp AgentInfo.StateTransitions AgentInfo.VoiceEnhancementMode",
	} {
		for _, m := range strings.Fields(members) {
			left["DescribeContact.Out.Contact."+m] = why
		}
	}
	return left
}

func TestModelIsTheOfficialOne(t *testing.T) {
	wire := &restjsontest.Wire{}
	client := sdk.New(sdk.Options{
		Region: "us-west-2", Retryer: aws.NopRetryer{}, HTTPClient: wire,
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""),
	})
	parity := restjsontest.Parity{Client: client, Wire: wire, Except: left()}
	parity.Check(t, connect.New(connect.Config{}))
}

// TestInputs sends every input with each of its members broken in each way, and with
// each at its limits.
func TestInputs(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	good := map[string]string{
		"StartChatContact": `{"InstanceId":"` + instanceID + `","ContactFlowId":"` + flowID + `",
			"ParticipantDetails":{"DisplayName":"Ann"},"Attributes":{"a":"b"},"ClientToken":"t",
			"InitialMessage":{"ContentType":"text/plain","Content":"hi"},"ChatDurationInMinutes":60,
			"SupportedMessagingContentTypes":["text/plain"],"PersistentChat":{"RehydrationType":"FROM_SEGMENT"},
			"SegmentAttributes":{"connect:Subtype":{"ValueString":"connect:Chat"}},"CustomerId":"c",
			"DisconnectOnCustomerExit":["AGENT"],"ParticipantConfiguration":{"ResponseMode":"COMPLETE"}}`,
		"CreateParticipant": `{"InstanceId":"` + instanceID + `","ContactId":"` + contact + `","ClientToken":"t",
			"ParticipantDetails":{"ParticipantRole":"SUPERVISOR","DisplayName":"Zoë",
			"ParticipantCapabilities":{"Video":"SEND","ScreenShare":"SEND"}}}`,
		"StopContact":             `{"InstanceId":"` + instanceID + `","ContactId":"` + contact + `","DisconnectReason":{"Code":"x"}}`,
		"UpdateContactAttributes": `{"InstanceId":"` + instanceID + `","InitialContactId":"` + contact + `","Attributes":{"a":"b"}}`,
	}
	for _, op := range connect.New(w.config).Operations() {
		if good[op.Name] == "" {
			continue // it has no body
		}
		bad, fits := restjsontest.Cases(op.In, good[op.Name])
		appends := w.store.appends.Load()
		for _, c := range bad {
			a := w.send(op.Method, op.Path, c.Body)
			if a.status != 400 || a.body["__type"] != "InvalidRequestException" || !strings.Contains(a.message, c.Member) {
				t.Errorf("%s, %s: got %d %v", op.Name, c.Name, a.status, a.body)
			}
		}
		if got := w.store.appends.Load(); got != appends {
			t.Errorf("%s: %d appends", op.Name, got-appends)
		}
		for _, c := range fits {
			if a := w.send(op.Method, op.Path, c.Body); strings.Contains(a.message, "validation error") {
				t.Errorf("%s, %s: got %d %v", op.Name, c.Name, a.status, a.body)
			}
		}
	}
}

// Labels of paths have limits too.
func TestLabels(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	for _, path := range []string{"/contacts/%s/%s", "/contact/attributes/%s/%s"} {
		for _, ids := range [][2]string{
			{strings.Repeat("x", 101), contact}, {instanceID, strings.Repeat("x", 257)}, {"a%00", contact},
		} {
			a := w.send("GET", fmt.Sprintf(path, ids[0], ids[1]), "")
			if a.status != 400 || a.body["__type"] != "InvalidRequestException" {
				t.Errorf("%s %v: got %d %v", path, ids, a.status, a.body)
			}
		}
	}
}
