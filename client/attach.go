package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/google/uuid"
)

// Upload is a file to be shared.
type Upload struct {
	// Name is shown to the others. Its extension says what may be shared.
	Name string
	// ContentType is the file's media type; it is found by the name if empty.
	ContentType string
	// Size is how many bytes Content has.
	Size    int64
	Content io.Reader
}

// uploadAttempts is how often an upload is begun that the network or the store of files
// could not finish.
const uploadAttempts = 3

// AttachFile shares a file of this machine; see [Session.Attach].
func (s *Session) AttachFile(ctx context.Context, path string) (attachmentID string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // to open a pipe could take for ever
		return "", fmt.Errorf("client: %s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return s.Attach(ctx, Upload{Name: filepath.Base(path), Size: info.Size(), Content: f})
}

// Attach shares a file: it asks where to, sends the bytes there, and says that they are
// there (semantics.md 6). When it returns, the others do not have it yet: an
// [event.Attachment] comes when the service has looked at it, with its Status. An upload that
// fails is tried again if Content is an [io.Seeker].
func (s *Session) Attach(ctx context.Context, u Upload) (attachmentID string, err error) {
	in := &connectparticipant.StartAttachmentUploadInput{
		AttachmentName: &u.Name, AttachmentSizeInBytes: u.Size, ClientToken: aws.String(uuid.NewString()),
		ContentType: aws.String(cmp.Or(u.ContentType, mediaType(u.Name))),
	}
	var out *connectparticipant.StartAttachmentUploadOutput
	err = s.call(ctx, func(ctx context.Context, token *string) error {
		in.ConnectionToken = token
		out, err = s.api.StartAttachmentUpload(ctx, in)
		return err
	})
	if err != nil {
		return "", err
	}
	if out.UploadMetadata == nil {
		return "", fmt.Errorf("%w: the service does not say where it goes", ErrUpload)
	}
	if u.Content == nil {
		u.Content = http.NoBody
	}
	if err := s.upload(ctx, u, out.UploadMetadata); err != nil {
		return "", s.closedOr(err)
	}
	done := &connectparticipant.CompleteAttachmentUploadInput{
		AttachmentIds: []string{aws.ToString(out.AttachmentId)}, ClientToken: aws.String(uuid.NewString()),
	}
	err = s.call(ctx, func(ctx context.Context, token *string) error {
		done.ConnectionToken = token
		_, err := s.api.CompleteAttachmentUpload(ctx, done)
		return err
	})
	return aws.ToString(out.AttachmentId), err
}

// upload sends the bytes, more than once if they can be had again.
func (s *Session) upload(ctx context.Context, u Upload, to *types.UploadMetadata) error {
	ctx, stop := s.until(ctx)
	defer stop()
	begin, seekable := int64(0), false
	seeker, ok := u.Content.(io.Seeker)
	if ok {
		var err error
		begin, err = seeker.Seek(0, io.SeekCurrent)
		seekable = err == nil
	}
	for failed := 0; ; {
		again, err := s.put(ctx, u, to)
		if failed++; err == nil || !again || !seekable || failed == uploadAttempts || !s.sleep(ctx, backoff(failed)) {
			return err
		}
		if _, err := seeker.Seek(begin, io.SeekStart); err != nil {
			return err
		}
	}
}

// put sends the bytes once, with exactly the headers that the service wants. again says
// whether another attempt may do better.
func (s *Session) put(ctx context.Context, u Upload, to *types.UploadMetadata) (again bool, err error) {
	body := io.LimitReader(u.Content, u.Size)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, aws.ToString(to.Url), io.NopCloser(body))
	if err != nil {
		return false, err
	}
	for name, value := range to.HeadersToInclude {
		req.Header.Set(name, value)
	}
	req.ContentLength = u.Size // Go takes the length from here only, and the host from the URL
	if u.Size == 0 {
		req.Body = http.NoBody
	}
	resp, err := s.ask(req)
	if err != nil {
		return ctx.Err() == nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return false, nil
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
	err = fmt.Errorf("%w with %s: %s", ErrUpload, resp.Status, strings.TrimSpace(string(said)))
	return resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, err
}

// Download is a file that somebody shared. Whoever reads it closes it.
type Download struct {
	io.ReadCloser
	// Name and ContentType are as the store of files has them; maybe empty.
	Name, ContentType string
	// Size is how many bytes there are, -1 if that is not known.
	Size int64
}

// Download gives a file that somebody shared in this chat, by the ID of an attachment
// with the status APPROVED. ctx also bounds the reading, as [Session.Close] does.
func (s *Session) Download(ctx context.Context, attachmentID string) (*Download, error) {
	var out *connectparticipant.GetAttachmentOutput
	err := s.call(ctx, func(ctx context.Context, token *string) (err error) {
		out, err = s.api.GetAttachment(ctx, &connectparticipant.GetAttachmentInput{ConnectionToken: token, AttachmentId: &attachmentID})
		return err
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := s.until(ctx)
	resp, err := s.get(ctx, aws.ToString(out.Url))
	if err != nil {
		stop()
		return nil, s.closedOr(err)
	}
	_, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	return &Download{
		ReadCloser: reading{resp.Body, stop}, Name: params["filename"],
		ContentType: resp.Header.Get("Content-Type"), Size: resp.ContentLength,
	}, nil
}

// get asks for a file.
func (s *Session) get(ctx context.Context, from string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.ask(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%w with %s", ErrDownload, resp.Status)
	}
	return resp, nil
}

// ask asks the store of files. What fails is told without the URL's query: whoever has that
// has the file.
func (s *Session) ask(req *http.Request) (*http.Response, error) {
	resp, err := s.files.Do(req)
	var at *url.Error
	if errors.As(err, &at) {
		at.URL, _, _ = strings.Cut(at.URL, "?")
	}
	return resp, err
}

// reading is the body of an answer. Its context ends with it.
type reading struct {
	io.ReadCloser
	stop func()
}

// Close closes the body.
func (r reading) Close() error {
	defer r.stop()
	return r.ReadCloser.Close()
}

// mediaTypes are those that may be shared (semantics.md 6), where machines differ or
// don't know.
var mediaTypes = map[string]string{
	".csv": "text/csv", ".doc": "application/msword", ".heic": "image/heic", ".jfif": "image/jpeg",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".mov": "video/quicktime", ".mp4": "video/mp4",
	".pdf": "application/pdf", ".png": "image/png", ".ppt": "application/vnd.ms-powerpoint",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".rtf":  "application/rtf", ".txt": "text/plain", ".wav": "audio/wav", ".xls": "application/vnd.ms-excel",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// mediaType is that of a file of this name.
func mediaType(name string) string {
	ext := strings.ToLower(filepath.Ext(name))
	found, _, _ := mime.ParseMediaType(mime.TypeByExtension(ext))
	return cmp.Or(mediaTypes[ext], found, "application/octet-stream")
}
