package chat

import (
	"crypto/sha256"
	"time"
)

// Role is what a participant is in the chat; the strings are the wire's
// (ParticipantRole, semantics.md 2.1).
type Role string

// The roles.
const (
	Customer   Role = "CUSTOMER"
	Agent      Role = "AGENT"
	Supervisor Role = "SUPERVISOR"
	CustomBot  Role = "CUSTOM_BOT"
	System     Role = "SYSTEM"
)

// Kind says what an entry records.
type Kind string

// The kinds of entry. Those that [Entry.Visible] reports are transcript items.
const (
	KindStarted    Kind = "started"    // the chat and its customer exist
	KindAdded      Kind = "added"      // a participant was given a token
	KindJoined     Kind = "joined"     // EVENT participant.joined
	KindLeft       Kind = "left"       // EVENT participant.left
	KindWithdrawn  Kind = "withdrawn"  // someone who never joined gave up their token
	KindMessage    Kind = "message"    // MESSAGE
	KindReceipt    Kind = "receipt"    // delivered or read; frames, not items
	KindQueued     Kind = "queued"     // waits in a queue for an agent
	KindAttributes Kind = "attributes" // contact attributes were merged in
	KindEnded      Kind = "ended"      // EVENT chat.ended; the last visible entry
)

// Entry is one row of a chat's log. Exactly the fields that its kind needs are
// set. Entries are self-contained: an item can be shown without the chat.
type Entry struct {
	// Seq counts from 1 without gaps within a chat.
	Seq int64 `json:"-"`
	// ID is the item's Id; for KindAdded it is the participant's.
	ID ID `json:"-"`
	// At is the AbsoluteTime: UTC, whole milliseconds, increasing with Seq.
	At time.Time `json:"-"`

	Kind    Kind      `json:"kind"`
	Contact ContactID `json:"contact"`
	// By is whom the entry is about: sender, joiner, leaver, reader.
	By *Author `json:"by,omitempty"`
	// Token is the ClientToken of the request that caused the entry.
	Token string `json:"token,omitempty"`

	Content    *Content          `json:"content,omitempty"`
	Receipt    *Receipt          `json:"receipt,omitempty"`
	Started    *Settings         `json:"started,omitempty"`
	Queue      string            `json:"queue,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	// Cause is the DisconnectReason of KindLeft and KindEnded (semantics.md 9.4).
	Cause Cause `json:"cause,omitempty"`
}

// Author is a participant as an item shows it.
type Author struct {
	ID   ParticipantID `json:"id"`
	Role Role          `json:"role"`
	Name string        `json:"name"`
}

// Content is what a message says, and in which ContentType.
type Content struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Receipt says that By has got or read an item. Read implies delivered, so
// Delivered is always set.
type Receipt struct {
	Item      ID        `json:"item"`
	Delivered time.Time `json:"delivered"`
	Read      time.Time `json:"read,omitzero"`
}

// Visible reports whether the entry is an item of the transcript.
func (e *Entry) Visible() bool {
	switch e.Kind {
	case KindJoined, KindLeft, KindMessage, KindEnded:
		return true
	}
	return false
}

// Delivered reports whether the entry is sent to sockets: the items, and receipts.
func (e *Entry) Delivered() bool { return e.Visible() || e.Kind == KindReceipt }

// Signal is delivered to every socket of the chat and kept nowhere.
type Signal struct {
	ID          ID
	At          time.Time
	Contact     ContactID
	By          Author
	ContentType string
}

// tokenKey identifies a request for idempotency. It covers the content, because
// ChatJS sends all its receipts with one constant ClientToken (semantics.md 3.2).
type tokenKey [16]byte

func newTokenKey(by ParticipantID, token, contentType, content string) tokenKey {
	h := sha256.New()
	h.Write(by.UUID[:])
	for _, s := range []string{token, contentType, content} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return tokenKey(h.Sum(nil)[:16])
}

// tokenKey gives the key of the request that caused the entry, if it had a
// ClientToken.
func (e *Entry) tokenKey() (tokenKey, bool) {
	if e.Token == "" {
		return tokenKey{}, false
	}
	switch e.Kind {
	case KindMessage:
		return newTokenKey(e.By.ID, e.Token, e.Content.Type, e.Content.Text), true
	case KindReceipt:
		typ := EventDelivered
		if !e.Receipt.Read.IsZero() {
			typ = EventRead
		}
		return newTokenKey(e.By.ID, e.Token, typ, e.Receipt.Item.String()), true
	case KindJoined:
		return newTokenKey(e.By.ID, e.Token, EventAcknowledged, ""), true
	case KindAdded:
		return newTokenKey(ParticipantID{}, e.Token, string(e.By.Role), e.By.Name), true
	case KindLeft, KindWithdrawn:
		return newTokenKey(e.By.ID, e.Token, EventLeft, ""), true
	}
	return tokenKey{}, false
}
