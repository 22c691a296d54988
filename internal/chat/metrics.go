package chat

import (
	"time"
	"unicode/utf8"
)

// Metrics count what was said in a contact: ChatMetrics (semantics.md 9.4).
type Metrics struct {
	// MultiParty says that there were ever more than two in the conversation.
	MultiParty bool
	// Messages counts all, Bot those of SYSTEM and of a custom participant, BotLength
	// their characters.
	Messages, Bot, BotLength int
	// Turns is how often the speaker changed between customer and agents.
	Turns           int
	Customer, Agent PartyMetrics
	// FirstResponse is the agent's first message, to which the customer waited since
	// FirstResponseAfter.
	FirstResponse      time.Time
	FirstResponseAfter time.Duration
	// LastSaid is the last message of the customer or an agent.
	LastSaid time.Time

	last Role // who spoke last, of the two
}

// PartyMetrics are about one side of the conversation.
type PartyMetrics struct {
	Messages, Length, Responses int
	// Total and Longest are what the other side waited for responses.
	Total, Longest time.Duration
	Last           time.Time
}

// count folds a message.
func (m *Metrics) count(e *Entry, connected time.Time) {
	m.Messages++
	length := utf8.RuneCountInString(e.Content.Text)
	var own, other *PartyMetrics
	switch e.By.Role {
	case Customer:
		own, other = &m.Customer, &m.Agent
	case Agent:
		own, other = &m.Agent, &m.Customer
		if m.FirstResponse.IsZero() {
			m.FirstResponse, m.FirstResponseAfter = e.At, e.At.Sub(connected)
		}
	case System, CustomBot:
		m.Bot++
		m.BotLength += length
		return
	default:
		return
	}
	if m.last != e.By.Role {
		m.Turns++
		if !other.Last.IsZero() {
			wait := e.At.Sub(other.Last)
			own.Responses++
			own.Total += wait
			own.Longest = max(own.Longest, wait)
		}
	}
	own.Messages++
	own.Length += length
	own.Last, m.LastSaid, m.last = e.At, e.At, e.By.Role
}
