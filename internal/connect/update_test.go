package connect_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
)

func (w *world) tag(contact string, tags map[string]string) error {
	_, err := w.client.TagContact(w.t.Context(), &sdk.TagContactInput{InstanceId: p(arn), ContactId: &contact, Tags: tags})
	return err
}

func (w *world) untag(contact string, keys ...string) error {
	_, err := w.client.UntagContact(w.t.Context(), &sdk.UntagContactInput{InstanceId: p(arn), ContactId: &contact, TagKeys: keys})
	return err
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	want := map[string]string{"aws:connect:instanceId": instanceID}
	check := func(when string) {
		t.Helper()
		if got := w.describe(contact).Tags; !maps.Equal(got, want) {
			t.Errorf("%s: the tags are %v, want %v", when, got, want)
		}
	}
	tags := map[string]string{"a": "1", "b": "", "c-._:/=+9": "é", "d": strings.Repeat("é", 256), strings.Repeat("k", 128): "x"}
	if err := w.tag(contact, tags); err != nil {
		t.Fatal(err)
	}
	maps.Copy(want, tags)
	check("tagged")
	if err := w.tag(contact, map[string]string{"a": "2", "f": "3"}); err != nil {
		t.Fatal(err)
	}
	want["a"], want["f"] = "2", "3"
	check("tagged again")
	refused(t, w.tag(contact, map[string]string{"g": "4"}), "InvalidRequestException", 400, "more than six tags")
	refused(t, w.tag(contact, map[string]string{"aws:x": "4"}), "InvalidParameterException", 400, "begins with aws:")
	refused(t, w.tag(contact, map[string]string{"a b": "4"}), "InvalidRequestException", 400, "tags")
	refused(t, w.tag(contact, map[string]string{}), "InvalidRequestException", 400, "tags")
	check("after refusals")
	w.do(contact, chat.Stop{})
	if err := w.untag(contact, "a", "b", "unknown"); err != nil {
		t.Fatal(err)
	}
	delete(want, "a")
	delete(want, "b")
	check("untagged after the end")
	refused(t, w.untag(contact, []string{}...), "InvalidRequestException", 400, "tagKeys")
	refused(t, w.untag(contact, "aws:connect:instanceId"), "InvalidParameterException", 400, "begins with aws:")
}

func (w *world) update(contact string, in *sdk.UpdateContactInput) error {
	in.InstanceId, in.ContactId = p(instanceID), &contact
	_, err := w.client.UpdateContact(w.t.Context(), in)
	return err
}

// What is said of a contact is said of that one, not of the chat.
func TestUpdateContact(t *testing.T) {
	w := newWorld(t)
	contact, _, _ := w.served("Bob")
	out, err := w.transfer(contact, &sdk.TransferContactInput{QueueId: p("Support")})
	if err != nil {
		t.Fatal(err)
	}
	in := &sdk.UpdateContactInput{
		Name: p("Shoes"), Description: p("too small"),
		SegmentAttributes: map[string]types.SegmentAttributeValue{"size": {ValueString: p("40")}},
	}
	if err := w.update(contact, in); err != nil {
		t.Fatal(err)
	}
	if err := w.update(contact, &sdk.UpdateContactInput{Description: p("")}); err != nil {
		t.Fatal(err)
	}
	appends := w.store.appends.Load()
	if err := w.update(contact, &sdk.UpdateContactInput{}); err != nil || w.store.appends.Load() != appends {
		t.Errorf("an update of nothing: %v, %d appends", err, w.store.appends.Load()-appends)
	}
	got := w.describe(contact)
	if *got.Name != "Shoes" || *got.Description != "" || *got.SegmentAttributes["size"].ValueString != "40" ||
		*got.SegmentAttributes["connect:Subtype"].ValueString != "connect:Chat" {
		t.Errorf("the contact is %+v", got)
	}
	if next := w.describe(*out.ContactId); next.Name != nil || next.Description != nil || len(next.SegmentAttributes) != 1 {
		t.Errorf("the next contact is %+v", next)
	}
}

func TestUpdateContactRefusals(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	appends := w.store.appends.Load()
	for member, in := range map[string]*sdk.UpdateContactInput{
		"QueueInfo":         {QueueInfo: &types.QueueInfoInput{Id: p("q")}},
		"UserInfo":          {UserInfo: &types.UserInfo{UserId: p("u")}},
		"CustomerEndpoint":  {CustomerEndpoint: &types.Endpoint{Address: p("a")}},
		"SystemEndpoint":    {SystemEndpoint: &types.Endpoint{Address: p("a")}},
		"references":        {References: map[string]types.Reference{"r": {Type: "EMAIL_MESSAGE", Value: p("v")}}},
		"segmentAttributes": {SegmentAttributes: map[string]types.SegmentAttributeValue{"connect:Subtype": {ValueString: p("connect:Guide")}}},
	} {
		refused(t, w.update(contact, in), "InvalidRequestException", 400, member)
	}
	refused(t, w.update(contact, &sdk.UpdateContactInput{
		SegmentAttributes: map[string]types.SegmentAttributeValue{"a": {ValueInteger: p(int32(1))}},
	}), "InvalidRequestException", 400, "segmentAttributes.a.valueString")
	many := make(map[string]types.Reference)
	for i := range chat.MaxReferences + 1 {
		many[fmt.Sprint(i)] = types.Reference{Type: "STRING"}
	}
	refused(t, w.update(contact, &sdk.UpdateContactInput{References: many}), "InvalidRequestException", 400, "more than 100 references")
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends", got-appends)
	}
}

// reference tells what one is.
func reference(t *testing.T, r types.ReferenceSummary) (kind types.ReferenceType, name, value *string) {
	t.Helper()
	switch r := r.(type) {
	case *types.ReferenceSummaryMemberUrl:
		return "URL", r.Value.Name, r.Value.Value
	case *types.ReferenceSummaryMemberNumber:
		return "NUMBER", r.Value.Name, r.Value.Value
	case *types.ReferenceSummaryMemberString:
		return "STRING", r.Value.Name, r.Value.Value
	case *types.ReferenceSummaryMemberDate:
		return "DATE", r.Value.Name, r.Value.Value
	case *types.ReferenceSummaryMemberEmail:
		return "EMAIL", r.Value.Name, r.Value.Value
	case *types.ReferenceSummaryMemberAttachment:
		return "ATTACHMENT", r.Value.Name, r.Value.Value
	}
	t.Fatalf("got %T", r)
	return "", nil, nil
}

func TestListContactReferences(t *testing.T) {
	w := newWorld(t)
	contact, _ := w.start(input())
	references := map[string]types.Reference{
		"b": {Type: "URL", Value: p("https://example.com")}, "a": {Type: "NUMBER", Value: p("7")}, "c": {Type: "STRING", Value: p("é")},
		"d": {Type: "DATE", Value: p("1775124000")}, "e": {Type: "EMAIL", Value: p("a@example.com")}, "f": {Type: "ATTACHMENT", Value: p("file")},
	}
	if err := w.update(contact, &sdk.UpdateContactInput{References: references}); err != nil {
		t.Fatal(err)
	}
	list := func(kinds ...types.ReferenceType) []types.ReferenceSummary {
		t.Helper()
		out, err := w.client.ListContactReferences(t.Context(), &sdk.ListContactReferencesInput{
			InstanceId: p(arn), ContactId: &contact, ReferenceTypes: kinds,
		})
		if err != nil || out.NextToken != nil {
			t.Fatal(out, err)
		}
		return out.ReferenceSummaryList
	}
	all := list("URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT")
	var names string
	for _, r := range all {
		kind, name, value := reference(t, r)
		if want := references[*name]; want.Type != kind || *want.Value != *value {
			t.Errorf("%s is %s %s, want %+v", *name, kind, *value, want)
		}
		names += *name
	}
	if names != "abcdef" {
		t.Errorf("they come as %v", names)
	}
	if got := list("URL", "CONTACT_ANALYSIS"); len(got) != 1 {
		t.Errorf("of one type there are %d", len(got))
	}
	if got := list("EMAIL_MESSAGE"); len(got) != 0 {
		t.Errorf("of a type that no chat has there are %d", len(got))
	}
}
