package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/parley-chat/parley/internal/blob"
)

// Put implements [blob.Store]. The bytes are first put into a temporary file: the SDK
// signs their digest, so that the store finds what is spoilt on its way, and reads them
// again when an attempt fails. A store that doesn't know If-None-Match lets two Puts
// replace each other's.
func (s *Store) Put(ctx context.Context, k blob.Key, f blob.File, r io.Reader) (err error) {
	if err := s.check(ctx, f); err != nil {
		return err
	}
	if _, err := s.head(ctx, s.kept(k), f); err == nil || !errors.Is(err, blob.ErrMissing) {
		return err
	}
	spool, err := os.CreateTemp("", "parley-put-*")
	if err != nil {
		return fmt.Errorf("an attachment needs a temporary file on its way to the bucket: %w", err)
	}
	defer func() { err = errors.Join(err, spool.Close(), os.Remove(spool.Name())) }()
	if _, err := io.Copy(spool, blob.Exact(r, f.Size)); err != nil {
		return err
	}
	for range maxTries {
		err := s.putOnce(ctx, k, f, spool)
		switch {
		case err == nil:
			return nil
		case !is(err, "PreconditionFailed", "ConditionalRequestConflict"):
			return s.explain("keep an attachment", err)
		}
		// Somebody else was faster.
		if _, err := s.head(ctx, s.kept(k), f); err == nil || !errors.Is(err, blob.ErrMissing) {
			return err
		}
	}
	return errors.New("the attachment is put and deleted again and again")
}

// putOnce sends the file, unless something is kept.
func (s *Store) putOnce(ctx context.Context, k blob.Key, f blob.File, spool io.ReadSeeker) error {
	in := s.object(s.kept(k), f)
	in.IfNoneMatch = aws.String("*")
	err := s.send(ctx, in, spool)
	if is(err, "NotImplemented") {
		in.IfNoneMatch = nil
		err = s.send(ctx, in, spool)
	}
	return err
}

// send sends the file from its beginning.
func (s *Store) send(ctx context.Context, in *s3.PutObjectInput, spool io.ReadSeeker) error {
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in.Body = spool
	_, err := s.client.PutObject(ctx, in)
	return err
}
