package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/parley-chat/parley/internal/blob/blobcopy"
	"github.com/parley-chat/parley/internal/server"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storecopy"
)

type copyCmd struct {
	From               string `help:"Data directory, or URL of a PostgreSQL database, to copy from. No server may run on it." required:"" placeholder:"DIR|URL"`
	To                 string `help:"Data directory or URL to copy to; an empty one, or one of an earlier copy that was interrupted." required:"" placeholder:"DIR|URL"`
	BlobsFrom          string `help:"Where the attachments are: a data directory, or s3://BUCKET/PREFIX?… of an S3-compatible store; --from if absent." placeholder:"DIR|URL"`
	BlobsTo            string `help:"Where the attachments come to; --to if absent." placeholder:"DIR|URL"`
	WithoutAttachments bool   `help:"Copy no attachments."`
	TokenKeyTo         string `help:"File to write the token key of the data directory to, as token-keys takes it." placeholder:"FILE"`
}

// Validate implements [kong.Validatable], and fills in what was left out.
func (c *copyCmd) Validate() error {
	for _, blobs := range []struct {
		flag, store string
		where       *string
	}{{"--blobs-from", c.From, &c.BlobsFrom}, {"--blobs-to", c.To, &c.BlobsTo}} {
		switch {
		case c.WithoutAttachments && *blobs.where != "":
			return fmt.Errorf("%s and --without-attachments contradict each other", blobs.flag)
		case c.WithoutAttachments || *blobs.where != "":
		case !server.IsDataDir(blobs.store):
			return fmt.Errorf("%s: must say where the attachments are, as a database has none; or say --without-attachments", blobs.flag)
		default:
			*blobs.where = blobs.store
		}
	}
	if !c.WithoutAttachments && !server.IsDataDir(c.To) && server.IsDataDir(c.BlobsTo) {
		return errors.New("--blobs-to: must be an S3-compatible store, as servers with a database keep attachments nowhere else")
	}
	return nil
}

// Run copies, then reads both stores and compares them; then it does the same with the
// attachments of all chats.
func (c *copyCmd) Run(e *env) (err error) {
	log := slog.New(slog.NewTextHandler(e.stderr, nil))
	from, err := server.OpenStore(e.ctx, c.From, true, log)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := server.OpenStore(e.ctx, c.To, false, log)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	files, closeFiles, err := c.openFiles(e, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeFiles()) }()
	keys, err := c.copyTokenKey()
	if err != nil {
		return err
	}
	if err := copyChats(e, from, to); err != nil {
		return err
	}
	if files != nil {
		if err := copyFiles(e, from, files); err != nil {
			return err
		}
	}
	fmt.Fprintln(e.stdout, keys)
	return nil
}

// copyChats copies the entries of all chats, and compares them.
func copyChats(e *env, from, to store.Store) error {
	t, err := storecopy.Copy(e.ctx, from, to, e.chatProgress("copied"))
	switch {
	case errors.Is(err, storecopy.ErrStranger):
		return fmt.Errorf("--to: nothing was copied: %w", err)
	case err != nil:
		return incomplete(err)
	}
	fmt.Fprintf(e.stdout, "copied %d chats with %d entries, %d of which were new\n", t.Chats, t.Entries, t.Written)
	if t, err = storecopy.Compare(e.ctx, from, to, e.chatProgress("compared")); err != nil {
		return fmt.Errorf("the copy is not like the original: %w", err)
	}
	fmt.Fprintf(e.stdout, "both have %d chats with %d entries; sha256 of all: %s\n", t.Chats, t.Entries, t.Digest)
	return nil
}

func incomplete(err error) error {
	return fmt.Errorf("the copy is not complete; run the same command again to go on: %w", err)
}

// openFiles opens the places of the attachments, if they are to be copied.
func (c *copyCmd) openFiles(e *env, log *slog.Logger) (files *blobcopy.Copier, closeAll func() error, err error) {
	if c.WithoutAttachments {
		return nil, func() error { return nil }, nil
	}
	from, err := server.OpenBlobs(e.ctx, c.BlobsFrom, true, log)
	if err != nil {
		return nil, nil, fmt.Errorf("--blobs-from: %w", err)
	}
	to, err := server.OpenBlobs(e.ctx, c.BlobsTo, false, log)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--blobs-to: %w", err), from.Close())
	}
	progress := e.sometimes()
	files = blobcopy.New(from, to, server.Account, func(t blobcopy.Tally) {
		progress(func(since time.Duration) string {
			return fmt.Sprintf("copied %d attachments with %d bytes, %.0f bytes/s", t.Files, t.Bytes, float64(t.Bytes)/since.Seconds())
		})
	})
	return files, func() error { return errors.Join(from.Close(), to.Close()) }, nil
}

// copyFiles copies the attachments of all chats, and names those that the original lacks.
func copyFiles(e *env, chats store.Store, files *blobcopy.Copier) error {
	if err := storecopy.Chats(e.ctx, chats, files.Copy); err != nil {
		return incomplete(err)
	}
	t := files.Tally()
	fmt.Fprintf(e.stdout, "copied %d attachments with %d bytes, %d of which were new; the sha256 of each is the same in both\n", t.Files, t.Bytes, t.Written)
	if t.Lacking == 0 {
		return nil
	}
	for _, lack := range t.Lacks {
		fmt.Fprintln(e.stderr, lack)
	}
	if more := t.Lacking - int64(len(t.Lacks)); more > 0 {
		fmt.Fprintf(e.stderr, "and %d more\n", more)
	}
	return fmt.Errorf("%d attachments could not be copied, all else was; see whether --blobs-from names their place, and run the same command again", t.Lacking)
}

// copyTokenKey puts the token key of a data directory where the copy's server finds it, or
// where its operator does. It gives a sentence that says what is to be done.
func (c *copyCmd) copyTokenKey() (todo string, err error) {
	var key []byte
	if server.IsDataDir(c.From) {
		if key, err = server.TokenKey(c.From); err != nil {
			return "", fmt.Errorf("--from: %w", err)
		}
	}
	if key == nil {
		if c.TokenKeyTo != "" {
			return "", fmt.Errorf("--token-key-to: %s keeps no token key; its servers have the setting token-keys", c.From)
		}
		return "set token-keys as it was before: tokens stay valid by it", nil
	}
	if c.TokenKeyTo != "" {
		if err := writeNew(c.TokenKeyTo, base64.StdEncoding.EncodeToString(key)+"\n"); err != nil {
			return "", fmt.Errorf("--token-key-to: %w", err)
		}
	}
	switch {
	case server.IsDataDir(c.To):
		if err := server.KeepTokenKey(c.To, key); err != nil {
			return "", fmt.Errorf("--to: %w", err)
		}
		return "the token key was copied too: tokens stay valid", nil
	case c.TokenKeyTo != "":
		return fmt.Sprintf("set token-keys to what is in %s: tokens stay valid by it", c.TokenKeyTo), nil
	}
	return fmt.Sprintf("set token-keys to the key of %s, so that tokens stay valid: --token-key-to FILE writes it", c.From), nil
}

// writeNew writes a file that others may not read, and that is not there yet or has just
// that in it.
func writeNew(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if there, err := os.ReadFile(name); err != nil || string(there) == text {
			return err
		}
		return fmt.Errorf("%s has something else in it; name another file", name)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// chatProgress says from time to time how far the chats are.
func (e *env) chatProgress(did string) func(storecopy.Tally) {
	progress := e.sometimes()
	return func(t storecopy.Tally) {
		progress(func(since time.Duration) string {
			return fmt.Sprintf("%s %d chats with %d entries, %.0f entries/s", did, t.Chats, t.Entries, float64(t.Entries)/since.Seconds())
		})
	}
}

// sometimes says a line every few seconds at most.
func (e *env) sometimes() func(line func(since time.Duration) string) {
	begun, said := time.Now(), time.Now()
	return func(line func(since time.Duration) string) {
		if time.Since(said) < 2*time.Second {
			return
		}
		said = time.Now()
		fmt.Fprintln(e.stderr, line(said.Sub(begun)))
	}
}
