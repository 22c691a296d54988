// Package served is a [blob.Store] whose URLs lead to the node itself. It needs a place
// for the bytes ([Files]); memblob and diskblob are its places.
//
// All authority is in the URL: a token that any node with the key can verify says what
// may be sent or fetched, and until when. Errors are answered as the Participant
// Service's are.
package served

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/token"
)

// Path is the prefix of the paths that a [Store] handles.
const Path = "/participant/attachments/"

// Config is what a store needs to make its URLs.
type Config struct {
	// Base is how clients reach the node, without a slash at its end, like
	// "https://chat.example.com".
	Base string
	// Tokens sign the URLs.
	Tokens *token.Keyring
	// Clock says when URLs expire and how old uploads are.
	Clock clockwork.Clock
}

// Files is where the bytes are. An upload is staged first, then kept; both are whole or
// not there. All methods are safe for concurrent use; what isn't there is
// [fs.ErrNotExist].
type Files interface {
	// Stage reads size bytes and makes them the key's upload, instead of an earlier one.
	// If it fails, nothing has changed. The upload is durable, and as old as at says.
	Stage(k blob.Key, r io.Reader, size int64, at time.Time) error
	// Keep makes the upload the attachment if it has that size, durably, and gives the
	// size there is. What is kept already stays as it is.
	Keep(k blob.Key, size int64) (got int64, err error)
	// Open reads what is kept. It stays readable when it is deleted meanwhile.
	Open(k blob.Key) (io.ReadSeekCloser, error)
	// Delete removes what is staged and what is kept, if there is any.
	Delete(k blob.Key) error
	// Sweep removes what was staged before that time.
	Sweep(ctx context.Context, before time.Time) (n int, err error)
	// Close releases everything.
	Close() error
}

// Store is a [blob.Store] and the [http.Handler] of its URLs.
type Store struct {
	files  Files
	config Config
	closed atomic.Bool

	mu      sync.Mutex
	refused map[blob.Key]string // why the last PUT was: Commit is asked, since ChatJS doesn't look
}

var _ blob.Store = (*Store)(nil)

// maxRefused bounds what is remembered of refused uploads.
const maxRefused = 1000

// New makes a store of files. The store closes them.
func New(files Files, c Config) *Store {
	return &Store{files: files, config: c, refused: make(map[blob.Key]string)}
}

// Upload implements [blob.Store].
func (s *Store) Upload(ctx context.Context, k blob.Key, f blob.File, expires time.Time) (blob.Target, error) {
	if err := s.check(ctx, f); err != nil {
		return blob.Target{}, err
	}
	c := claims{verb: put, key: k, expires: expires, size: f.Size, headers: digests(f.Headers())}
	return blob.Target{URL: s.url(c), Headers: f.Headers()}, nil
}

// Download implements [blob.Store].
func (s *Store) Download(ctx context.Context, k blob.Key, f blob.File, expires time.Time) (string, error) {
	if err := s.check(ctx, f); err != nil {
		return "", err
	}
	return s.url(claims{verb: get, key: k, expires: expires, size: f.Size, contentType: f.ContentType, name: f.Name}), nil
}

// url is where the claims can be used. The token is in the query: paths are logged.
func (s *Store) url(c claims) string {
	q := url.Values{"token": {s.config.Tokens.Seal(token.Blob, c.encode())}}
	return s.config.Base + Path + c.key.Attachment.String() + "?" + q.Encode()
}

// Commit implements [blob.Store].
func (s *Store) Commit(ctx context.Context, k blob.Key, f blob.File) error {
	if err := s.check(ctx, f); err != nil {
		return err
	}
	got, err := s.files.Keep(k, f.Size)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if why := s.refusal(k); why != "" {
			return fmt.Errorf("%w: its upload was refused: %s", blob.ErrMismatch, why)
		}
		return fmt.Errorf("%w: upload it with UploadMetadata's Url and HeadersToInclude first", blob.ErrMissing)
	case err != nil:
		return err
	case got != f.Size:
		return fmt.Errorf("%w: it has %d bytes, and not %d", blob.ErrMismatch, got, f.Size)
	}
	s.setRefusal(k, "")
	return nil
}

// Put implements [blob.Store].
func (s *Store) Put(ctx context.Context, k blob.Key, f blob.File, r io.Reader) error {
	if err := s.check(ctx, f); err != nil {
		return err
	}
	kept, err := s.files.Open(k)
	switch {
	case err == nil:
		_ = kept.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if err := s.files.Stage(k, blob.Exact(r, f.Size), f.Size, s.config.Clock.Now()); err != nil {
			return err
		}
	}
	return s.Commit(ctx, k, f)
}

// Open implements [blob.Store].
func (s *Store) Open(ctx context.Context, k blob.Key) (io.ReadCloser, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	r, err := s.files.Open(k)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it was never complete, or was deleted", blob.ErrMissing)
	}
	if err != nil {
		return nil, err // not r: a nil reader of some type is not nil
	}
	return r, nil
}

// Delete implements [blob.Store].
func (s *Store) Delete(ctx context.Context, k blob.Key) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.setRefusal(k, "")
	return s.files.Delete(k)
}

// Sweep implements [blob.Store].
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	return s.files.Sweep(ctx, before)
}

// Close implements [blob.Store].
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return blob.ErrClosed
	}
	return s.files.Close()
}

// ready reports why nothing more can be asked.
func (s *Store) ready(ctx context.Context) error {
	if s.closed.Load() {
		return blob.ErrClosed
	}
	return ctx.Err()
}

// check is ready, and reports what is wrong with the file.
func (s *Store) check(ctx context.Context, f blob.File) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return f.Check()
}

// refusal says why the last PUT was refused, if it was.
func (s *Store) refusal(k blob.Key) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[k]
}

// setRefusal remembers it; an empty reason forgets it.
func (s *Store) setRefusal(k blob.Key, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if why == "" {
		delete(s.refused, k)
		return
	}
	if len(s.refused) >= maxRefused {
		clear(s.refused) // it is only a hint
	}
	s.refused[k] = why
}
