package connect

import (
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// ChatMetrics count what was said in a contact (semantics.md 9.4), up to now if it goes
// on.
type ChatMetrics struct {
	ChatContactMetrics *ChatContactMetrics `json:"ChatContactMetrics"`
	// AgentMetrics are those of all agents of the contact; absent if there was none.
	AgentMetrics    *ParticipantMetrics `json:"AgentMetrics,omitzero"`
	CustomerMetrics *ParticipantMetrics `json:"CustomerMetrics"`
}

// ChatContactMetrics are about the conversation as a whole. Bot messages are those of
// flows too.
type ChatContactMetrics struct {
	MultiParty                     *bool      `json:"MultiParty"`
	TotalMessages                  *int32     `json:"TotalMessages"`
	TotalBotMessages               *int32     `json:"TotalBotMessages"`
	TotalBotMessageLengthInChars   *int32     `json:"TotalBotMessageLengthInChars"`
	ConversationCloseTimeInMillis  *int64     `json:"ConversationCloseTimeInMillis,omitzero"`
	ConversationTurnCount          *int32     `json:"ConversationTurnCount"`
	AgentFirstResponseTimestamp    *Timestamp `json:"AgentFirstResponseTimestamp,omitzero"`
	AgentFirstResponseTimeInMillis *int64     `json:"AgentFirstResponseTimeInMillis,omitzero"`
}

// ParticipantMetrics are about one side. ParticipantId is that of the agent who joined
// last. ConversationAbandon, once the contact has ended, says that this side ended it
// when the other had spoken last.
type ParticipantMetrics struct {
	ParticipantId             *string    `json:"ParticipantId"`
	ParticipantType           *string    `json:"ParticipantType"`
	ConversationAbandon       *bool      `json:"ConversationAbandon,omitzero"`
	MessagesSent              *int32     `json:"MessagesSent"`
	NumResponses              *int32     `json:"NumResponses"`
	MessageLengthInChars      *int32     `json:"MessageLengthInChars"`
	TotalResponseTimeInMillis *int64     `json:"TotalResponseTimeInMillis"`
	MaxResponseTimeInMillis   *int64     `json:"MaxResponseTimeInMillis"`
	LastMessageTimestamp      *Timestamp `json:"LastMessageTimestamp,omitzero"`
}

// metrics shows those of a contact; nil for a participant's own, in which nobody speaks.
func metrics(c *chat.Chat, k *chat.Contact) *ChatMetrics {
	if k.Of != (chat.ParticipantID{}) {
		return nil
	}
	m := k.Metrics
	whole := &ChatContactMetrics{
		MultiParty: &m.MultiParty, TotalMessages: count(m.Messages), TotalBotMessages: count(m.Bot),
		TotalBotMessageLengthInChars: count(m.BotLength), ConversationTurnCount: count(m.Turns),
	}
	if !k.Ended.IsZero() && !m.Customer.Last.IsZero() {
		whole.ConversationCloseTimeInMillis = millis(k.Ended.Sub(m.Customer.Last))
	}
	if !m.FirstResponse.IsZero() {
		whole.AgentFirstResponseTimestamp = timestamp(m.FirstResponse)
		whole.AgentFirstResponseTimeInMillis = millis(m.FirstResponseAfter)
	}
	all := &ChatMetrics{ChatContactMetrics: whole, CustomerMetrics: party(c.Customer().ID, "CUSTOMER", m.Customer)}
	if k.Agent != (chat.ParticipantID{}) {
		all.AgentMetrics = party(k.Agent, "AGENT", m.Agent)
	}
	if !k.Ended.IsZero() {
		all.CustomerMetrics.abandons(k, m.Customer, m.Agent, chat.CauseCustomer)
		if all.AgentMetrics != nil {
			all.AgentMetrics.abandons(k, m.Agent, m.Customer, chat.CauseAgent, chat.CauseAgentNetwork)
		}
	}
	return all
}

func party(id chat.ParticipantID, kind string, m chat.PartyMetrics) *ParticipantMetrics {
	return &ParticipantMetrics{
		ParticipantId: text(id.String()), ParticipantType: &kind,
		MessagesSent: count(m.Messages), NumResponses: count(m.Responses), MessageLengthInChars: count(m.Length),
		TotalResponseTimeInMillis: millis(m.Total), MaxResponseTimeInMillis: millis(m.Longest),
		LastMessageTimestamp: timestamp(m.Last),
	}
}

// abandons says whether a side ended the contact, for one of the causes, without having
// answered.
func (p *ParticipantMetrics) abandons(k *chat.Contact, own, other chat.PartyMetrics, causes ...chat.Cause) {
	abandoned := slices.Contains(causes, k.Cause) && other.Last.After(own.Last)
	p.ConversationAbandon = &abandoned
}

func count(n int) *int32 {
	c := int32(n)
	return &c
}

func millis(d time.Duration) *int64 {
	ms := d.Milliseconds()
	return &ms
}
