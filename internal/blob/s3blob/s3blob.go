// Package s3blob keeps attachments in any S3-compatible store. Clients send and fetch
// the bytes there themselves, at presigned URLs:
//
//	PREFIX/staged/CHAT/ID   uploads
//	PREFIX/kept/CHAT/ID     attachments
//
// An upload is copied to where no URL can write. Pages of other origins need the
// bucket's CORS configuration to let them PUT and GET with any header (semantics.md 6).
package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
)

// Store is a [blob.Store] in a bucket.
type Store struct {
	location location
	clock    clockwork.Clock
	client   *s3.Client
	presign  *s3.PresignClient
	closed   atomic.Bool
}

var _ blob.Store = (*Store)(nil)

// The places in the bucket, below the prefix.
const staged, kept = "staged/", "kept/"

func (s *Store) staged(k blob.Key) *string {
	return aws.String(s.location.prefix + staged + k.String())
}
func (s *Store) kept(k blob.Key) *string { return aws.String(s.location.prefix + kept + k.String()) }

// lifetime is for how long a URL is signed: the signature's time has whole seconds, so
// it ends at expires exactly.
func (s *Store) lifetime(expires time.Time) func(*s3.PresignOptions) {
	d := expires.Sub(s.clock.Now())
	d = (d + time.Second - 1).Truncate(time.Second)
	return s3.WithPresignExpires(max(d, time.Second))
}

// Upload implements [blob.Store].
func (s *Store) Upload(ctx context.Context, k blob.Key, f blob.File, expires time.Time) (blob.Target, error) {
	if err := s.check(ctx, f); err != nil {
		return blob.Target{}, err
	}
	headers := f.Headers()
	if !s.location.acl {
		delete(headers, blob.HeaderACL)
	}
	req, err := s.presign.PresignPutObject(ctx, s.object(s.staged(k), f), s.lifetime(expires))
	if err != nil {
		return blob.Target{}, s.explain("be written to at a URL", err)
	}
	return blob.Target{URL: req.URL, Headers: headers}, nil
}

// object is the request that puts a file at a key.
func (s *Store) object(key *string, f blob.File) *s3.PutObjectInput {
	headers := f.Headers()
	in := &s3.PutObjectInput{
		Bucket: &s.location.bucket, Key: key, ContentLength: &f.Size, ContentType: &f.ContentType,
		ContentDisposition: aws.String(headers[blob.HeaderDisposition]),
		Metadata:           metadata(headers),
	}
	if s.location.acl {
		in.ACL = blob.ACL
	}
	return in
}

// metadata are the values of the x-amz-meta headers, as the SDK wants them.
func metadata(headers map[string]string) map[string]string {
	meta := make(map[string]string)
	for name, value := range headers {
		if name, ok := strings.CutPrefix(name, "x-amz-meta-"); ok {
			meta[name] = value
		}
	}
	return meta
}

// Download implements [blob.Store].
func (s *Store) Download(ctx context.Context, k blob.Key, f blob.File, expires time.Time) (string, error) {
	if err := s.check(ctx, f); err != nil {
		return "", err
	}
	in := &s3.GetObjectInput{Bucket: &s.location.bucket, Key: s.kept(k), ResponseContentDisposition: aws.String(f.Disposition())}
	req, err := s.presign.PresignGetObject(ctx, in, s.lifetime(expires))
	if err == nil && len(req.URL) > blob.MaxURL {
		// Without the exact name: the object has a plain one, from its upload.
		in.ResponseContentDisposition = nil
		req, err = s.presign.PresignGetObject(ctx, in, s.lifetime(expires))
	}
	if err != nil {
		return "", s.explain("be read at a URL", err)
	}
	return req.URL, nil
}

// Open implements [blob.Store].
func (s *Store) Open(ctx context.Context, k blob.Key) (io.ReadCloser, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.location.bucket, Key: s.kept(k)})
	switch {
	case missing(err):
		return nil, fmt.Errorf("%w: it was never complete, or was deleted", blob.ErrMissing)
	case err != nil:
		return nil, s.explain("be read", err)
	}
	return out.Body, nil
}

// Delete implements [blob.Store].
func (s *Store) Delete(ctx context.Context, k blob.Key) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	for _, key := range []*string{s.staged(k), s.kept(k)} {
		if err := s.delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) delete(ctx context.Context, key *string) error {
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.location.bucket, Key: key})
	if err != nil && !missing(err) {
		return s.explain("forget an attachment", err)
	}
	return nil
}

// Sweep implements [blob.Store]. A lifecycle rule for staged/ does the same.
func (s *Store) Sweep(ctx context.Context, before time.Time) (n int, err error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
		Bucket: &s.location.bucket, Prefix: aws.String(s.location.prefix + staged),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, s.explain("list uploads", err)
		}
		for _, object := range page.Contents {
			if !aws.ToTime(object.LastModified).Before(before) {
				continue
			}
			if err := s.delete(ctx, object.Key); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// Close implements [blob.Store].
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return blob.ErrClosed
	}
	return nil
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

// explain says what could not be done, where, and what to see to.
func (s *Store) explain(what string, err error) error {
	where := "the bucket " + s.location.bucket
	if s.location.endpoint != "" {
		where += " at " + s.location.endpoint
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s can't %s: %w", where, what, err)
	}
	hint := "see whether it can be reached"
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		switch answer.HTTPStatusCode() {
		case 0: // there was none
		case http.StatusForbidden, http.StatusUnauthorized:
			hint = "see whether the credentials may read, write, delete and list there"
		case http.StatusNotFound:
			hint = "make it, or name another"
		case http.StatusMovedPermanently, http.StatusBadRequest:
			hint = "see whether it is in the region " + s.client.Options().Region
		default:
			hint = "see its log"
		}
	}
	return fmt.Errorf("%s can't %s: %w; %s", where, what, err, hint)
}

// is reports whether the store has answered one of the codes.
func is(err error, codes ...string) bool {
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode() == c {
			return true
		}
	}
	return false
}

// missing reports whether there is no such object. The answer to HEAD has no body, and
// so no code but what the SDK makes of its status.
func missing(err error) bool {
	var notFound *types.NotFound
	return errors.As(err, &notFound) || is(err, "NoSuchKey")
}
