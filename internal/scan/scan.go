// Package scan asks a scanner whether an attachment may be shown (semantics.md 6): a
// command on this machine, or a web hook. It asks once; how often and how long to ask is
// up to the caller.
package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
)

// The errors of Scan. Each comes in a sentence for the operator. When the caller's
// context ends, its error is returned instead.
var (
	// ErrRetry: the scanner failed, and may do better when it is asked again: no answer
	// in time, a failed command, a status of 429, 408 or 5xx, an attachment that can't be
	// read now.
	ErrRetry = errors.New("the scanner failed")
	// ErrFinal: asking again is of no use: the scanner can't be started, refuses the
	// request or answers what can't be understood, or the attachment is gone.
	ErrFinal = errors.New("the scanner can't be used")
)

// Timeout is how long a scanner may take if it isn't told otherwise.
const Timeout = 20 * time.Second

// maxAnswer bounds what a scanner may answer, in bytes.
const maxAnswer = 64 << 10

// Scanner tells whether attachments may be shown. It is safe for concurrent use.
type Scanner interface {
	// Scan asks once, for no longer than the scanner's time-out. A false without an
	// error means that the attachment was rejected.
	Scan(ctx context.Context, r Request) (approved bool, err error)
}

// Request is about one attachment, which was committed.
type Request struct {
	// Instance is the instance's id.
	Instance string
	Key      blob.Key
	File     blob.File
	// Created is when its upload was begun.
	Created time.Time
}

// Config is what scanners need.
type Config struct {
	// Blobs has the attachments.
	Blobs blob.Store
	// Clock says when the URLs expire that are given to a hook.
	Clock clockwork.Clock
	// Timeout bounds each Scan; 0 stands for the constant of that name.
	Timeout time.Duration
}

// message is the request as scanners get it: what Lambda functions get of the real
// service (semantics.md 6), but for where the file is.
type message struct {
	Version    string
	InstanceID string `json:"InstanceId"`
	File       file
}

type file struct {
	FileID           string `json:"FileId"`
	FileCreationTime int64  // in ms
	FileName         string
	FileSizeInBytes  int64
	FileLocation     location
}

// location is instead of an S3Location.
type location struct {
	Path string `json:",omitzero"` // for commands
	URL  string `json:"Url,omitzero"`
}

// encode makes the message of a request.
func (r *Request) encode(at location) ([]byte, error) {
	return json.Marshal(message{
		Version: "1.0", InstanceID: r.Instance,
		File: file{
			FileID: r.Key.Attachment.String(), FileCreationTime: r.Created.UnixMilli(), FileName: r.File.Name,
			FileSizeInBytes: r.File.Size, FileLocation: at,
		},
	})
}

// understand reads an answer.
func understand(answer []byte) (approved bool, err error) {
	var a struct{ Status string }
	if err := json.Unmarshal(answer, &a); err != nil {
		return false, fmt.Errorf(`%w: its answer %.100q is not like {"Status":"APPROVED"}: %v`, ErrFinal, answer, err)
	}
	switch a.Status {
	case "APPROVED":
		return true, nil
	case "REJECTED":
		return false, nil
	}
	return false, fmt.Errorf("%w: it answers the Status %.100q; it must be APPROVED or REJECTED", ErrFinal, a.Status)
}

// unavailable says that the attachment can't be had for the scanner.
func unavailable(err error) error {
	kind := ErrRetry
	if errors.Is(err, blob.ErrMissing) {
		kind = ErrFinal
	}
	return fmt.Errorf("%w: the attachment can't be given to it: %w", kind, err)
}

// errTime is the cause of the end of an attempt's context.
var errTime = errors.New("no time left")

// attempt bounds one Scan.
func (c *Config) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.timeout(), errTime)
}

func (c *Config) timeout() time.Duration {
	if c.Timeout == 0 {
		return Timeout
	}
	return c.Timeout
}

// ended reports what the end of an attempt's context means: nil if it hasn't ended.
func (c *Config) ended(ctx context.Context) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return nil
	case errors.Is(cause, errTime):
		return fmt.Errorf("%w: it has not answered within %v", ErrRetry, c.timeout())
	}
	return ctx.Err() // the caller has given up
}
