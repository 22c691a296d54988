package chat_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

func TestSummaries(t *testing.T) {
	if got := chat.New(chat.ChatID{}).Summaries(); got != nil {
		t.Errorf("a chat that was not started has the rows %+v", got)
	}
	c, by, ids := started(t, chat.Settings{
		Instance: "i", Minutes: 60, Customer: chat.Author{Name: "Jane"},
		Flow:       chat.Flow{Steps: []chat.Step{{Queue: "Orders"}}},
		Attributes: map[string]string{"topic": "shoes", "size": "40"},
	})
	labels := func(topic string) string {
		return chat.AttributeLabel("size", "40") + chat.AttributeLabel("topic", topic)
	}
	want := chat.Summary{
		Chat: c.ID, Contact: c.Contact, Instance: "i", Method: chat.MethodAPI,
		InitiatedAt: dawn, QueuedAt: c.Current().QueuedAt, Deadline: dawn.Add(time.Hour),
		Queue: "Orders", Customer: "Jane", Labels: labels("shoes"),
	}
	check := func(when string) {
		t.Helper()
		if got := c.Summaries(); got[0] != want {
			t.Errorf("%s\n got %+v\nwant %+v", when, got[0], want)
		}
	}
	check("at the start")
	bob := must(t, c, chat.AddParticipant{Role: chat.Agent, Name: "Bob"}, ids)
	check("with an agent invited")
	must(t, c, chat.Connect{By: chat.ParticipantID{ID: bob.ID}}, ids)
	want.Agent, want.ConnectedAt = "Bob", c.Last
	check("with an agent")
	eve := must(t, c, chat.AddParticipant{Role: chat.Agent, Name: "Eve"}, ids)
	must(t, c, chat.Connect{By: chat.ParticipantID{ID: eve.ID}}, ids)
	check("with two agents") // Eve has a contact of her own
	must(t, c, chat.UpdateAttributes{Attributes: map[string]string{"topic": "hats"}}, ids)
	want.Labels = labels("hats")
	check("with other attributes")
	must(t, c, chat.Leave{By: by}, ids)
	want.EndedAt, want.Deadline, want.Cause = c.Last, time.Time{}, chat.CauseCustomer
	check("at the end")
}

// A label is found only where it stands, whatever is in the texts.
func TestLabels(t *testing.T) {
	texts := []string{"", "a", `"`, `\`, "\n", `","`, `"]`, "\"]\n[\"t\",\"a", `["t","a`, `\n`, "日本"}
	var all []string
	for _, key := range texts {
		for _, value := range texts {
			all = append(all, chat.TagLabel(key, value), chat.AttributeLabel(key, value))
		}
	}
	for i, label := range all {
		others := strings.Join(slices.Delete(slices.Clone(all), i, i+1), "")
		if strings.Contains(others, label) {
			t.Errorf("%q is found though it is not there", label)
		}
		if strings.Count(strings.Join(all, ""), label) != 1 {
			t.Errorf("%q is not found once", label)
		}
	}
}

// What stands in labels can be read there again.
func TestTagsOfSummary(t *testing.T) {
	texts := []string{"", "a", `"`, `\`, "\n", `","`, `"]`, "\"]\n[\"t\",\"a", `["t","a`, `\n`, "日本", `\\n`}
	for _, key := range texts {
		for _, value := range texts {
			tags := map[string]string{"first": "1", key: value, "last": value}
			row := chat.Summary{Labels: chat.AttributeLabel(key, "attribute")}
			for k, v := range tags {
				row.Labels += chat.TagLabel(k, v)
			}
			if got := row.Tags(); !maps.Equal(got, tags) {
				t.Errorf("%q reads %q, want %q", row.Labels, got, tags)
			}
		}
	}
	if got := (&chat.Summary{Labels: chat.AttributeLabel("a", "b")}).Tags(); got != nil {
		t.Errorf("without tags there are %v", got)
	}
}

// A contact keeps no more than it may have.
func TestDescriptionIsBounded(t *testing.T) {
	c, _, ids := started(t, chat.Settings{})
	tags, references, attributes := make(map[string]string), make(map[string]chat.Reference), make(map[string]string)
	for i := range chat.MaxReferences {
		references[fmt.Sprint(i)], attributes[fmt.Sprint(i)] = chat.Reference{}, ""
	}
	for i := range chat.MaxTags {
		tags[fmt.Sprint(i)] = ""
	}
	must(t, c, chat.Describe{Contact: c.Contact, Change: chat.Description{Tags: tags, References: references, SegmentAttributes: attributes}}, ids)
	for _, change := range []chat.Description{
		{Tags: map[string]string{"more": ""}}, {References: map[string]chat.Reference{"more": {}}}, {SegmentAttributes: map[string]string{"more": ""}},
	} {
		_, err := chat.Decide(c, chat.Describe{Contact: c.Contact, Change: change}, c.Last, ids)
		var refusal *chat.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != chat.TooMany {
			t.Errorf("%+v: %v", change, err)
		}
	}
}
