package connect_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/internal/chat"
)

func TestChatMetrics(t *testing.T) {
	w := newWorld(t)
	contact, customer, agent := w.served("Bob")
	var joined time.Time
	w.look(contact, func(c *chat.Chat) { joined = c.Participant(agent).JoinedAt })
	say := func(by chat.ParticipantID, text string) time.Time {
		t.Helper()
		w.clock.Advance(10 * time.Second)
		w.do(contact, chat.SendMessage{By: by, Content: chat.Content{Type: chat.TypePlain, Text: text}})
		return w.clock.Now()
	}
	say(customer, "Grüezi")
	answered := say(agent, "hello")
	last := say(agent, "?")
	w.clock.Advance(10 * time.Second)
	w.do(contact, chat.Leave{By: customer})
	ended := *w.describe(contact).DisconnectTimestamp
	if got := w.describe(contact).LastUpdateTimestamp; !got.Equal(ended) {
		t.Errorf("LastUpdateTimestamp is %v", got)
	}
	said := answered.Add(-10 * time.Second)
	want := &types.ChatMetrics{
		ChatContactMetrics: &types.ChatContactMetrics{
			MultiParty: p(false), TotalMessages: p(int32(4)), TotalBotMessages: p(int32(1)), TotalBotMessageLengthInChars: p(int32(7)),
			ConversationTurnCount: p(int32(2)), ConversationCloseTimeInMillis: p(ended.Sub(said).Milliseconds()),
			AgentFirstResponseTimestamp: &answered, AgentFirstResponseTimeInMillis: p(answered.Sub(joined).Milliseconds()),
		},
		CustomerMetrics: &types.ParticipantMetrics{
			ParticipantId: p(customer.String()), ParticipantType: "CUSTOMER", ConversationAbandon: p(true),
			MessagesSent: p(int32(1)), NumResponses: p(int32(0)), MessageLengthInChars: p(int32(6)),
			TotalResponseTimeInMillis: p(int64(0)), MaxResponseTimeInMillis: p(int64(0)), LastMessageTimestamp: &said,
		},
		AgentMetrics: &types.ParticipantMetrics{
			ParticipantId: p(agent.String()), ParticipantType: "AGENT", ConversationAbandon: p(false),
			MessagesSent: p(int32(2)), NumResponses: p(int32(1)), MessageLengthInChars: p(int32(6)),
			TotalResponseTimeInMillis: p(int64(10000)), MaxResponseTimeInMillis: p(int64(10000)), LastMessageTimestamp: &last,
		},
	}
	if got := w.describe(contact).ChatMetrics; !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("\ngot  %s\nwant %s", g, w)
	}
}

// An agent who leaves without an answer has abandoned the customer.
func TestAbandonedByAgent(t *testing.T) {
	w := newWorld(t)
	contact, customer, agent := w.served("Bob")
	w.do(contact, chat.SendMessage{By: customer, Content: chat.Content{Type: chat.TypePlain, Text: "hello?"}})
	if got := w.describe(contact).ChatMetrics.AgentMetrics.ConversationAbandon; got != nil {
		t.Errorf("while it goes on, it is said: %v", *got)
	}
	w.do(contact, chat.Leave{By: agent})
	m := w.describe(contact).ChatMetrics
	if !*m.AgentMetrics.ConversationAbandon || *m.CustomerMetrics.ConversationAbandon {
		t.Errorf("abandoned by the agent: %v, by the customer: %v", *m.AgentMetrics.ConversationAbandon, *m.CustomerMetrics.ConversationAbandon)
	}
}
