// Package diskblob keeps attachments in a directory of one server:
//
//	incoming/             uploads under way; removed when the directory is opened
//	staged/CHAT.ID        complete uploads
//	kept/XX/CHAT.ID       attachments, spread by the last two digits of the id
//	lock                  held by the server
//
// File names are made of ids, never of what somebody typed.
package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/served"
)

// The names in the directory.
const incoming, staged, kept, lockFile = "incoming", "staged", "kept", "lock"

// Open takes the directory for this process alone, and makes it if need be. The store
// is also the handler of its URLs. The error is a sentence for who started the server.
func Open(dir string, c served.Config) (*served.Store, error) {
	f := &files{dir: dir}
	if err := f.open(); err != nil {
		return nil, err
	}
	return served.New(f, c), nil
}

// files implements [served.Files].
type files struct {
	dir  string
	lock *flock.Flock
	// mu is held while a file gets another name or goes, so that what was looked at
	// before is what is moved.
	mu sync.Mutex
}

func (f *files) open() error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return f.explain(err)
	}
	f.lock = flock.New(filepath.Join(f.dir, lockFile), flock.SetPermissions(0o600))
	held, err := f.lock.TryLock()
	if err != nil {
		return f.explain(err)
	}
	if !held {
		return fmt.Errorf("the directory of attachments %s is in use by another server; stop that one, or choose another directory", f.dir)
	}
	if err := f.lay(); err != nil {
		return errors.Join(f.explain(err), f.lock.Unlock())
	}
	return nil
}

// lay makes the directories that are missing, and removes what was left of uploads that
// were under way.
func (f *files) lay() error {
	if err := os.RemoveAll(f.path(incoming)); err != nil {
		return err
	}
	for _, dir := range []string{incoming, staged, kept} {
		if err := os.MkdirAll(f.path(dir), 0o700); err != nil {
			return err
		}
	}
	return errors.Join(syncDir(f.path(kept)), syncDir(f.dir))
}

// spread makes the directory below kept that the attachment belongs into, durably, if it is
// the first one there. What another process has made, lay has made durable.
func (f *files) spread(k blob.Key) error {
	dir := filepath.Dir(f.kept(k))
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		if err = syncDir(f.path(kept)); err != nil {
			err = errors.Join(err, os.Remove(dir))
		}
	}
	return err
}

func (f *files) path(elem ...string) string {
	return filepath.Join(append([]string{f.dir}, elem...)...)
}

// staged is the path of a complete upload.
func (f *files) staged(k blob.Key) string { return f.path(staged, base(k)) }

// kept is the path of an attachment.
func (f *files) kept(k blob.Key) string {
	id := k.Attachment.String()
	return f.path(kept, id[len(id)-2:], base(k))
}

func base(k blob.Key) string { return k.Chat.String() + "." + k.Attachment.String() }

// Stage implements [served.Files].
func (f *files) Stage(k blob.Key, r io.Reader, size int64, at time.Time) error {
	tmp, err := os.CreateTemp(f.path(incoming), "put-*")
	if err != nil {
		return f.explain(err)
	}
	defer os.Remove(tmp.Name()) // unless it has got its name
	if err := errors.Join(write(tmp, r, size), tmp.Close()); err != nil {
		return f.explain(err)
	}
	if err := os.Chtimes(tmp.Name(), at, at); err != nil {
		return f.explain(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.explain(os.Rename(tmp.Name(), f.staged(k)))
}

// write fills a file, durably.
func write(file *os.File, r io.Reader, size int64) error {
	n, err := io.Copy(file, io.LimitReader(r, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	return file.Sync()
}

// Keep implements [served.Files].
func (f *files) Keep(k blob.Key, size int64) (int64, error) {
	got, err := f.rename(k, size)
	if err != nil || got != size {
		return got, f.explain(err)
	}
	// Whoever has found it kept already must not answer before it is durable, either.
	return got, f.explain(syncDir(filepath.Dir(f.kept(k))))
}

// rename moves an upload of that size to where it is kept, if there is nothing yet, and
// gives the size of what there is.
func (f *files) rename(k blob.Key, size int64) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.kept(k))
	if err == nil {
		return info.Size(), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if info, err = os.Stat(f.staged(k)); err != nil {
		return 0, err
	}
	if info.Size() != size {
		return info.Size(), nil
	}
	if err := f.spread(k); err != nil {
		return 0, err
	}
	return size, os.Rename(f.staged(k), f.kept(k))
}

// Open implements [served.Files].
func (f *files) Open(k blob.Key) (io.ReadSeekCloser, error) {
	file, err := os.Open(f.kept(k))
	if err != nil {
		return nil, f.explain(err)
	}
	return file, nil
}

// Delete implements [served.Files].
func (f *files) Delete(k blob.Key) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range []string{f.staged(k), f.kept(k)} {
		if err := remove(name); err != nil {
			return f.explain(err)
		}
	}
	if err := syncDir(filepath.Dir(f.kept(k))); !errors.Is(err, fs.ErrNotExist) { // nothing was ever kept there
		return f.explain(err)
	}
	return nil
}

// Sweep implements [served.Files].
func (f *files) Sweep(ctx context.Context, before time.Time) (n int, err error) {
	list, err := os.ReadDir(f.path(staged))
	if err != nil {
		return 0, f.explain(err)
	}
	for _, entry := range list {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		removed, err := f.sweep(f.path(staged, entry.Name()), before)
		if err != nil {
			return n, f.explain(err)
		}
		if removed {
			n++
		}
	}
	return n, nil
}

// sweep removes an upload if it is still there, and old.
func (f *files) sweep(name string, before time.Time) (removed bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || !info.ModTime().Before(before) {
		return false, err
	}
	return true, remove(name)
}

// Close implements [served.Files].
func (f *files) Close() error { return f.lock.Unlock() }

// remove removes a file that may be gone already.
func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// explain makes a sentence of what the operator can mend.
func (f *files) explain(err error) error {
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("the directory of attachments %s has no room left: %w; free some", f.dir, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the directory of attachments %s can't be written: %w; let Parley's user write to it", f.dir, err)
	}
	return err
}
