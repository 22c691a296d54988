// Package memblob keeps attachments in memory, gone with the process. It is for tests
// and for --data :memory:, and the simplest that could work.
package memblob

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/served"
)

// New gives an empty store, which is also the handler of its URLs.
func New(c served.Config) *served.Store {
	return served.New(&files{staged: make(map[blob.Key]upload), kept: make(map[blob.Key][]byte)}, c)
}

// files implements [served.Files].
type files struct {
	mu     sync.Mutex
	staged map[blob.Key]upload
	kept   map[blob.Key][]byte
}

type upload struct {
	data []byte
	at   time.Time
}

func (f *files) Stage(k blob.Key, r io.Reader, size int64, at time.Time) error {
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.staged[k] = upload{data, at}
	return nil
}

func (f *files) Keep(k blob.Key, size int64) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if data, ok := f.kept[k]; ok {
		return int64(len(data)), nil
	}
	up, ok := f.staged[k]
	if !ok {
		return 0, fs.ErrNotExist
	}
	got := int64(len(up.data))
	if got == size {
		f.kept[k] = up.data
		delete(f.staged, k)
	}
	return got, nil
}

func (f *files) Open(k blob.Key) (io.ReadSeekCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, ok := f.kept[k]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return reader{bytes.NewReader(data)}, nil
}

func (f *files) Delete(k blob.Key) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.staged, k)
	delete(f.kept, k)
	return nil
}

func (f *files) Sweep(_ context.Context, before time.Time) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, up := range f.staged {
		if up.at.Before(before) {
			delete(f.staged, k)
			n++
		}
	}
	return n, nil
}

func (f *files) Close() error { return nil }

// reader is a [bytes.Reader] that can be closed.
type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }
