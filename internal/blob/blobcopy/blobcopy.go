// Package blobcopy copies the attachments of chats from one place to another, and proves
// that they have arrived.
package blobcopy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
)

const (
	// workers is how many files are under way at once: each may need a temporary file.
	workers = 8
	// MaxLacks is how many files are named that could not be copied.
	MaxLacks = 100
)

// Tally is how far a copy has come, or what it has led to.
type Tally struct {
	// Files are in both places, with the same bytes; Bytes is how many those are.
	Files, Bytes int64
	// Written are those of the Files that were not there before.
	Written int64
	// Lacking counts those that the original lacks, or that are damaged in it.
	Lacking int64
	// Lacks are sentences that name the first MaxLacks of them, and say what is wrong.
	Lacks []string
}

// Copier copies from one place to another. Its methods are safe for concurrent use.
type Copier struct {
	from, to blob.Store
	account  string
	progress func(Tally)
	busy     *semaphore.Weighted

	mu    sync.Mutex
	tally Tally
}

// New makes a Copier. account is the AWS account's number that files are labelled with,
// as the server does; progress is told after each file how far it is.
func New(from, to blob.Store, account string, progress func(Tally)) *Copier {
	return &Copier{from: from, to: to, account: account, progress: progress, busy: semaphore.NewWeighted(workers)}
}

// Tally says how far it is.
func (c *Copier) Tally() Tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tally
}

// Copy copies the files of a chat that the second place lacks, or has with other bytes. It
// may be interrupted at any time and begun again; nobody may change the places meanwhile.
// A file that the original lacks is no error: see [Tally].
func (c *Copier) Copy(ctx context.Context, of *chat.Chat) error {
	for _, f := range of.Kept() {
		if err := c.busy.Acquire(ctx, 1); err != nil {
			return err
		}
		err := c.file(ctx, blob.Key{Chat: of.ID, Attachment: f.ID}, blob.FileOf(of.ID, f, c.account, of.Settings.Instance))
		c.busy.Release(1)
		if err != nil {
			return fmt.Errorf("attachment %s: %w", f.ID, err)
		}
	}
	return nil
}

// file copies a file, and notes what came of it.
func (c *Copier) file(ctx context.Context, k blob.Key, f blob.File) error {
	written, err := c.copy(ctx, k, f)
	var lacks *lacking
	if err != nil && !errors.As(err, &lacks) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.tally
	switch {
	case lacks == nil:
		t.Files++
		t.Bytes += f.Size
		if written {
			t.Written++
		}
	default:
		if t.Lacking++; len(t.Lacks) < MaxLacks {
			t.Lacks = append(t.Lacks, fmt.Sprintf("attachment %s (%q): %v", k, f.Name, lacks))
		}
	}
	c.progress(*t)
	return nil
}

// lacking says why the original has nothing that could be copied.
type lacking struct{ error }

// lack makes an error lacking if it is about the original.
func lack(err error) error {
	if errors.Is(err, blob.ErrMissing) || errors.Is(err, blob.ErrMismatch) {
		return &lacking{err}
	}
	return err
}

// copy copies a file unless it is there with the same bytes, and says whether it did.
func (c *Copier) copy(ctx context.Context, k blob.Key, f blob.File) (written bool, err error) {
	switch there, err := read(ctx, c.to, k); {
	case errors.Is(err, blob.ErrMissing):
	case err != nil:
		return false, err
	default:
		original, err := read(ctx, c.from, k)
		if err == nil && original.size != f.Size {
			err = fmt.Errorf("%w: it has %d bytes, and not %d", blob.ErrMismatch, original.size, f.Size)
		}
		if err != nil || there == original {
			return false, lack(err)
		}
		if err := c.to.Delete(ctx, k); err != nil { // it is damaged
			return false, err
		}
	}
	original, err := c.from.Open(ctx, k)
	if err != nil {
		return false, lack(err)
	}
	defer original.Close()
	hash := sha256.New()
	if err := c.to.Put(ctx, k, f, io.TeeReader(original, hash)); err != nil {
		return false, lack(err)
	}
	sent := content{f.Size, [sha256.Size]byte(hash.Sum(nil))}
	there, err := read(ctx, c.to, k)
	if err == nil && there != sent {
		err = fmt.Errorf("the copy has %v, and %v were sent; copy again", there, sent)
	}
	return err == nil, err
}

// content is what a file consists of.
type content struct {
	size   int64
	digest [sha256.Size]byte
}

// String names it.
func (c content) String() string {
	return fmt.Sprintf("%d bytes with the sha256 %s", c.size, hex.EncodeToString(c.digest[:]))
}

// read reads a whole file.
func read(ctx context.Context, s blob.Store, k blob.Key) (content, error) {
	r, err := s.Open(ctx, k)
	if err != nil {
		return content{}, err
	}
	defer r.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, r)
	return content{n, [sha256.Size]byte(hash.Sum(nil))}, err
}
