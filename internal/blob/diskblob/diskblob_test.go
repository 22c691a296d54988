//go:build unix

package diskblob_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/blobtest"
	"github.com/parley-chat/parley/internal/blob/diskblob"
	"github.com/parley-chat/parley/internal/blob/served"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Place { return serve(t, t.TempDir()) })
}

func serve(t *testing.T, dir string) blobtest.Place {
	return blobtest.Serve(t, func(c served.Config) (*served.Store, error) { return diskblob.Open(dir, c) })
}

// open opens a directory that nobody serves.
func open(t *testing.T, dir string) *served.Store {
	t.Helper()
	s, err := diskblob.Open(dir, served.Config{Tokens: tokens(t), Clock: clockwork.NewRealClock()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, blob.ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

// files lists what is in a directory, but for the lock.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" {
			rel, _ := filepath.Rel(dir, name)
			all = append(all, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// upload uploads a file, and gives its key.
func upload(t *testing.T, p blobtest.Place, content string) (blob.Key, blob.File) {
	t.Helper()
	key, f := blobtest.NewKey(), blobtest.NewFile(content)
	target, err := p.Store.Upload(t.Context(), key, f, p.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if r, text := blobtest.Do(t, http.MethodPut, target.URL, target.Headers, content); r.StatusCode != 200 {
		t.Fatalf("PUT: %d %s", r.StatusCode, text)
	}
	return key, f
}

// What was committed is there after a restart, and what was uploaded can be committed.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	kept, f := upload(t, p, "hello wor")
	if err := p.Store.Commit(t.Context(), kept, f); err != nil {
		t.Fatal(err)
	}
	staged, _ := upload(t, p, "other one")
	if err := p.Store.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if err := s.Commit(t.Context(), staged, f); err != nil {
		t.Error(err)
	}
	for key, want := range map[blob.Key]string{kept: "hello wor", staged: "other one"} {
		r, err := s.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("after a restart: %q, %v; want %q", got, err, want)
		}
		r.Close()
	}
}

// Only ids and numbers are in names; nobody else may read the files.
func TestNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "attachments")
	p := serve(t, dir)
	key, f := upload(t, p, "hello wor")
	staged, _ := upload(t, p, "hello wor")
	if err := p.Store.Commit(t.Context(), key, f); err != nil {
		t.Fatal(err)
	}
	id := key.Attachment.String()
	want := []string{
		filepath.Join("kept", id[34:], key.Chat.String()+"."+id),
		filepath.Join("staged", staged.Chat.String()+"."+staged.Attachment.String()),
	}
	got := files(t, dir)
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("there is %v; want %v", got, want)
	}
	for _, name := range append(got, ".", "kept", "staged", "incoming") {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v; want it for its owner only", name, info.Mode(), err)
		}
	}
}

// A directory is one server's.
func TestInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if other, err := diskblob.Open(dir, served.Config{}); err == nil || !strings.Contains(err.Error(), "in use by another server") {
		t.Errorf("a second Open: %v, %v", other, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

// What can't be a directory is said, with the way out.
func TestUnusable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if s, err := diskblob.Open(dir, served.Config{}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, %v; want an error that names it", dir, s, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := diskblob.Open(dir, served.Config{}); err == nil || !strings.Contains(err.Error(), "kept") {
		t.Errorf("kept is a file: %v, %v", s, err)
	}
	if err := os.Remove(filepath.Join(dir, "kept")); err != nil {
		t.Fatal(err)
	}
	open(t, dir) // the lock was released
}
