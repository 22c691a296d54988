// Package blob is the contract of the place where the bytes of attachments are.
//
// Clients send and fetch them at URLs that the place gives out (semantics.md 6); who
// has a URL needs nothing else. What a client has sent is staged: it counts for nothing
// until [Store.Commit] has found it as announced, and from then on it never changes.
// The implementations are memblob, diskblob and s3blob; package blobtest is the suite
// that each of them passes.
package blob

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// The errors that callers tell apart. Each comes in a sentence that may be shown to the
// client. Any other error means that the store could not do its work, or that the caller
// gave it nonsense; every call may then be repeated.
var (
	// ErrMissing: nothing was uploaded under this key, or the upload was refused, or it
	// was deleted since.
	ErrMissing = errors.New("the file is not there")
	// ErrMismatch: what was uploaded is not what had been announced.
	ErrMismatch = errors.New("the file is not as announced")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("blob: closed")
)

// How long URLs are good for, where the client doesn't say; the real service's times are
// not known.
const (
	// UploadLife lets a large file through a slow line (semantics.md 6).
	UploadLife = 15 * time.Minute
	// DownloadLife is also the most that a client may ask for (semantics.md 3.7).
	DownloadLife = 300 * time.Second
)

// Key names an attachment. It has ids only: nothing that a user typed ever becomes part
// of a path.
type Key struct {
	Chat       chat.ChatID
	Attachment chat.ID
}

// String gives both ids.
func (k Key) String() string { return k.Chat.String() + "/" + k.Attachment.String() }

// Target is where and how a client uploads a file.
type Target struct {
	// URL takes a PUT; it has at most MaxURL characters, as far as that is up to us:
	// temporary credentials of AWS can make it longer.
	URL string
	// Headers must be sent as they are. They are those of [File.Headers], or some of
	// them.
	Headers map[string]string
}

// Store keeps attachments. All methods are safe for concurrent use. Times are those of
// the clock that the store was given.
//
// The File of an attachment is the same in all calls: a store need not remember it.
type Store interface {
	// Upload says where and how the client sends the file: a PUT of exactly f.Size bytes
	// with the target's headers. Until expires, which has whole seconds, it may be
	// repeated; the last complete one counts. A PUT of anything else, or later, is
	// refused; should one that breaks off leave something behind, Commit doesn't take it.
	// Upload itself stores nothing.
	Upload(ctx context.Context, k Key, f File, expires time.Time) (Target, error)

	// Commit makes the upload the attachment, for good: when it returns, the bytes are
	// durable, and no PUT changes them any more. It is idempotent. It returns ErrMissing,
	// or ErrMismatch if the upload has another size or type than f; which of the two
	// comes of a PUT that was refused is up to the store. Either way the client may PUT
	// again.
	Commit(ctx context.Context, k Key, f File) error

	// Put makes what r has the attachment, for good and without any URL: it is how
	// attachments move from one store to another. When it returns, the bytes are durable.
	// It is idempotent: what is kept already stays as it is, and r then need not be read.
	// It returns ErrMismatch if r has not exactly f.Size bytes, or if what is kept has
	// another size or type than f. If it fails, nothing has been kept.
	Put(ctx context.Context, k Key, f File, r io.Reader) error

	// Download gives a URL that answers GET with the attachment until expires, which has
	// whole seconds: parts of it too (Range), under f's type and as a file to be saved
	// by the name of [File.Disposition]. Of what was not committed it answers an error;
	// Download itself does not look.
	Download(ctx context.Context, k Key, f File, expires time.Time) (url string, err error)

	// Open reads the attachment, for those who have no use for a URL. It returns
	// ErrMissing if nothing was committed. A Delete meanwhile may cut the reader off with
	// an error, never with a wrong end.
	Open(ctx context.Context, k Key) (io.ReadCloser, error)

	// Delete removes the attachment, committed or not. It is idempotent. Uploads under
	// way are not stopped.
	Delete(ctx context.Context, k Key) error

	// Sweep removes the uploads that were complete before that time and have not been
	// committed, and says how many they were.
	Sweep(ctx context.Context, before time.Time) (n int, err error)

	// Close releases everything. Later calls of any method return ErrClosed.
	Close() error
}
