package participant

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// MiB is the unit of the sizes of attachments.
const MiB = 1 << 20

// Attachments say which files may be sent; the zero value is as the real service is by
// default.
type Attachments struct {
	Off bool
	// MaxSize is in bytes, 20 MiB if 0. MaxCount is that of a chat, 35 if 0.
	MaxSize  int64
	MaxCount int
	// Types are DefaultMediaTypes if nil.
	Types MediaTypes
	// Scan has files looked at before anybody gets them.
	Scan bool
}

// defaults fills in what the real service has by default (semantics.md 6).
func (a Attachments) defaults() Attachments {
	if a.MaxSize == 0 {
		a.MaxSize = 20 * MiB
	}
	if a.MaxCount == 0 {
		a.MaxCount = chat.MaxAttachments
	}
	if a.Types == nil {
		a.Types = DefaultMediaTypes()
	}
	return a
}

// allowed refuses everything about attachments where they are switched off.
func (a *Attachments) allowed() error {
	if a.Off {
		return denied("attachments are switched off on this server (the setting attachments)")
	}
	return nil
}

// startAttachmentUpload tells where the file goes (semantics.md 6). Its refusals are
// shown to the person who sends the file.
func (s *service) startAttachmentUpload(ctx context.Context, in *StartAttachmentUploadIn) (*StartAttachmentUploadOut, error) {
	b := bearerOf(ctx)
	if _, err := s.node.Admit(ctx, b.chat, b.participant); err != nil {
		return nil, err
	}
	if err := s.attachments.allowed(); err != nil {
		return nil, err
	}
	f := chat.File{Name: *in.AttachmentName, Size: *in.AttachmentSizeInBytes}
	var problem string
	if f.Type, problem = s.attachments.Types.check(f.Name, *in.ContentType); problem == "" {
		problem = badName(f.Name)
	}
	if f.Size > s.attachments.MaxSize {
		problem = fmt.Sprintf("The file is too large: %d MB are the most", s.attachments.MaxSize/MiB)
	}
	if problem != "" {
		return nil, invalid(problem)
	}
	out, err := s.node.Do(ctx, b.chat, chat.StartUpload{By: b.participant, File: f, Most: s.attachments.MaxCount, Token: *in.ClientToken})
	if err != nil {
		return nil, err
	}
	f, err = s.upload(ctx, b, out.ID) // of a repeated request, as it was the first time
	if err != nil {
		return nil, err
	}
	expires := s.clock.Now().Add(blob.UploadLife).Truncate(time.Second)
	to, err := s.blobs.Upload(ctx, blob.Key{Chat: b.chat, Attachment: out.ID}, s.blob(b.chat, f), expires)
	if err != nil {
		return nil, err
	}
	return &StartAttachmentUploadOut{AttachmentId: out.ID.String(), UploadMetadata: &UploadMetadata{
		Url: to.URL, UrlExpiry: expires.UTC().Format("2006-01-02T15:04:05Z"), HeadersToInclude: to.Headers,
	}}, nil
}

// upload is a file that the caller may upload, or has.
func (s *service) upload(ctx context.Context, b bearer, id chat.ID) (f chat.File, err error) {
	err = s.node.View(ctx, b.chat, func(c *chat.Chat) error {
		f, _ = c.Upload(id, b.participant)
		return nil
	})
	return f, err
}

// blob is what the place of the bytes needs to know of a file.
func (s *service) blob(id chat.ChatID, f chat.File) blob.File {
	return blob.FileOf(id, f, s.center.Instance.AccountID, s.center.Instance.ID)
}

// completeAttachmentUpload is where a PUT that failed surfaces: ChatJS does not look at
// its answer (semantics.md 6).
func (s *service) completeAttachmentUpload(ctx context.Context, in *CompleteAttachmentUploadIn) (*CompleteAttachmentUploadOut, error) {
	b := bearerOf(ctx)
	if _, err := s.node.Admit(ctx, b.chat, b.participant); err != nil {
		return nil, err
	}
	if err := s.attachments.allowed(); err != nil {
		return nil, err
	}
	id, _ := chat.ParseID(in.AttachmentIds[0]) // the zero id is nobody's
	f, err := s.upload(ctx, b, id)
	if err != nil {
		return nil, err
	}
	if f.Size > 0 && f.Status == "" && f.Attempt == 0 {
		err = s.blobs.Commit(ctx, blob.Key{Chat: b.chat, Attachment: id}, s.blob(b.chat, f))
		if errors.Is(err, blob.ErrMissing) || errors.Is(err, blob.ErrMismatch) {
			return nil, invalid(sentence(err.Error()))
		}
		if err != nil {
			return nil, err
		}
	}
	_, err = s.node.Do(ctx, b.chat, chat.CompleteUpload{By: b.participant, ID: id, Scan: s.attachments.Scan, Token: *in.ClientToken})
	return nil, err
}

// sentence begins a text with a capital letter.
func sentence(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[n:]
}

// defaultURLExpiry is how long a download may begin if UrlExpiryInSeconds is absent.
const defaultURLExpiry = int32(blob.DownloadLife / time.Second)

// getAttachment gives the URL of an attachment of the chat, or of a past one that it
// continues (semantics.md 3.7).
func (s *service) getAttachment(ctx context.Context, in *GetAttachmentIn) (*GetAttachmentOut, error) {
	b := bearerOf(ctx)
	who, err := s.node.Admit(ctx, b.chat, b.participant)
	if err != nil {
		return nil, err
	}
	if err := s.attachments.allowed(); err != nil {
		return nil, err
	}
	if who.Role == chat.CustomBot {
		return nil, denied("a CUSTOM_BOT can't download attachments")
	}
	id, _ := chat.ParseID(*in.AttachmentId)
	of, f, err := s.node.Attachment(ctx, b.chat, id)
	if err != nil {
		return nil, err
	}
	life := defaultURLExpiry
	if in.UrlExpiryInSeconds != nil {
		life = *in.UrlExpiryInSeconds
	}
	// Whole seconds, and not less than was asked for.
	expires := s.clock.Now().Add(time.Duration(life)*time.Second + time.Second - 1).Truncate(time.Second)
	url, err := s.blobs.Download(ctx, blob.Key{Chat: of, Attachment: id}, s.blob(of, f), expires)
	if err != nil {
		return nil, err
	}
	return &GetAttachmentOut{Url: url, UrlExpiry: wire.Time(expires), AttachmentSizeInBytes: f.Size}, nil
}
