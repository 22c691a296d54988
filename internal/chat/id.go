package chat

import (
	"encoding/hex"
	"time"

	"github.com/google/uuid"
)

// ID is a UUID. The named ids below embed it, so that they can't be confused
// with one another and still read and write as UUIDs everywhere.
type ID struct{ uuid.UUID }

// ChatID names a chat: it is the InitialContactId of all its contacts.
type ChatID struct{ ID }

// ContactID names one contact (a segment) of a chat. The first contact of a chat
// has the chat's id.
type ContactID struct{ ID }

// ParticipantID names a participant of a chat, and stays the same across
// transfers.
type ParticipantID struct{ ID }

// IDs makes a new id whose UUIDv7 timestamp is at, which has whole milliseconds.
type IDs func(at time.Time) ID

// ParseID reads the usual 36 character form of a UUID, and no other.
func ParseID(s string) (ID, error) {
	if len(s) != 36 {
		return ID{}, errNotUUID
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return ID{}, errNotUUID
	}
	return ID{u}, nil
}

// AppendText writes the usual form, as MarshalText does, without an allocation.
func (id ID) AppendText(b []byte) ([]byte, error) {
	u := id.UUID[:]
	for i, n := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			b = append(b, '-')
		}
		b, u = hex.AppendEncode(b, u[:n]), u[n:]
	}
	return b, nil
}

// IsZero reports whether the id was never set.
func (id ID) IsZero() bool { return id.UUID == uuid.Nil }

// FirstContact is the id of the chat's first contact.
func (id ChatID) FirstContact() ContactID { return ContactID(id) }
