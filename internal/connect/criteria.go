package connect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// SearchCriteria narrow a search down. Criteria that a chat can't meet (another channel,
// a hierarchy of agents) match nothing; those that we have no index for are refused.
type SearchCriteria struct {
	Name                        *NameCriteria                      `json:"Name"`
	AgentIds                    []string                           `json:"AgentIds" max:"100" itemmin:"1" itemmax:"256"`
	AgentHierarchyGroups        *AgentHierarchyGroups              `json:"AgentHierarchyGroups"`
	Channels                    []string                           `json:"Channels" enum:"VOICE|CHAT|TASK|EMAIL"`
	InitiationMethods           []string                           `json:"InitiationMethods" enum:"INBOUND|OUTBOUND|TRANSFER|QUEUE_TRANSFER|CALLBACK|API|DISCONNECT|MONITOR|EXTERNAL_OUTBOUND|WEBRTC_API|AGENT_REPLY|FLOW"`
	QueueIds                    []string                           `json:"QueueIds" max:"100"`
	AdditionalTimeRange         *SearchContactsAdditionalTimeRange `json:"AdditionalTimeRange"`
	SearchableContactAttributes *SearchableContactAttributes       `json:"SearchableContactAttributes"`
	ContactTags                 *ControlPlaneTagFilter             `json:"ContactTags"`
	// The rest is refused.
	ContactAnalysis             *Unsearchable `json:"ContactAnalysis"`
	RoutingCriteria             *Unsearchable `json:"RoutingCriteria"`
	SearchableSegmentAttributes *Unsearchable `json:"SearchableSegmentAttributes"`
	ActiveRegions               []string      `json:"ActiveRegions"`
}

// NameCriteria find contacts whose Name is one of the texts, whole and exactly.
type NameCriteria struct {
	SearchText []string `json:"SearchText" required:"true" max:"100" itemmax:"128"`
	MatchType  *string  `json:"MatchType" required:"true" enum:"MATCH_ALL|MATCH_ANY|MATCH_EXACT|MATCH_NONE"`
}

// AgentHierarchyGroups are groups that our agents are not in.
type AgentHierarchyGroups struct {
	L1Ids []string `json:"L1Ids" max:"10"`
	L2Ids []string `json:"L2Ids" max:"10"`
	L3Ids []string `json:"L3Ids" max:"10"`
	L4Ids []string `json:"L4Ids" max:"10"`
	L5Ids []string `json:"L5Ids" max:"10"`
}

// SearchContactsAdditionalTimeRange can say one thing: that DISCONNECT_TIMESTAMP doesn't
// exist, which finds the contacts that go on.
type SearchContactsAdditionalTimeRange struct {
	Criteria  []SearchContactsAdditionalTimeRangeCriteria `json:"Criteria" required:"true"`
	MatchType *string                                     `json:"MatchType" required:"true" enum:"MATCH_ALL|MATCH_ANY|MATCH_EXACT|MATCH_NONE"`
}

// SearchContactsAdditionalTimeRangeCriteria is one of them.
type SearchContactsAdditionalTimeRangeCriteria struct {
	TimeRange          *SearchContactsTimeRange          `json:"TimeRange"`
	TimestampCondition *SearchContactsTimestampCondition `json:"TimestampCondition"`
}

// SearchContactsTimestampCondition says that a contact hasn't the time.
type SearchContactsTimestampCondition struct {
	Type          *string `json:"Type" required:"true" enum:"INITIATION_TIMESTAMP|SCHEDULED_TIMESTAMP|CONNECTED_TO_AGENT_TIMESTAMP|DISCONNECT_TIMESTAMP|ENQUEUE_TIMESTAMP"`
	ConditionType *string `json:"ConditionType" required:"true" enum:"NOT_EXISTS"`
}

// SearchableContactAttributes find contacts by their attributes; all of the criteria
// must match unless MatchType is MATCH_ANY.
type SearchableContactAttributes struct {
	Criteria  []SearchableContactAttributesCriteria `json:"Criteria" required:"true" max:"15"`
	MatchType *string                               `json:"MatchType" enum:"MATCH_ALL|MATCH_ANY|MATCH_EXACT|MATCH_NONE"`
}

// SearchableContactAttributesCriteria match an attribute that has one of the values,
// exactly.
type SearchableContactAttributesCriteria struct {
	Key    *string  `json:"Key" required:"true" min:"1" max:"100"`
	Values []string `json:"Values" required:"true" max:"20" itemmin:"1" itemmax:"100"`
}

// ControlPlaneTagFilter finds contacts by their tags. The members given must all match.
type ControlPlaneTagFilter struct {
	// OrConditions are lists of which one must match whole.
	OrConditions  [][]TagCondition `json:"OrConditions"`
	AndConditions []TagCondition   `json:"AndConditions"`
	TagCondition  *TagCondition    `json:"TagCondition"`
}

// TagCondition is a tag that the contact must have. Both members are needed.
type TagCondition struct {
	TagKey   *string `json:"TagKey"`
	TagValue *string `json:"TagValue"`
}

// Unsearchable is a criterion that is refused.
type Unsearchable struct{}

// narrow adds the criteria to a search. It reports whether a chat can match them.
func (c *SearchCriteria) narrow(q *store.Search) (possible bool, err error) {
	if err := c.refuse(); err != nil {
		return false, err
	}
	for _, narrow := range []func(*store.Search) error{
		c.Name.narrow, c.AdditionalTimeRange.narrow, c.SearchableContactAttributes.narrow, c.ContactTags.narrow,
	} {
		if err := narrow(q); err != nil {
			return false, err
		}
	}
	for _, id := range c.AgentIds {
		q.Agents = append(q.Agents, center.LastPart(id))
	}
	for _, id := range c.QueueIds {
		q.Queues = append(q.Queues, center.LastPart(id))
	}
	for _, m := range c.InitiationMethods {
		q.Methods = append(q.Methods, chat.Method(m))
	}
	g := c.AgentHierarchyGroups
	return (len(c.Channels) == 0 || slices.Contains(c.Channels, "CHAT")) &&
		(g == nil || len(g.L1Ids)+len(g.L2Ids)+len(g.L3Ids)+len(g.L4Ids)+len(g.L5Ids) == 0), nil
}

// refuse refuses the criteria that we can't serve.
func (c *SearchCriteria) refuse() error {
	for _, given := range []struct {
		member string
		is     bool
	}{
		{"ContactAnalysis", c.ContactAnalysis != nil}, {"RoutingCriteria", c.RoutingCriteria != nil},
		{"SearchableSegmentAttributes", c.SearchableSegmentAttributes != nil}, {"ActiveRegions", len(c.ActiveRegions) > 0},
	} {
		if given.is {
			return invalidRequest("SearchCriteria." + given.member + " can't be searched for by this server; leave it out")
		}
	}
	return nil
}

// matchNone refuses what no index helps with.
func matchNone(member string, matchType *string) error {
	if matchType != nil && *matchType == "MATCH_NONE" {
		return invalidRequest("SearchCriteria." + member + ".MatchType can't be MATCH_NONE with this server; say what is to be found")
	}
	return nil
}

func (n *NameCriteria) narrow(q *store.Search) error {
	switch {
	case n == nil:
		return nil
	case *n.MatchType == "MATCH_ALL" && len(n.SearchText) > 1:
		return invalidRequest("SearchCriteria.Name: a name is found whole, so it can't match several texts; use MATCH_ANY, or one text")
	}
	q.Names = n.SearchText
	return matchNone("Name", n.MatchType)
}

func (r *SearchContactsAdditionalTimeRange) narrow(q *store.Search) error {
	if r == nil {
		return nil
	}
	for _, c := range r.Criteria {
		if t := c.TimestampCondition; c.TimeRange != nil || t == nil || *t.Type != "DISCONNECT_TIMESTAMP" {
			return invalidRequest("SearchCriteria.AdditionalTimeRange can only be that DISCONNECT_TIMESTAMP is NOT_EXISTS with this server")
		}
		active := true
		q.Active = &active
	}
	return matchNone("AdditionalTimeRange", r.MatchType)
}

func (a *SearchableContactAttributes) narrow(q *store.Search) error {
	if a == nil {
		return nil
	}
	var all []string
	for i, c := range a.Criteria {
		if len(c.Values) == 0 {
			return invalidRequest(fmt.Sprintf("SearchCriteria.SearchableContactAttributes.Criteria[%d].Values is empty; say what is to be found", i))
		}
		var labels []string
		for _, v := range c.Values {
			labels = append(labels, chat.AttributeLabel(*c.Key, v))
		}
		if all = append(all, labels...); a.MatchType == nil || *a.MatchType != "MATCH_ANY" {
			q.Labels = append(q.Labels, labels)
		}
	}
	if a.MatchType != nil && *a.MatchType == "MATCH_ANY" && len(all) > 0 {
		q.Labels = append(q.Labels, all)
	}
	return matchNone("SearchableContactAttributes", a.MatchType)
}

// maxLabels is how many lists of labels a search may have.
const maxLabels = 64

func (f *ControlPlaneTagFilter) narrow(q *store.Search) error {
	if f == nil {
		return nil
	}
	conditions := f.AndConditions
	if f.TagCondition != nil {
		conditions = append(slices.Clip(conditions), *f.TagCondition)
	}
	for _, c := range conditions {
		label, err := c.label()
		if err != nil {
			return err
		}
		q.Labels = append(q.Labels, []string{label})
	}
	any, err := anyOf(f.OrConditions)
	q.Labels = append(q.Labels, any...)
	if len(q.Labels) > maxLabels {
		return tooManyConditions()
	}
	return err
}

func tooManyConditions() error {
	return invalidRequest("SearchCriteria.ContactTags has too many conditions; search for less at a time")
}

// anyOf turns lists of which one must match whole into lists of which each must match in
// part: (a and b) or (c and d) is (a or c) and (a or d) and (b or c) and (b or d).
func anyOf(conditions [][]TagCondition) (lists [][]string, err error) {
	for i, and := range conditions {
		if len(and) == 0 {
			return nil, invalidRequest(fmt.Sprintf("SearchCriteria.ContactTags.OrConditions[%d] is empty; say what is to be found", i))
		}
		if i == 0 {
			lists = [][]string{nil}
		}
		var longer [][]string
		for _, c := range and {
			label, err := c.label()
			if err != nil {
				return nil, err
			}
			for _, l := range lists {
				longer = append(longer, append(slices.Clip(l), label))
			}
		}
		if lists = longer; len(lists) > maxLabels {
			return nil, tooManyConditions()
		}
	}
	return lists, nil
}

func (c *TagCondition) label() (string, error) {
	switch {
	case c.TagKey == nil || c.TagValue == nil:
		return "", invalidRequest("A condition in SearchCriteria.ContactTags must have TagKey and TagValue: tags are found whole")
	case strings.HasPrefix(*c.TagKey, "aws:"):
		return "", invalidRequest("The tags that begin with aws: are on every contact and can't be searched for; leave them out of SearchCriteria.ContactTags")
	}
	return chat.TagLabel(*c.TagKey, *c.TagValue), nil
}
