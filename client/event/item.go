package event

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
)

// Item is an element of a chat: something said, shared or done. The same item comes on
// websockets and in transcripts (semantics.md 2.1).
type Item struct {
	ID string
	// Type is MESSAGE, ATTACHMENT, EVENT or MESSAGEMETADATA.
	Type        string
	ContentType string
	Content     string
	// AbsoluteTime is the service's time, as it was written; Time is the same.
	AbsoluteTime string
	Time         time.Time

	ParticipantID string
	DisplayName   string
	Role          types.ParticipantRole
	// Own is set on what this session's participant has done.
	Own bool

	ContactID        string
	InitialContactID string
	// RelatedContactID is set instead of ContactID on items of a past chat, which a
	// persistent chat shows.
	RelatedContactID string

	Attachments []File
	// Receipts says who got and read a message or attachment, as far as was known when
	// the transcript was read. On a websocket they come as items of their own.
	Receipts []ReceiptBy

	// Late is set on an item that came after a newer one.
	Late bool
	// Raw is the item as it came.
	Raw json.RawMessage

	// MessageID is what the receipts are for, if the item has any.
	MessageID string
	// Completed is false on a part of a message that is still being written, which is
	// number Chunk of them, from 1 on (semantics.md 2.3).
	Completed bool
	Chunk     int
}

// File is an attachment of an item (semantics.md 2.4).
type File struct {
	ID          string `json:"AttachmentId"`
	Name        string `json:"AttachmentName"`
	ContentType string `json:"ContentType"`
	// Status says what the scanner thinks of it. Only APPROVED files can be had.
	Status types.ArtifactStatus `json:"Status"`
}

// ReceiptBy says when a participant got and read something; the zero time is not yet.
type ReceiptBy struct {
	ParticipantID   string
	Delivered, Read time.Time
}

// metadata is an item's MessageMetadata.
type metadata struct {
	MessageID string `json:"MessageId"`
	Receipts  []struct {
		DeliveredTimestamp, ReadTimestamp string
		RecipientParticipantID            string `json:"RecipientParticipantId"`
	}
	MessageCompleted *bool
	ChunkNumber      int
}

// wireItem has the members of an item by their names on the wire.
type wireItem struct {
	AbsoluteTime, Content, ContentType, Type, DisplayName string
	ID                                                    string `json:"Id"`
	ParticipantID                                         string `json:"ParticipantId"`
	ParticipantRole                                       types.ParticipantRole
	ContactID                                             string `json:"ContactId"`
	InitialContactID                                      string `json:"InitialContactId"`
	RelatedContactID                                      string `json:"RelatedContactId"`
	Attachments                                           []File
	MessageMetadata                                       *metadata
}

// Parse reads an item as it comes on the wire, for the participant whose id is self.
// Members that it does not know are kept in Raw.
func Parse(raw []byte, self string) (Item, error) {
	var w wireItem
	if err := json.Unmarshal(raw, &w); err != nil {
		return Item{}, err
	}
	it := Item{
		ID: w.ID, Type: w.Type, ContentType: w.ContentType, Content: w.Content,
		AbsoluteTime: w.AbsoluteTime, Time: Time(w.AbsoluteTime),
		ParticipantID: w.ParticipantID, DisplayName: w.DisplayName, Role: w.ParticipantRole,
		Own:       w.ParticipantID != "" && w.ParticipantID == self,
		ContactID: w.ContactID, InitialContactID: w.InitialContactID, RelatedContactID: w.RelatedContactID,
		Attachments: w.Attachments, Raw: raw, Completed: true,
	}
	if m := w.MessageMetadata; m != nil {
		it.MessageID, it.Chunk = m.MessageID, m.ChunkNumber
		it.Completed = m.MessageCompleted == nil || *m.MessageCompleted || it.Role != types.ParticipantRoleSystem
		for _, r := range m.Receipts {
			it.Receipts = append(it.Receipts, ReceiptBy{
				ParticipantID: r.RecipientParticipantID,
				Delivered:     Time(r.DeliveredTimestamp), Read: Time(r.ReadTimestamp),
			})
		}
	}
	if it.Type == TypeMetadata && len(it.Receipts) > 0 {
		it.Own = it.Receipts[0].ParticipantID == self
	}
	return it, nil
}

// Time reads a time of the service; one that can't be read is the zero time.
func Time(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}

// Kept reports whether transcripts have the item (semantics.md 2.6): all but receipts,
// signals, and parts of messages.
func (it *Item) Kept() bool {
	switch it.Type {
	case TypeMessage:
		return it.Completed
	case TypeAttachment:
		return true
	case TypeEvent:
		return kept[it.ContentType]
	}
	return false
}

// Before reports whether the item's place in the chat is before another's.
func (it *Item) Before(other *Item) bool {
	if it.AbsoluteTime != other.AbsoluteTime {
		return it.AbsoluteTime < other.AbsoluteTime // of one width (semantics.md 2.1)
	}
	return it.ID < other.ID
}
