package connect_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// past plays a chat of two contacts, watched by a supervisor, that has ended.
func (w *world) past() (first, second, monitor string) {
	w.t.Helper()
	first, customer, agent := w.served("Bob")
	w.do(first, chat.SendMessage{By: agent, Content: chat.Content{Type: chat.TypePlain, Text: "one"}})
	out, err := w.transfer(first, &sdk.TransferContactInput{UserId: p("zoe")})
	if err != nil {
		w.t.Fatal(err)
	}
	zoe := w.joins(first, "AGENT", "zoe")
	w.do(first, chat.SendMessage{By: zoe, Content: chat.Content{Type: chat.TypePlain, Text: "two"}})
	own, err := w.monitor(*out.ContactId, "carol", false, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(first, chat.Leave{By: customer})
	return first, *out.ContactId, *own.ContactId
}

// said gives the messages of agents that a chat's customer finds, walking back.
func (w *world) said(contact string, customer chat.ParticipantID) (said string) {
	w.t.Helper()
	page := node.Page{Backward: true, Limit: 100}
	for {
		t, err := w.node.Transcript(w.t.Context(), w.chatOf(contact), customer, page)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range t.Items {
			if e.Kind == chat.KindMessage && e.By.Role == chat.Agent {
				said += e.Content.Text + " "
			}
		}
		if page.From = t.Next; t.Next.Seq == 0 {
			return said
		}
	}
}

func TestPersistentChatAtStart(t *testing.T) {
	for _, test := range []struct {
		rehydration types.RehydrationType
		whole, says string
	}{
		{"ENTIRE_PAST_SESSION", "first", "one two "}, {"FROM_SEGMENT", "first", "one "}, {"FROM_SEGMENT", "second", "one two "},
	} {
		w := newWorld(t)
		first, second, _ := w.past()
		source, want := first, second
		if test.whole == "second" {
			source = second
		} else if test.rehydration == "FROM_SEGMENT" {
			want = first
		}
		in := input()
		in.ClientToken = p("t")
		in.PersistentChat = &types.PersistentChat{RehydrationType: test.rehydration, SourceContactId: p(arn + "/contact/" + source)}
		out, err := w.client.StartChatContact(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		in.PersistentChat.SourceContactId = &first
		again, err := w.client.StartChatContact(t.Context(), in)
		if err != nil || *again.ContactId != *out.ContactId || *again.ContinuedFromContactId != *out.ContinuedFromContactId {
			t.Errorf("the repetition gave %v, %v", again, err)
		}
		if *out.ContinuedFromContactId != want || *w.describe(*out.ContactId).RelatedContactId != want {
			t.Errorf("%s of the %s continues %s, want %s", test.rehydration, test.whole, *out.ContinuedFromContactId, want)
		}
		customer := chat.ParticipantID{ID: mustID(t, *out.ParticipantId)}
		w.do(*out.ContactId, chat.Connect{By: customer})
		if got := w.said(*out.ContactId, customer); got != test.says {
			t.Errorf("%s of the %s says %q, want %q", test.rehydration, test.whole, got, test.says)
		}
		in.PersistentChat.SourceContactId = p(unknownID)
		_, err = w.client.StartChatContact(t.Context(), in)
		refused(t, err, "ResourceNotFoundException", 404, "PersistentChat.SourceContactId names no contact")
		_, err = w.persist(*out.ContactId, test.rehydration, first, nil)
		refused(t, err, "InvalidRequestException", 400, "continues a past one already")
	}
}

func (w *world) persist(contact string, rehydration types.RehydrationType, source string, token *string) (*sdk.CreatePersistentContactAssociationOutput, error) {
	return w.client.CreatePersistentContactAssociation(w.t.Context(), &sdk.CreatePersistentContactAssociationInput{
		InstanceId: p(arn), InitialContactId: &contact, RehydrationType: rehydration, SourceContactId: &source, ClientToken: token,
	})
}

func TestCreatePersistentContactAssociation(t *testing.T) {
	w := newWorld(t)
	first, second, monitor := w.past()
	contact, customer := w.start(input())
	w.do(contact, chat.Connect{By: customer})
	other, _ := w.start(input())
	appends := w.store.appends.Load()
	for source, message := range map[string]string{
		other: "goes on", contact: "goes on", monitor: "own contact of a supervisor", second: "it is " + first,
	} {
		_, err := w.persist(contact, "ENTIRE_PAST_SESSION", source, nil)
		refused(t, err, "InvalidRequestException", 400, message)
	}
	for _, source := range []string{unknownID, "x", arn} {
		_, err := w.persist(contact, "FROM_SEGMENT", source, nil)
		refused(t, err, "ResourceNotFoundException", 404, "SourceContactId names no contact")
	}
	if got := w.store.appends.Load(); got != appends {
		t.Errorf("%d appends", got-appends)
	}
	out, err := w.persist(contact, "ENTIRE_PAST_SESSION", first, p("t"))
	if err != nil || *out.ContinuedFromContactId != second {
		t.Fatalf("got %v, %v; want %s", out, err, second)
	}
	again, err := w.persist(contact, "FROM_SEGMENT", first, p("t"))
	if err != nil || *again.ContinuedFromContactId != second {
		t.Errorf("the repetition gave %v, %v", again, err)
	}
	if got := w.said(contact, customer); got != "one two " {
		t.Errorf("the past says %q", got)
	}
	_, err = w.persist(contact, "ENTIRE_PAST_SESSION", first, nil)
	refused(t, err, "InvalidRequestException", 400, "can be said once")
	w.do(other, chat.Stop{})
	_, err = w.persist(other, "ENTIRE_PAST_SESSION", first, nil)
	refused(t, err, "InvalidRequestException", 400, "the chat has ended")
}
