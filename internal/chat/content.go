package chat

// Content types of messages (semantics.md 3.11).
const (
	TypePlain               = "text/plain"
	TypeMarkdown            = "text/markdown"
	TypeJSON                = "application/json"
	TypeInteractive         = "application/vnd.amazonaws.connect.message.interactive"
	TypeInteractiveResponse = "application/vnd.amazonaws.connect.message.interactive.response"
)

// Content types of events (semantics.md 2.6, 3.12).
const (
	EventPrefix       = "application/vnd.amazonaws.connect.event."
	EventTyping       = EventPrefix + "typing"
	EventAcknowledged = EventPrefix + "connection.acknowledged"
	EventDelivered    = EventPrefix + "message.delivered"
	EventRead         = EventPrefix + "message.read"
	EventMetadata     = EventPrefix + "message.metadata"
	EventJoined       = EventPrefix + "participant.joined"
	EventLeft         = EventPrefix + "participant.left"
	EventEnded        = EventPrefix + "chat.ended"
)

// Cause is a contact's DisconnectReason (semantics.md 9.4).
type Cause string

// The causes decided by this package.
const (
	CauseCustomer     Cause = "CUSTOMER_DISCONNECT"
	CauseAgent        Cause = "AGENT_DISCONNECT"
	CauseAPI          Cause = "API"
	CauseExpired      Cause = "EXPIRED"
	CauseNotConnected Cause = "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
)
