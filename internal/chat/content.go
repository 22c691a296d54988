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
	EventPrefix            = "application/vnd.amazonaws.connect.event."
	EventTyping            = EventPrefix + "typing"
	EventAcknowledged      = EventPrefix + "connection.acknowledged"
	EventDelivered         = EventPrefix + "message.delivered"
	EventRead              = EventPrefix + "message.read"
	EventMetadata          = EventPrefix + "message.metadata"
	EventJoined            = EventPrefix + "participant.joined"
	EventLeft              = EventPrefix + "participant.left"
	EventInvited           = EventPrefix + "participant.invited"
	EventIdle              = EventPrefix + "participant.idle"
	EventReturned          = EventPrefix + "participant.returned"
	EventAutoDisconnection = EventPrefix + "participant.autodisconnection"
	EventRenamed           = EventPrefix + "participant.displayname.updated"
	EventTransferSucceeded = EventPrefix + "transfer.succeeded"
	EventTransferFailed    = EventPrefix + "transfer.failed"
	EventRehydrated        = EventPrefix + "chat.rehydrated"
	EventEnded             = EventPrefix + "chat.ended"
	// EventAuthentication is followed by an AuthState.
	EventAuthentication = EventPrefix + "authentication."
)

// Audience says who may see an item (MessageVisibility, semantics.md 2.7).
type Audience string

// The audiences. Whatever the audience, supervisors see the item, and so does its author.
const (
	ToAll      Audience = ""
	ToCustomer Audience = "CUSTOMER"
	ToAgent    Audience = "AGENT"
)

// Includes reports whether a participant of the role may see what is for the audience.
func (a Audience) Includes(r Role) bool {
	switch a {
	case ToCustomer:
		return r == Customer || r == Supervisor
	case ToAgent:
		return r == Agent || r == Supervisor
	}
	return true
}

// Cause is a contact's DisconnectReason (semantics.md 9.4).
type Cause string

// The causes decided by this package.
const (
	CauseCustomer     Cause = "CUSTOMER_DISCONNECT"
	CauseAgent        Cause = "AGENT_DISCONNECT"
	CauseAgentNetwork Cause = "AGENT_NETWORK_DISCONNECT"
	CauseThirdParty   Cause = "THIRD_PARTY_DISCONNECT"
	CauseAPI          Cause = "API"
	CauseExpired      Cause = "EXPIRED"
	CauseIdle         Cause = "IDLE_DISCONNECT"
	CauseFlow         Cause = "CONTACT_FLOW_DISCONNECT"
	CauseNotConnected Cause = "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
	// CauseMissed is no DisconnectReason: it is why an invitation was withdrawn that
	// nobody accepted in time.
	CauseMissed Cause = "MISSED"
)
