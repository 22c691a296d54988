// Package wire holds the shape of what clients see of a chat: the items of a
// transcript, which are also the content of websocket frames (semantics.md 2).
package wire

import (
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Item is an element of GetTranscript's Transcript, and the payload of a frame. Its
// members stand in the order seen in production (semantics.md 2.1).
type Item struct {
	AbsoluteTime     string           `json:"AbsoluteTime"`
	Content          string           `json:"Content,omitempty"`
	ContentType      string           `json:"ContentType,omitempty"`
	Id               string           `json:"Id"`
	Type             string           `json:"Type"`
	ParticipantId    string           `json:"ParticipantId,omitempty"`
	DisplayName      string           `json:"DisplayName,omitempty"`
	ParticipantRole  string           `json:"ParticipantRole,omitempty"`
	Attachments      []Attachment     `json:"Attachments,omitempty"`
	MessageMetadata  *MessageMetadata `json:"MessageMetadata,omitempty"`
	InitialContactId string           `json:"InitialContactId,omitempty"`
	ContactId        string           `json:"ContactId,omitempty"`
	RelatedContactId string           `json:"RelatedContactId,omitempty"`
}

// Attachment describes a file of an ATTACHMENT item (semantics.md 2.4).
type Attachment struct {
	AttachmentName string `json:"AttachmentName,omitempty"`
	ContentType    string `json:"ContentType,omitempty"`
	AttachmentId   string `json:"AttachmentId,omitempty"`
	Status         string `json:"Status,omitempty"`
}

// MessageMetadata carries the receipts of a message (semantics.md 2.5).
type MessageMetadata struct {
	MessageId               string    `json:"MessageId,omitempty"`
	Receipts                []Receipt `json:"Receipts,omitempty"`
	MessageProcessingStatus string    `json:"MessageProcessingStatus,omitempty"`
}

// Receipt says when a participant got and read a message.
type Receipt struct {
	DeliveredTimestamp     string `json:"DeliveredTimestamp,omitempty"`
	ReadTimestamp          string `json:"ReadTimestamp,omitempty"`
	RecipientParticipantId string `json:"RecipientParticipantId,omitempty"`
}

// Time writes a time as the Participant Service does: UTC, three fraction digits,
// Z. Clients compare these as strings. The zero time is the empty string.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// eventTypes are the ContentTypes of the entries that show as EVENT items.
var eventTypes = map[chat.Kind]string{
	chat.KindJoined: chat.EventJoined,
	chat.KindLeft:   chat.EventLeft,
	chat.KindEnded:  chat.EventEnded,
}

// FromEntry shows an entry for which [chat.Entry.Delivered] holds. Receipts of an
// item are not part of its entry; see [WithReceipts].
func FromEntry(id chat.ChatID, e *chat.Entry) Item {
	it := Item{
		AbsoluteTime: Time(e.At), Id: e.ID.String(), Type: "EVENT",
		InitialContactId: id.String(), ContactId: e.Contact.String(),
	}
	if e.Kind == chat.KindReceipt {
		return metadata(it, e)
	}
	if e.By != nil {
		it.author(*e.By)
	}
	if e.Kind == chat.KindMessage {
		it.Type, it.ContentType, it.Content = "MESSAGE", e.Content.Type, e.Content.Text
		return it
	}
	it.ContentType = eventTypes[e.Kind]
	return it
}

// FromSignal shows a signal.
func FromSignal(id chat.ChatID, s *chat.Signal) Item {
	it := Item{
		AbsoluteTime: Time(s.At), Id: s.ID.String(), Type: "EVENT", ContentType: s.ContentType,
		InitialContactId: id.String(), ContactId: s.Contact.String(),
	}
	it.author(s.By)
	return it
}

// WithReceipts adds an item's receipts, as GetTranscript shows them.
func WithReceipts(it Item, receipts []chat.ReceiptBy) Item {
	if len(receipts) == 0 {
		return it
	}
	it.MessageMetadata = &MessageMetadata{MessageId: it.Id}
	for _, r := range receipts {
		it.MessageMetadata.Receipts = append(it.MessageMetadata.Receipts, receipt(r.By, r.Receipt))
	}
	return it
}

// metadata is the frame of a receipt. It has exactly one, and names no author:
// ChatJS looks at the first only (semantics.md 2.5).
func metadata(it Item, e *chat.Entry) Item {
	it.Type, it.ContentType = "MESSAGEMETADATA", chat.EventMetadata
	it.MessageMetadata = &MessageMetadata{
		MessageId: e.Receipt.Item.String(),
		Receipts:  []Receipt{receipt(e.By.ID, *e.Receipt)},
	}
	return it
}

func receipt(by chat.ParticipantID, r chat.Receipt) Receipt {
	return Receipt{
		DeliveredTimestamp: Time(r.Delivered), ReadTimestamp: Time(r.Read),
		RecipientParticipantId: by.String(),
	}
}

func (it *Item) author(a chat.Author) {
	it.ParticipantId, it.DisplayName, it.ParticipantRole = a.ID.String(), a.Name, string(a.Role)
}
