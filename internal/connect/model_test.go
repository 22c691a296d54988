package connect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/connect"
	"github.com/parley-chat/parley/internal/restjson/restjsontest"
)

// unions are members of the SDK's unions.
var unions = []any{&types.UpdateParticipantRoleConfigChannelInfoMemberChat{}, &types.ParticipantTimerValueMemberParticipantTimerAction{}}

// left says what differs from the official model, and why.
func left() map[string]string {
	left := map[string]string{
		"CreateParticipant.In.ParticipantDetails.ParticipantRole required":       "nobody can be added without one",
		"StartChatContact.In.PersistentChat.RehydrationType required":            "the documentation says so, the model doesn't",
		"StartChatContact.In.PersistentChat.SourceContactId required":            "there is nothing else to continue",
		"UpdateParticipantRoleConfig.In.ChannelConfiguration.Chat required":      "a union has one of its members, and there is this one",
		"ListContactReferences.Out.NextToken":                                    "is always absent, as the documentation says",
		"SearchContacts.In.SearchCriteria.ContactAnalysis.Transcript":            "refused with all of it",
		"SearchContacts.In.SearchCriteria.RoutingCriteria.Steps":                 "refused with all of it",
		"SearchContacts.In.SearchCriteria.SearchableSegmentAttributes.Criteria":  "refused with all of it",
		"SearchContacts.In.SearchCriteria.SearchableSegmentAttributes.MatchType": "refused with all of it",
		"SearchContacts.Out.Contacts.GlobalResiliencyMetadata":                   "it is about AWS",
		"SearchContacts.Out.Contacts.RoutingCriteria":                            "no chat of ours has it",
		"SearchContacts.Out.Contacts.ScheduledTimestamp":                         "no chat has it",
		"SearchContacts.Out.Contacts.SegmentAttributes":                          "DescribeContact shows them",
	}
	for at, members := range map[string]string{
		"QueueInfo": "Id", "UserInfo": "UserId", "CustomerEndpoint": "Address Type", "SystemEndpoint": "Address Type",
	} {
		for _, m := range strings.Fields(members) {
			left["UpdateContact.In."+at+"."+m] = "refused with all of it"
		}
	}
	for _, m := range []string{"Arn", "Status", "StatusReason"} {
		left["UpdateContact.In.References."+m] = "it is about email and files of tasks"
	}
	for _, at := range []string{
		"StartChatContact.In.SegmentAttributes", "UpdateContact.In.SegmentAttributes", "DescribeContact.Out.Contact.SegmentAttributes",
	} {
		for _, kind := range []string{"ValueArn", "ValueInteger", "ValueList", "ValueMap"} {
			left[at+"."+kind] = "a chat has texts only; others are refused"
		}
	}
	for why, members := range map[string]string{
		"no chat of ours has it": "ContactEvaluations Customer DisconnectDetails " +
			"QueuePriority QueueTimeAdjustmentSeconds Recordings RoutingCriteria SystemEndpoint CustomerEndpoint",
		"it is about calls, tasks, email, campaigns or AWS": "AdditionalEmailRecipients AnsweringMachineDetectionStatus Campaign " +
			"ContactDetails CustomerVoiceActivity GlobalResiliencyMetadata LastPausedTimestamp LastResumedTimestamp OutboundStrategy " +
			"QualityMetrics RingStartTimestamp ScheduledTimestamp TaskTemplateInfo TotalPauseCount TotalPauseDurationInSeconds WisdomInfo",
		"our agents have no after-contact work, devices or hierarchy": "AgentInfo.AfterContactWorkDuration " +
			"AgentInfo.AfterContactWorkEndTimestamp AgentInfo.AfterContactWorkStartTimestamp AgentInfo.AgentInitiatedHoldDuration " +
			"AgentInfo.AgentPauseDurationInSeconds AgentInfo.Capabilities AgentInfo.DeviceInfo AgentInfo.HierarchyGroups " +
			"AgentInfo.PreviewEndTimestamp AgentInfo.VoiceEnhancementMode",
		"what the states of a supervisor stand for is not known": "AgentInfo.StateTransitions",
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
	parity := restjsontest.Parity{Client: client, Wire: wire, Except: left(), Unions: unions}
	parity.Check(t, connect.New(connect.Config{}))
}

// TestInputs sends every input with each of its members broken in each way, and with
// each at its limits.
func TestInputs(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	good := map[string]string{
		"StartChatContact": `{"InstanceId":"$i","ContactFlowId":"` + flowID + `",
			"ParticipantDetails":{"DisplayName":"Ann"},"Attributes":{"a":"b"},"ClientToken":"t",
			"InitialMessage":{"ContentType":"text/plain","Content":"hi"},"ChatDurationInMinutes":60,
			"SupportedMessagingContentTypes":["text/plain"],"PersistentChat":{"RehydrationType":"FROM_SEGMENT","SourceContactId":"c"},
			"SegmentAttributes":{"connect:Subtype":{"ValueString":"connect:Chat"}},"CustomerId":"c",
			"DisconnectOnCustomerExit":["AGENT"],"ParticipantConfiguration":{"ResponseMode":"COMPLETE"}}`,
		"CreateParticipant": `{"InstanceId":"$i","ContactId":"$c","ClientToken":"t",
			"ParticipantDetails":{"ParticipantRole":"SUPERVISOR","DisplayName":"Zoë",
			"ParticipantCapabilities":{"Video":"SEND","ScreenShare":"SEND"}}}`,
		"StopContact":             `{"InstanceId":"$i","ContactId":"$c","DisconnectReason":{"Code":"x"}}`,
		"UpdateContactAttributes": `{"InstanceId":"$i","InitialContactId":"$c","Attributes":{"a":"b"}}`,
		"UpdateContact": `{"Name":"n","Description":"d","References":{"r":{"Type":"URL","Value":"v"}},
			"SegmentAttributes":{"a":{"ValueString":"b"}}}`,
		"TagContact": `{"InstanceId":"$i","ContactId":"$c","Tags":{"a":"b"}}`,
		"SearchContacts": `{"InstanceId":"$i","TimeRange":{"Type":"INITIATION_TIMESTAMP","StartTime":1,"EndTime":2.5},
			"MaxResults":7,"Sort":{"FieldName":"INITIATION_TIMESTAMP","Order":"ASCENDING"},
			"SearchCriteria":{"Name":{"SearchText":["a"],"MatchType":"MATCH_ANY"},"AgentIds":["a"],"Channels":["CHAT"],
			"AgentHierarchyGroups":{"L1Ids":["a"]},"InitiationMethods":["API"],"QueueIds":["q"],
			"AdditionalTimeRange":{"MatchType":"MATCH_ALL","Criteria":[{"TimestampCondition":{"Type":"DISCONNECT_TIMESTAMP","ConditionType":"NOT_EXISTS"}}]},
			"SearchableContactAttributes":{"MatchType":"MATCH_ANY","Criteria":[{"Key":"k","Values":["v"]}]},
			"ContactTags":{"TagCondition":{"TagKey":"k","TagValue":"v"},"OrConditions":[[{"TagKey":"k","TagValue":"v"}]]}}}`,
		"AssociateContactWithUser": `{"UserId":"zoe"}`,
		"MonitorContact":           `{"InstanceId":"$i","ContactId":"$c","UserId":"carol","AllowedMonitorCapabilities":["BARGE"],"ClientToken":"t"}`,
		"TransferContact":          `{"InstanceId":"$i","ContactId":"$c","ContactFlowId":"f","QueueId":"q","UserId":"u","ClientToken":"t"}`,
		"UpdateParticipantRoleConfig": `{"ChannelConfiguration":{"Chat":{"ParticipantTimerConfigList":[
			{"ParticipantRole":"AGENT","TimerType":"IDLE","TimerValue":{"ParticipantTimerDurationInMinutes":2}}]}}}`,
		"UpdateParticipantAuthentication":    `{"InstanceId":"$i","State":"s","Code":"c","Error":"e","ErrorDescription":"d"}`,
		"CreatePersistentContactAssociation": `{"RehydrationType":"FROM_SEGMENT","SourceContactId":"c","ClientToken":"t"}`,
	}
	ids := strings.NewReplacer("$i", instanceID, "$c", contact, "{InstanceId}", instanceID, "{ContactId}", contact, "{InitialContactId}", contact)
	for _, op := range connect.New(w.config).Operations() {
		if good[op.Name] == "" {
			continue // it has no body
		}
		path := ids.Replace(op.Path)
		bad, fits := restjsontest.Cases(op.In, ids.Replace(good[op.Name]))
		appends := w.store.appends.Load()
		for _, c := range bad {
			a := w.send(op.Method, path, c.Body)
			if a.status != 400 || a.body["__type"] != "InvalidRequestException" || !strings.Contains(a.message, c.Member) {
				t.Errorf("%s, %s: got %d %v", op.Name, c.Name, a.status, a.body)
			}
		}
		if got := w.store.appends.Load(); got != appends {
			t.Errorf("%s: %d appends", op.Name, got-appends)
		}
		for _, c := range fits {
			if a := w.send(op.Method, path, c.Body); strings.Contains(a.message, "validation error") {
				t.Errorf("%s, %s: got %d %v", op.Name, c.Name, a.status, a.body)
			}
		}
	}
}

// Labels of paths have limits too.
func TestLabels(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	for path, method := range map[string]string{
		"/contacts/%s/%s": "GET", "/contact/attributes/%s/%s": "GET",
		"/contact/references/%s/%s?referenceTypes=URL": "GET", "/contact/tags/%s/%s?TagKeys=a": "DELETE",
	} {
		for _, ids := range [][2]string{
			{strings.Repeat("x", 101), contact}, {instanceID, strings.Repeat("x", 257)}, {"a%00", contact},
		} {
			a := w.send(method, fmt.Sprintf(path, ids[0], ids[1]), "")
			if a.status != 400 || a.body["__type"] != "InvalidRequestException" {
				t.Errorf("%s %v: got %d %v", path, ids, a.status, a.body)
			}
		}
	}
}

// Query parameters have limits too.
func TestQueries(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	appends := w.store.appends.Load()
	keys := "TagKeys=" + strings.Join(strings.Split("abcdefg", ""), "&TagKeys=")
	types := strings.Repeat("&referenceTypes=URL", 7)[1:]
	for path, member := range map[string]string{
		"DELETE /contact/tags/%s/%s":                                     "tagKeys",
		"DELETE /contact/tags/%s/%s?TagKeys=":                            "tagKeys",
		"DELETE /contact/tags/%s/%s?tagkeys=a":                           "tagKeys",
		"DELETE /contact/tags/%s/%s?TagKeys=a%%20b":                      "tagKeys",
		"DELETE /contact/tags/%s/%s?TagKeys=a%%00":                       "tagKeys",
		"DELETE /contact/tags/%s/%s?TagKeys=aws:a":                       "TagKeys",
		"DELETE /contact/tags/%s/%s?TagKeys=" + strings.Repeat("x", 129): "tagKeys",
		"DELETE /contact/tags/%s/%s?" + keys:                             "tagKeys",
		"GET /contact/references/%s/%s":                                  "referenceTypes",
		"GET /contact/references/%s/%s?referenceTypes=url":               "referenceTypes",
		"GET /contact/references/%s/%s?" + types:                         "referenceTypes",
		"GET /contact/references/%s/%s?referenceTypes=URL&nextToken=x":   "NextToken",
	} {
		method, path, _ := strings.Cut(path, " ")
		a := w.send(method, fmt.Sprintf(path, instanceID, contact), "")
		if a.status != 400 || !strings.Contains(a.message, member) {
			t.Errorf("%s: got %d %v", path, a.status, a.body)
		}
	}
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends", got-appends)
	}
}
