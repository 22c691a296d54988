package s3blob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/parley-chat/parley/internal/blob"
)

// commitWithin is how long a Commit may take, well below the time after which its caller is
// given no answer any more: a store that hangs must not look like one that is slow.
var commitWithin = 20 * time.Second

// maxTries bounds how often Commit begins again because others upload or commit.
const maxTries = 10

// Commit implements [blob.Store]. A store that doesn't know If-None-Match lets a Commit
// that was overtaken by another, and by a PUT of other bytes since, replace them.
func (s *Store) Commit(ctx context.Context, k blob.Key, f blob.File) error {
	if err := s.check(ctx, f); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	for range maxTries {
		done, err := s.commit(ctx, k, f)
		if done || err != nil {
			return err
		}
	}
	return errors.New("the file is uploaded again and again; commit it when its upload has ended")
}

// commit copies the upload that it has looked at, unless something is kept already. If
// either has changed meanwhile, it isn't done.
func (s *Store) commit(ctx context.Context, k blob.Key, f blob.File) (done bool, err error) {
	if _, err := s.head(ctx, s.kept(k), f); err == nil || !errors.Is(err, blob.ErrMissing) {
		return true, err
	}
	upload, err := s.head(ctx, s.staged(k), f)
	if errors.Is(err, blob.ErrMissing) {
		// The answer is the same if the bucket is missing, which is not the client's fault.
		if _, gone := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.location.bucket}); missing(gone) {
			return false, s.explain("say what was uploaded", gone)
		}
	}
	if err != nil {
		return false, err
	}
	err = s.copy(ctx, k, f, upload.ETag)
	switch {
	case is(err, "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "NoSuchUpload"):
		return false, nil
	case err != nil:
		return false, s.explain("keep an upload", err)
	}
	// What can't be deleted is swept later.
	_, _ = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.location.bucket, Key: s.staged(k)})
	return true, nil
}

// copy keeps an upload, unless it is not that one any more, or something is kept. It is
// done as an upload in parts, of one part that the store copies: more stores know the
// condition there than on CopyObject.
func (s *Store) copy(ctx context.Context, k blob.Key, f blob.File, etag *string) error {
	bucket, key, headers := &s.location.bucket, s.kept(k), f.Headers()
	create := &s3.CreateMultipartUploadInput{
		Bucket: bucket, Key: key, ContentType: &f.ContentType,
		ContentDisposition: aws.String(headers[blob.HeaderDisposition]), Metadata: metadata(headers),
	}
	if s.location.acl {
		create.ACL = blob.ACL
	}
	parts, err := s.client.CreateMultipartUpload(ctx, create)
	if err != nil {
		return err
	}
	part, err := s.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: bucket, Key: key, UploadId: parts.UploadId, PartNumber: aws.Int32(1),
		CopySource: aws.String(*bucket + "/" + *s.staged(k)), CopySourceIfMatch: etag,
	})
	if err == nil {
		complete := &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: key, UploadId: parts.UploadId, IfNoneMatch: aws.String("*"),
			MultipartUpload: &types.CompletedMultipartUpload{
				Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.CopyPartResult.ETag}},
			},
		}
		_, err = s.client.CompleteMultipartUpload(ctx, complete)
		if is(err, "NotImplemented") {
			complete.IfNoneMatch = nil
			_, err = s.client.CompleteMultipartUpload(ctx, complete)
		}
	}
	if err != nil {
		// What stays of it is up to the bucket's lifecycle rules.
		_, _ = s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: parts.UploadId})
	}
	return err
}

// head looks at an object, and whether it is as announced.
func (s *Store) head(ctx context.Context, key *string, f blob.File) (*s3.HeadObjectOutput, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.location.bucket, Key: key})
	switch {
	case missing(err):
		return nil, fmt.Errorf("%w: upload it with UploadMetadata's Url and HeadersToInclude first", blob.ErrMissing)
	case err != nil:
		return nil, s.explain("say what was uploaded", err)
	case aws.ToInt64(out.ContentLength) != f.Size:
		return nil, fmt.Errorf("%w: it has %d bytes, and not %d", blob.ErrMismatch, aws.ToInt64(out.ContentLength), f.Size)
	case aws.ToString(out.ContentType) != f.ContentType:
		return nil, fmt.Errorf("%w: its Content-Type is %q, and not %q", blob.ErrMismatch, aws.ToString(out.ContentType), f.ContentType)
	}
	return out, nil
}
