package connect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
)

// all is a search that finds everything that began in a day.
func all() *sdk.SearchContactsInput {
	return &sdk.SearchContactsInput{
		InstanceId: p(arn),
		TimeRange:  &types.SearchContactsTimeRange{Type: "INITIATION_TIMESTAMP", StartTime: p(t0), EndTime: p(t0.Add(24 * time.Hour))},
	}
}

func (w *world) search(in *sdk.SearchContactsInput) *sdk.SearchContactsOutput {
	w.t.Helper()
	out, err := w.client.SearchContacts(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// crowd is what searches look through: contacts by a name, begun a minute after another.
func (w *world) crowd() map[string]string {
	w.t.Helper()
	ids := make(map[string]string)
	for _, name := range []string{"waits", "talks", "ended"} {
		in := input()
		in.Attributes = map[string]string{"name": name, "plan": "gold"}
		var customer chat.ParticipantID
		ids[name], customer = w.start(in)
		w.do(ids[name], chat.Connect{By: customer})
		if err := w.tag(ids[name], map[string]string{"kind": name, "shared": "yes"}); err != nil {
			w.t.Fatal(err)
		}
		if err := w.update(ids[name], &sdk.UpdateContactInput{Name: &name}); err != nil {
			w.t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
	}
	w.joins(ids["talks"], "AGENT", "Bob")
	out, err := w.transfer(ids["talks"], &sdk.TransferContactInput{QueueId: p("billing")})
	if err != nil {
		w.t.Fatal(err)
	}
	ids["transferred"] = *out.ContactId
	w.joins(ids["transferred"], "AGENT", "zoe")
	w.clock.Advance(time.Minute)
	w.do(ids["ended"], chat.Stop{})
	return ids
}

func TestSearchContacts(t *testing.T) {
	w := newWorld(t)
	ids := w.crowd()
	tags := func(conditions ...string) (list []types.TagCondition) {
		for _, c := range conditions {
			key, value, _ := strings.Cut(c, "=")
			list = append(list, types.TagCondition{TagKey: &key, TagValue: &value})
		}
		return list
	}
	attributes := func(match types.SearchContactsMatchType, criteria ...string) *types.SearchCriteria {
		a := &types.SearchableContactAttributes{MatchType: match, Criteria: []types.SearchableContactAttributesCriteria{}}
		for _, c := range criteria {
			key, values, _ := strings.Cut(c, "=")
			a.Criteria = append(a.Criteria, types.SearchableContactAttributesCriteria{Key: &key, Values: strings.Split(values, ",")})
		}
		return &types.SearchCriteria{SearchableContactAttributes: a}
	}
	tests := map[string]struct {
		criteria *types.SearchCriteria
		want     string // the newest first
	}{
		"everything":               {nil, "transferred ended talks waits"},
		"no criterion":             {&types.SearchCriteria{}, "transferred ended talks waits"},
		"a channel":                {&types.SearchCriteria{Channels: []types.Channel{"VOICE", "CHAT"}}, "transferred ended talks waits"},
		"another channel":          {&types.SearchCriteria{Channels: []types.Channel{"VOICE"}}, ""},
		"a method":                 {&types.SearchCriteria{InitiationMethods: []types.ContactInitiationMethod{"QUEUE_TRANSFER", "INBOUND"}}, "transferred"},
		"a queue":                  {&types.SearchCriteria{QueueIds: []string{arn + "/queue/billing", "nowhere"}}, "transferred"},
		"an agent":                 {&types.SearchCriteria{AgentIds: []string{arn + "/agent/zoe"}}, "transferred"},
		"an agent without a user":  {&types.SearchCriteria{AgentIds: []string{"Bob"}}, "talks"},
		"an agent and a queue":     {&types.SearchCriteria{AgentIds: []string{"zoe"}, QueueIds: []string{"Support"}}, ""},
		"a hierarchy":              {&types.SearchCriteria{AgentHierarchyGroups: &types.AgentHierarchyGroups{L3Ids: []string{"g"}}}, ""},
		"an empty hierarchy":       {&types.SearchCriteria{AgentHierarchyGroups: &types.AgentHierarchyGroups{}}, "transferred ended talks waits"},
		"a name":                   {&types.SearchCriteria{Name: &types.NameCriteria{MatchType: "MATCH_EXACT", SearchText: []string{"waits"}}}, "waits"},
		"some names":               {&types.SearchCriteria{Name: &types.NameCriteria{MatchType: "MATCH_ANY", SearchText: []string{"waits", "ended", "wait"}}}, "ended waits"},
		"no name":                  {&types.SearchCriteria{Name: &types.NameCriteria{MatchType: "MATCH_ANY", SearchText: []string{}}}, "transferred ended talks waits"},
		"active":                   {&types.SearchCriteria{AdditionalTimeRange: notEnded("DISCONNECT_TIMESTAMP", "MATCH_ALL")}, "transferred waits"},
		"an attribute":             {attributes("", "name=waits,ended"), "ended waits"},
		"an attribute of a chat":   {attributes("MATCH_EXACT", "name=talks"), "transferred talks"},
		"all attributes":           {attributes("MATCH_ALL", "name=waits", "plan=gold"), "waits"},
		"all attributes, not met":  {attributes("MATCH_ALL", "name=waits", "plan=silver"), ""},
		"any attribute":            {attributes("MATCH_ANY", "name=waits", "plan=gold"), "transferred ended talks waits"},
		"no attribute":             {attributes("MATCH_ANY"), "transferred ended talks waits"},
		"a part of an attribute":   {attributes("", "name=wait"), ""},
		"a tag":                    {&types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{TagCondition: &tags("kind=talks")[0]}}, "talks"},
		"several tags":             {&types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{AndConditions: tags("kind=talks", "shared=yes")}}, "talks"},
		"several tags, not met":    {&types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{AndConditions: tags("kind=talks", "shared=no")}}, ""},
		"one of two pairs of tags": {&types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{OrConditions: [][]types.TagCondition{tags("kind=talks", "shared=yes"), tags("kind=ended", "shared=no")}}}, "talks"},
		"one of two tags":          {&types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{OrConditions: [][]types.TagCondition{tags("kind=talks"), tags("kind=ended")}}}, "ended talks"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := all()
			in.SearchCriteria = test.criteria
			if got := names(w.search(in), ids); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
			in.MaxResults = p(int32(1))
			if out := w.search(in); *out.TotalCount != int64(len(strings.Fields(test.want))) || len(out.Contacts) > 1 {
				t.Errorf("on a page of one there are %d of %d", len(out.Contacts), *out.TotalCount)
			}
		})
	}
}

func notEnded(kind types.SearchContactsTimeRangeType, match types.SearchContactsMatchType) *types.SearchContactsAdditionalTimeRange {
	return &types.SearchContactsAdditionalTimeRange{MatchType: match, Criteria: []types.SearchContactsAdditionalTimeRangeCriteria{{
		TimestampCondition: &types.SearchContactsTimestampCondition{Type: kind, ConditionType: "NOT_EXISTS"},
	}}}
}

// names gives the names of what was found.
func names(out *sdk.SearchContactsOutput, ids map[string]string) string {
	var found []string
	for _, c := range out.Contacts {
		for name, id := range ids {
			if id == *c.Id {
				found = append(found, name)
			}
		}
	}
	return strings.Join(found, " ")
}

func TestSearchByTime(t *testing.T) {
	w := newWorld(t)
	ids := w.crowd()
	for kind, want := range map[types.SearchContactsTimeRangeType]string{
		"INITIATION_TIMESTAMP": "waits talks ended transferred", "DISCONNECT_TIMESTAMP": "talks ended", "SCHEDULED_TIMESTAMP": "",
		"ENQUEUE_TIMESTAMP": "waits talks ended transferred", "CONNECTED_TO_AGENT_TIMESTAMP": "talks transferred",
	} {
		in := all()
		in.TimeRange.Type = kind
		in.Sort = &types.Sort{FieldName: types.SortableFieldName(kind), Order: "ASCENDING"}
		if kind == "ENQUEUE_TIMESTAMP" { // nothing can be sorted by that, says the model
			in.Sort.FieldName = "CHANNEL"
		}
		if got := names(w.search(in), ids); got != want {
			t.Errorf("by %s, found %q, want %q", kind, got, want)
		}
		in.Sort = &types.Sort{FieldName: "CHANNEL", Order: "DESCENDING"}
		reversed := strings.Fields(want)
		slices.Reverse(reversed)
		if got := names(w.search(in), ids); got != strings.Join(reversed, " ") {
			t.Errorf("by %s backwards, found %q", kind, got)
		}
	}
	in := all() // both ends are included
	in.TimeRange.StartTime, in.TimeRange.EndTime = p(t0.Add(time.Minute)), p(t0.Add(time.Minute))
	if got := names(w.search(in), ids); got != "talks" {
		t.Errorf("at a moment, found %q", got)
	}
}

func TestSearchShowsContacts(t *testing.T) {
	w := newWorld(t)
	ids := w.crowd()
	in := all()
	in.MaxResults = p(int32(1))
	got, want := w.search(in).Contacts[0], w.describe(ids["transferred"])
	if *got.Arn != *want.Arn || *got.InitialContactId != ids["talks"] || *got.PreviousContactId != ids["talks"] || got.Channel != "CHAT" ||
		got.InitiationMethod != "QUEUE_TRANSFER" || *got.AgentInfo.Id != "zoe" || *got.QueueInfo.Id != "billing" ||
		!got.InitiationTimestamp.Equal(*want.InitiationTimestamp) || !got.QueueInfo.EnqueueTimestamp.Equal(*want.QueueInfo.EnqueueTimestamp) ||
		!got.AgentInfo.ConnectedToAgentTimestamp.Equal(*want.AgentInfo.ConnectedToAgentTimestamp) || got.DisconnectTimestamp != nil || got.Name != nil {
		t.Errorf("found %+v", got)
	}
	in.SearchCriteria = &types.SearchCriteria{Name: &types.NameCriteria{MatchType: "MATCH_ANY", SearchText: []string{"ended"}}}
	got, want = w.search(in).Contacts[0], w.describe(ids["ended"])
	if !got.DisconnectTimestamp.Equal(*want.DisconnectTimestamp) || *got.Name != "ended" || fmt.Sprint(got.Tags) != fmt.Sprint(want.Tags) ||
		got.PreviousContactId != nil || got.AgentInfo != nil {
		t.Errorf("found %+v", got)
	}
}

// Pages have every contact once, however they are read; what comes later is on none.
func TestSearchPages(t *testing.T) {
	w := newWorld(t)
	const n = 7
	for range n { // two of them at the same time
		w.start(input())
		w.start(input())
		w.clock.Advance(time.Second)
	}
	for _, order := range []types.SortOrder{"ASCENDING", "DESCENDING"} {
		seen := make(map[string]bool)
		in := all()
		in.Sort = &types.Sort{FieldName: "INITIATION_TIMESTAMP", Order: order}
		var first string
		for pages := 0; ; pages++ {
			in.MaxResults = p(int32(1 + pages))
			out := w.search(in)
			for _, c := range out.Contacts {
				if seen[*c.Id] {
					t.Errorf("%s: %s comes twice", order, *c.Id)
				}
				seen[*c.Id] = true
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
			if first == "" {
				first = *in.NextToken
			}
		}
		if len(seen) != 2*n {
			t.Errorf("%s: %d contacts on the pages", order, len(seen))
		}
		in.NextToken = &first // it stays valid
		if out := w.search(in); len(out.Contacts) == 0 || *out.TotalCount != 2*n {
			t.Errorf("%s: an old token gives %d of %d", order, len(out.Contacts), *out.TotalCount)
		}
	}
}

func TestSearchRefusals(t *testing.T) {
	w := newWorld(t)
	w.start(input())
	w.start(input())
	in := all()
	in.MaxResults = p(int32(1))
	next := *w.search(in).NextToken
	criteria := func(c types.SearchCriteria) func(*sdk.SearchContactsInput) {
		return func(in *sdk.SearchContactsInput) { in.SearchCriteria = &c }
	}
	condition := types.TagCondition{TagKey: p("a"), TagValue: p("b")}
	nine := slices.Repeat([]types.TagCondition{condition}, 9)
	for message, change := range map[string]func(*sdk.SearchContactsInput){
		"EndTime is before":           func(in *sdk.SearchContactsInput) { in.TimeRange.EndTime = p(t0.Add(-time.Second)) },
		"TimeRange.StartTime must be": func(in *sdk.SearchContactsInput) { in.TimeRange.StartTime = p(time.Unix(-1, 0)) },
		"timeRange.type":              func(in *sdk.SearchContactsInput) { in.TimeRange.Type = "BIRTHDAY" },
		"Sort.FieldName must be": func(in *sdk.SearchContactsInput) {
			in.Sort = &types.Sort{FieldName: "DISCONNECT_TIMESTAMP", Order: "ASCENDING"}
		},
		"NextToken is not of this search": func(in *sdk.SearchContactsInput) { in.NextToken = p("x") },
		"with the same request": func(in *sdk.SearchContactsInput) {
			in.NextToken, in.SearchCriteria = &next, &types.SearchCriteria{QueueIds: []string{"q"}}
		},
		"criteria.ContactAnalysis":          criteria(types.SearchCriteria{ContactAnalysis: &types.ContactAnalysis{}}),
		"criteria.RoutingCriteria":          criteria(types.SearchCriteria{RoutingCriteria: &types.SearchableRoutingCriteria{}}),
		"criteria.ActiveRegions":            criteria(types.SearchCriteria{ActiveRegions: []string{"us-east-1"}}),
		"a name is found whole":             criteria(types.SearchCriteria{Name: &types.NameCriteria{MatchType: "MATCH_ALL", SearchText: []string{"a", "b"}}}),
		"Name.MatchType":                    criteria(types.SearchCriteria{Name: &types.NameCriteria{MatchType: "MATCH_NONE", SearchText: []string{"a"}}}),
		"DISCONNECT_TIMESTAMP is NOT_EXIST": criteria(types.SearchCriteria{AdditionalTimeRange: notEnded("ENQUEUE_TIMESTAMP", "MATCH_ALL")}),
		"AdditionalTimeRange.MatchType":     criteria(types.SearchCriteria{AdditionalTimeRange: notEnded("DISCONNECT_TIMESTAMP", "MATCH_NONE")}),
		"Criteria[0].Values is empty": criteria(types.SearchCriteria{SearchableContactAttributes: &types.SearchableContactAttributes{
			Criteria: []types.SearchableContactAttributesCriteria{{Key: p("k"), Values: []string{}}}}}),
		"SearchableContactAttributes.MatchType": criteria(types.SearchCriteria{SearchableContactAttributes: &types.SearchableContactAttributes{
			MatchType: "MATCH_NONE", Criteria: []types.SearchableContactAttributesCriteria{}}}),
		"must have TagKey and TagValue": criteria(types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{TagCondition: &types.TagCondition{TagKey: p("a")}}}),
		"begin with aws:": criteria(types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{
			OrConditions: [][]types.TagCondition{{{TagKey: p("aws:x"), TagValue: p("y")}}}}}),
		"OrConditions[1] is empty":     criteria(types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{OrConditions: [][]types.TagCondition{nine, {}}}}),
		"has too many conditions":      criteria(types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{OrConditions: [][]types.TagCondition{nine, nine}}}),
		"ContactTags has too many con": criteria(types.SearchCriteria{ContactTags: &types.ControlPlaneTagFilter{AndConditions: slices.Repeat(nine, 8)}}),
		"criteria.SearchableSegmentAttributes": criteria(types.SearchCriteria{SearchableSegmentAttributes: &types.SearchableSegmentAttributes{
			Criteria: []types.SearchableSegmentAttributesCriteria{{Key: p("k"), Values: []string{"v"}}}}}),
	} {
		t.Run(message, func(t *testing.T) {
			in := all()
			change(in)
			_, err := w.client.SearchContacts(t.Context(), in)
			code := "InvalidRequestException"
			if in.NextToken != nil {
				code = "InvalidParameterException"
			}
			refused(t, err, code, 400, strings.TrimPrefix(message, "criteria."))
		})
	}
	in = all()
	in.InstanceId = p(unknownID)
	_, err := w.client.SearchContacts(t.Context(), in)
	refused(t, err, "ResourceNotFoundException", 404, "InstanceId")
	for end, message := range map[string]string{
		"253402300800": "TimeRange.EndTime must be", "-0.001": "TimeRange.EndTime must be", "1e300": "TimeRange.EndTime must be",
		"1e999": "", `"2026-04-02T10:00:00Z"`: "timeRange.endTime", "null": "timeRange.endTime",
	} {
		a := w.send("POST", "/search-contacts", `{"InstanceId":"`+instanceID+`","TimeRange":{"Type":"INITIATION_TIMESTAMP","StartTime":0,"EndTime":`+end+`}}`)
		if a.status != 400 || !strings.Contains(a.message, message) {
			t.Errorf("until %s: got %d %v", end, a.status, a.body)
		}
	}
}
