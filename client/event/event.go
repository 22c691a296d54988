package event

import (
	"encoding/json"
	"strings"
)

// Types of items (semantics.md 2.1).
const (
	TypeMessage    = "MESSAGE"
	TypeAttachment = "ATTACHMENT"
	TypeEvent      = "EVENT"
	TypeMetadata   = "MESSAGEMETADATA"
)

// Prefix begins the content types of all events (semantics.md 2.6).
const Prefix = "application/vnd.amazonaws.connect.event."

// Content types that a participant sends (semantics.md 3.12).
const (
	ContentTyping    = Prefix + "typing"
	ContentDelivered = Prefix + "message.delivered"
	ContentRead      = Prefix + "message.read"
)

const (
	contentJoined      = Prefix + "participant.joined"
	contentLeft        = Prefix + "participant.left"
	contentInvited     = Prefix + "participant.invited"
	contentIdle        = Prefix + "participant.idle"
	contentReturned    = Prefix + "participant.returned"
	contentAuto        = Prefix + "participant.autodisconnection"
	contentRenamed     = Prefix + "participant.displayname.updated"
	contentTransferred = Prefix + "transfer.succeeded"
	contentTransferNot = Prefix + "transfer.failed"
	contentEnded       = Prefix + "chat.ended"
	contentAuth        = Prefix + "authentication."
)

// kept are the events that transcripts have.
var kept = map[string]bool{
	contentJoined: true, contentLeft: true, contentInvited: true,
	contentTransferred: true, contentTransferNot: true, contentEnded: true,
}

// Event is something that happened in a chat or to the session: one of the types below.
// A program ignores those it does not know; later versions may have more.
type Event interface{ event() }

func (Item) event()         {}
func (Connected) event()    {}
func (CaughtUp) event()     {}
func (Disconnected) event() {}

// Of gives the item that an event is about, if there is one: all but [Connected],
// [CaughtUp], [Disconnected], and an [Ended] that was inferred.
func Of(e Event) (Item, bool) {
	i, ok := e.(interface{ self() Item })
	if !ok {
		return Item{}, false
	}
	it := i.self()
	return it, it.Raw != nil
}

func (it Item) self() Item { return it }

type (
	// Message is something that somebody said.
	Message struct{ Item }

	// Partial is a message that is still being written, by a bot that shows its answer
	// as it grows. Text is all of it until now. The [Message] with the same ID follows.
	Partial struct {
		Item
		Text string
	}

	// Attachment is a file, in Attachments, that somebody shared.
	Attachment struct{ Item }

	// Joined says that a participant is in the chat from now on.
	Joined struct{ Item }

	// Left says that a participant is not in the chat any more.
	Left struct{ Item }

	// Invited says that a participant was asked to join.
	Invited struct{ Item }

	// Typing says that a participant is writing. Show it for 12 seconds, or until the
	// message comes.
	Typing struct{ Item }

	// Receipt says that a participant got a message or attachment, or has read it. Item
	// is that of the receipt, or, if it was found in the transcript, of what it is for;
	// Own is set on receipts of this session's participant.
	Receipt struct {
		Item
		MessageID string
		By        ReceiptBy
	}

	// Idle says that nothing was heard from a participant for a while.
	Idle struct{ Item }

	// Returned says that an idle participant is active again.
	Returned struct{ Item }

	// AutoDisconnected says that an idle participant was removed.
	AutoDisconnected struct{ Item }

	// Renamed says that a participant's name is DisplayName from now on.
	Renamed struct{ Item }

	// Transferred says that the chat goes on with another queue or agent, or, if
	// Failed is set, that this was tried in vain.
	Transferred struct {
		Item
		Failed bool
	}

	// Authentication says how the customer's sign-in goes: State is initiated,
	// succeeded, failed, timeout, expired or cancelled.
	Authentication struct {
		Item
		State, SessionID string
	}

	// Ended says that the chat is over. It is the last event. Inferred is set if nobody
	// said so: a new connection was refused with 403, since the chat has ended, or the
	// participant was removed from it, while there was no connection. Item is then empty.
	Ended struct {
		Item
		Inferred bool
	}

	// Unknown is an item that this version has no type for.
	Unknown struct{ Item }

	// Connected says that the session has a connection: at first, and after each
	// [Disconnected]. What was missed comes next, and then [CaughtUp].
	Connected struct{}

	// CaughtUp says that what was before [Connected] has been told: what comes from now
	// on is new.
	CaughtUp struct{}

	// Disconnected says that the session has lost its connection and is making a new
	// one. Calls still work if the service can be reached.
	Disconnected struct{ Err error }
)

// Event gives the event that the item stands for, as the session's stream would. Of a
// message that transcripts show with receipts, it is the message.
func (it Item) Event() Event {
	switch it.Type {
	case TypeMessage:
		return Message{it}
	case TypeAttachment:
		return Attachment{it}
	case TypeMetadata:
		return it.receipt()
	case TypeEvent:
		return it.happening()
	}
	return Unknown{it}
}

// receipt reads the one receipt of a metadata item (semantics.md 2.5).
func (it Item) receipt() Event {
	if len(it.Receipts) == 0 {
		return Unknown{it}
	}
	return Receipt{Item: it, MessageID: it.MessageID, By: it.Receipts[0]}
}

func (it Item) happening() Event {
	switch it.ContentType {
	case contentJoined:
		return Joined{it}
	case contentLeft:
		return Left{it}
	case contentInvited:
		return Invited{it}
	case ContentTyping:
		return Typing{it}
	case contentIdle:
		return Idle{it}
	case contentReturned:
		return Returned{it}
	case contentAuto:
		return AutoDisconnected{it}
	case contentRenamed:
		return Renamed{it}
	case contentTransferred, contentTransferNot:
		return Transferred{Item: it, Failed: it.ContentType == contentTransferNot}
	case contentEnded:
		return Ended{Item: it}
	}
	if state, ok := strings.CutPrefix(it.ContentType, contentAuth); ok {
		var content struct {
			SessionID string `json:"SessionId"`
		}
		_ = json.Unmarshal([]byte(it.Content), &content) // optional (semantics.md 2.6)
		return Authentication{Item: it, State: state, SessionID: content.SessionID}
	}
	return Unknown{it}
}
