// Package wire holds the shape of what clients see of a chat: the items of a
// transcript, which are also the content of websocket frames (semantics.md 2).
package wire

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Item is an element of GetTranscript's Transcript, and the payload of a frame. Its
// members stand in the order seen in production (semantics.md 2.1, 2.4).
type Item struct {
	AbsoluteTime     string           `json:"AbsoluteTime"`
	Attachments      []Attachment     `json:"Attachments,omitempty"`
	Content          string           `json:"Content,omitempty"`
	ContentType      string           `json:"ContentType,omitempty"`
	Id               string           `json:"Id"`
	Type             string           `json:"Type"`
	ParticipantId    string           `json:"ParticipantId,omitempty"`
	DisplayName      string           `json:"DisplayName,omitempty"`
	ParticipantRole  string           `json:"ParticipantRole,omitempty"`
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
	// MessageCompleted is set on the parts of a message, and on the whole after them;
	// ChunkNumber counts the parts from 1 (semantics.md 2.3).
	MessageCompleted *bool `json:"MessageCompleted,omitempty"`
	ChunkNumber      int   `json:"ChunkNumber,omitzero"`
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
	chat.KindInvited:        chat.EventInvited,
	chat.KindJoined:         chat.EventJoined,
	chat.KindLeft:           chat.EventLeft,
	chat.KindWatching:       chat.EventLeft,
	chat.KindTransferred:    chat.EventTransferSucceeded,
	chat.KindNotTransferred: chat.EventTransferFailed,
	chat.KindIdle:           chat.EventIdle,
	chat.KindReturned:       chat.EventReturned,
	chat.KindAutoDisconnect: chat.EventAutoDisconnection,
	chat.KindRenamed:        chat.EventRenamed,
	chat.KindRehydrated:     chat.EventRehydrated,
	chat.KindEnded:          chat.EventEnded,
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
	switch e.Kind {
	case chat.KindMessage:
		it.Type, it.ContentType, it.Content = "MESSAGE", e.Content.Type, e.Content.Text
	case chat.KindAttachment: // has no ContentType of its own (semantics.md 2.4)
		it.Type = "ATTACHMENT"
		it.Attachments = []Attachment{{e.File.Name, e.File.Type, e.File.ID.String(), string(e.File.Status)}}
	case chat.KindAuthentication:
		it.ContentType = chat.EventAuthentication + string(e.Auth.State)
		it.Content = fmt.Sprintf(`{"SessionId":"%s"}`, e.Auth.Session)
	default:
		it.ContentType = eventTypes[e.Kind]
	}
	return it
}

// FromPast makes an item that of a past chat which the reader's continues: it has a
// RelatedContactId in place of its ContactId (semantics.md 5).
func FromPast(it Item) Item {
	it.RelatedContactId, it.ContactId = it.ContactId, ""
	return it
}

// FromSignal shows a signal.
func FromSignal(id chat.ChatID, s *chat.Signal) Item {
	it := Item{
		AbsoluteTime: Time(s.At), Id: s.ID.String(), Type: "EVENT", ContentType: s.ContentType,
		InitialContactId: id.String(), ContactId: s.Contact.String(),
	}
	it.author(s.By)
	if s.Part != nil {
		it.Type = "MESSAGE"
		return part(it, s.Part.Text, s.Part.Number)
	}
	return it
}

// Parts shows a streamed message to a customer who wants answers as they come: the parts
// that were not sent yet, and the whole (semantics.md 2.3).
func Parts(id chat.ChatID, e *chat.Entry) (items []Item) {
	whole := FromEntry(id, e)
	if e.Content.Stream == chat.StreamSplit {
		for i, text := range split(e.Content.Text) {
			items = append(items, part(whole, text, i+1))
		}
	}
	return append(items, part(whole, whole.Content, 0))
}

// part is one part of a message, or with number 0 the whole. ChatJS knows parts by the
// role SYSTEM, whoever speaks, and Android needs the MessageId.
func part(it Item, text string, number int) Item {
	done := number == 0
	it.Content, it.ParticipantRole = text, string(chat.System)
	it.MessageMetadata = &MessageMetadata{MessageId: it.Id, MessageCompleted: &done, ChunkNumber: number}
	return it
}

// maxParts bounds the parts of one message: a slow reader is cut off when too many frames
// wait for it.
const maxParts = 100

// split cuts a text after spaces, into parts of about as many words.
func split(text string) (parts []string) {
	words := strings.SplitAfter(text, " ")
	if words[len(words)-1] == "" {
		words = words[:len(words)-1]
	}
	for group := range slices.Chunk(words, (len(words)+maxParts-1)/maxParts) {
		parts = append(parts, strings.Join(group, ""))
	}
	return parts
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
