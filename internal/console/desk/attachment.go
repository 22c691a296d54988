package desk

import (
	"context"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// GetAttachmentIn is the input of GetAttachment: a file in the chat of a contact.
type GetAttachmentIn struct {
	ContactId    *string `path:"ContactId" required:"true" max:"256"`
	AttachmentId *string `path:"AttachmentId" required:"true" max:"256"`
}

// GetAttachmentOut says where the file is, like that of the Participant API. Whoever has
// the URL needs nothing else.
type GetAttachmentOut struct {
	Url                   string `json:"Url"`
	UrlExpiry             string `json:"UrlExpiry"`
	AttachmentSizeInBytes int64  `json:"AttachmentSizeInBytes"`
}

// getAttachment is for those who may read the transcript and have no connection token: a
// chat that is over has none. It gives no file that the transcript doesn't name: neither
// one that was rejected, nor one of a past chat that this one continues.
func (s *Desk) getAttachment(ctx context.Context, in *GetAttachmentIn) (*GetAttachmentOut, error) {
	file, _ := chat.ParseID(*in.AttachmentId) // the zero id is no file's
	var f chat.File
	id, err := s.view(ctx, *in.ContactId, func(c *chat.Chat, _ *chat.Contact) (err error) {
		var found bool
		if f, found = c.Attachment(file); !found {
			err = notFound("AttachmentId names no attachment of this chat that can be downloaded; take it from an item whose Status is APPROVED")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if !s.config.Attachments {
		return nil, denied("Attachments are switched off on this server (the setting attachments)")
	}
	expires := s.config.Clock.Now().Add(blob.DownloadLife).Truncate(time.Second)
	of := blob.FileOf(id, f, s.config.Center.Instance.AccountID, s.config.Center.Instance.ID)
	url, err := s.config.Blobs.Download(ctx, blob.Key{Chat: id, Attachment: file}, of, expires)
	if err != nil {
		return nil, err
	}
	return &GetAttachmentOut{Url: url, UrlExpiry: wire.Time(expires), AttachmentSizeInBytes: f.Size}, nil
}
