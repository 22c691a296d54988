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
	KindStarted        Kind = "started"        // the chat and its customer exist
	KindContact        Kind = "contact"        // the next contact of the chain begins, or one of a participant's own
	KindAdded          Kind = "added"          // a participant was given a token
	KindInvited        Kind = "invited"        // EVENT participant.invited
	KindJoined         Kind = "joined"         // EVENT participant.joined
	KindLeft           Kind = "left"           // EVENT participant.left
	KindWatching       Kind = "watching"       // EVENT participant.left of a supervisor who goes on watching in silence
	KindWithdrawn      Kind = "withdrawn"      // someone who never joined gave up their token, or it was taken from them
	KindTransferred    Kind = "transferred"    // EVENT transfer.succeeded
	KindNotTransferred Kind = "notTransferred" // EVENT transfer.failed
	KindMessage        Kind = "message"        // MESSAGE
	KindReceipt        Kind = "receipt"        // delivered or read; frames, not items
	KindQueued         Kind = "queued"         // waits in a queue for an agent
	KindStepped        Kind = "stepped"        // the flow has come to a step where it waits
	KindAttributes     Kind = "attributes"     // contact attributes were merged in
	KindDescribed      Kind = "described"      // a contact's name, description, references, tags were changed
	KindTimers         Kind = "timers"         // idle timers were set, for the next agent
	KindIdle           Kind = "idle"           // EVENT participant.idle; not an item
	KindReturned       Kind = "returned"       // EVENT participant.returned; not an item
	KindAutoDisconnect Kind = "autoDisconnect" // EVENT participant.autodisconnection; not an item
	KindUpload         Kind = "upload"         // a file may be uploaded
	KindScanning       Kind = "scanning"       // it was, and is being looked at
	KindAttachment     Kind = "attachment"     // ATTACHMENT
	KindDiscarding     Kind = "discarding"     // a rejected one is still there, and is being removed again
	KindDiscarded      Kind = "discarded"      // it is gone, or nobody tries any more
	KindAuthentication Kind = "authentication" // EVENT authentication.…, or a step between two; not an item
	KindRenamed        Kind = "renamed"        // EVENT participant.displayname.updated; not an item
	KindRehydrated     Kind = "rehydrated"     // EVENT chat.rehydrated; not an item
	KindLost           Kind = "lost"           // a participant's last websocket is gone
	KindFound          Kind = "found"          // and there is one again
	KindEnded          Kind = "ended"          // EVENT chat.ended; the last visible entry
)

// Entry is one row of a chat's log. Exactly the fields that its kind needs are
// set. Entries are self-contained: an item can be shown without the chat.
type Entry struct {
	// Seq counts from 1 without gaps within a chat.
	Seq int64 `json:"-"`
	// ID is the item's Id; for KindAdded it is the participant's, for KindContact the
	// contact's, for KindUpload the attachment's.
	ID ID `json:"-"`
	// At is the AbsoluteTime: UTC, whole milliseconds, increasing with Seq.
	At time.Time `json:"-"`

	Kind    Kind      `json:"kind"`
	Contact ContactID `json:"contact"`
	// By is whom the entry is about: sender, joiner, leaver, reader.
	By *Author `json:"by,omitempty"`
	// To says who may see the item.
	To Audience `json:"to,omitempty"`
	// Except is somebody who isn't told: who takes over, of a transfer. A ChatJS session
	// of anyone but the customer ends with transfer.succeeded (semantics.md 2.6, 11).
	Except ParticipantID `json:"except,omitzero"`
	// Token is the ClientToken of the request that caused the entry.
	Token string `json:"token,omitempty"`

	Content    *Content          `json:"content,omitempty"`
	Receipt    *Receipt          `json:"receipt,omitempty"`
	Started    *Settings         `json:"started,omitempty"`
	Segment    *Segment          `json:"segment,omitempty"`
	Added      *Invitation       `json:"added,omitempty"`
	Queue      string            `json:"queue,omitempty"`
	Offer      *Offer            `json:"offer,omitempty"`
	Step       *Position         `json:"step,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Described  *Description      `json:"described,omitempty"`
	Timers     []Timer           `json:"timers,omitempty"`
	File       *File             `json:"file,omitempty"`
	Auth       *Authentication   `json:"auth,omitempty"`
	Past       *Past             `json:"past,omitempty"`
	// Cause is the DisconnectReason of those who leave and of what ends (semantics.md
	// 9.4).
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
	// Stream says that a customer who wants answers as they come is sent the text in
	// parts (semantics.md 2.3).
	Stream Streaming `json:"stream,omitempty"`
}

// Streaming is how a message gets to a customer whose ResponseMode is INCREMENTAL.
type Streaming string

// The ways of streaming; without one the message comes as a whole, as to everybody else.
const (
	// StreamSplit has the text cut into parts, which are sent before it.
	StreamSplit Streaming = "split"
	// StreamDone says that the parts were sent while the text was being written.
	StreamDone Streaming = "done"
)

// Receipt says that By has got or read an item. Read implies delivered, so
// Delivered is always set.
type Receipt struct {
	Item      ID        `json:"item"`
	Delivered time.Time `json:"delivered"`
	Read      time.Time `json:"read,omitzero"`
}

// Visible reports whether the entry is an item of the transcript (semantics.md 2.6).
func (e *Entry) Visible() bool {
	switch e.Kind {
	case KindInvited, KindJoined, KindLeft, KindWatching, KindTransferred, KindNotTransferred,
		KindMessage, KindAttachment, KindEnded:
		return true
	}
	return false
}

// Delivered reports whether the entry is sent to sockets: the items, and what is told
// without being one.
func (e *Entry) Delivered() bool {
	switch e.Kind {
	case KindReceipt, KindIdle, KindReturned, KindAutoDisconnect, KindRenamed, KindRehydrated:
		return true
	case KindAuthentication:
		return e.Auth.State.told()
	}
	return e.Visible()
}

// For reports whether a participant is sent the entry. Supervisors are not told of
// transfers, because their ChatJS sessions would end; the transcript has them.
func (e *Entry) For(id ParticipantID, r Role) bool {
	if e.By != nil && e.By.ID == id {
		return true
	}
	if e.Kind == KindTransferred && r == Supervisor || e.Except == id {
		return false
	}
	return e.To.Includes(r)
}

// Signal is delivered to every socket of the chat and kept nowhere.
type Signal struct {
	ID          ID
	At          time.Time
	Contact     ContactID
	By          Author
	ContentType string
	// Part is set for a part of a message that is still being written.
	Part *Part
}

// tokenKey identifies a request for idempotency. It covers the content, because
// ChatJS sends all its receipts with one constant ClientToken (semantics.md 3.2).
type tokenKey [16]byte

func newTokenKey(by ParticipantID, token, contentType, content string) tokenKey {
	var room [512]byte // most requests need no more
	b := append(room[:0], by.UUID[:]...)
	for _, s := range [...]string{token, contentType, content} {
		b = append(append(b, s...), 0)
	}
	sum := sha256.Sum256(b)
	return tokenKey(sum[:16])
}

// What stands for the ContentType in the keys of requests that have none.
const (
	keyStart    = "upload"
	keyComplete = "complete"
	keyTransfer = "transfer"
	keyMonitor  = "monitor"
	keyPast     = "past"
	keyPart     = "part"
)

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
		if e.Added != nil && !e.Added.Transfer.IsZero() {
			return newTokenKey(ParticipantID{}, e.Token, keyTransfer, ""), true
		}
		return newTokenKey(ParticipantID{}, e.Token, string(e.By.Role), e.By.Name), true
	case KindContact:
		if e.By != nil { // the customer, whose leaving it is
			return newTokenKey(e.By.ID, e.Token, EventLeft, ""), true
		}
		return newTokenKey(ParticipantID{}, e.Token, e.Segment.request(), ""), true
	case KindLeft, KindWithdrawn:
		return newTokenKey(e.By.ID, e.Token, EventLeft, ""), true
	case KindUpload:
		return newTokenKey(e.By.ID, e.Token, keyStart, e.File.Name), true
	case KindScanning, KindAttachment:
		return newTokenKey(e.By.ID, e.Token, keyComplete, e.File.ID.String()), true
	case KindRehydrated:
		return newTokenKey(ParticipantID{}, e.Token, keyPast, ""), true
	}
	return tokenKey{}, false
}

// answer is what a repetition of the request that caused the entry is answered with.
func (e *Entry) answer() ID {
	if e.Kind == KindAdded && e.Added != nil && !e.Added.Transfer.IsZero() {
		return e.Added.Transfer.ID
	}
	return e.ID
}
