package chat

import "errors"

var errNotUUID = errors.New("not a UUID")

// Reason says why a command was refused. The list is closed: each API maps every
// reason to one of its modelled errors, and a test holds it to that.
type Reason int

const (
	// Ended: the chat is over.
	Ended Reason = iota + 1
	// UnknownParticipant: the chat has no such participant.
	UnknownParticipant
	// NotPresent: the participant has not joined yet, or has left.
	NotPresent
	// Silent: a supervisor who only watches can't be heard; barge in first.
	Silent
	// BadContent: Content is missing, malformed or too long for its type.
	BadContent
	// UnsupportedContentType: the chat or the operation doesn't take this ContentType.
	UnsupportedContentType
	// UnknownItem: no MESSAGE or ATTACHMENT of the chat has this id.
	UnknownItem
	// ReceiptsOff: receipts rest while more than two are active or a supervisor
	// has barged in (semantics.md 3.12).
	ReceiptsOff
	// WrongState: the chat's participants don't allow this now.
	WrongState
	// TooMany: a limit on the number of participants is reached.
	TooMany
	// TooLate: a custom participant did not connect in time.
	TooLate
	// QuotaExceeded: the chat has as many attachments as it may have.
	QuotaExceeded
	// AlreadyDone: it was done before, and can be done once.
	AlreadyDone
	// lastReason stays last.
	lastReason
)

// Reasons lists every reason, for the tests of the tables that map them.
func Reasons() []Reason {
	var all []Reason
	for r := Ended; r < lastReason; r++ {
		all = append(all, r)
	}
	return all
}

// Refusal is the only error Decide returns. Detail is a sentence for the caller.
type Refusal struct {
	Reason Reason
	Detail string
}

// Error gives the sentence.
func (r *Refusal) Error() string { return r.Detail }

func refuse(r Reason, detail string) error { return &Refusal{Reason: r, Detail: detail} }
