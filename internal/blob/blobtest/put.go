package blobtest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing/iotest"

	"github.com/parley-chat/parley/internal/blob"
)

var putChecks = []check{
	{"put", puts},
	{"put large", putLarge},
	{"put mismatch", putMismatch},
	{"put kept", putKept},
	{"put broken off", putBrokenOff},
	{"put race", putRace},
}

// move puts what must be taken.
func (k *kit) move(key blob.Key, f blob.File, content string) {
	k.Helper()
	if err := k.Store.Put(k.Context(), key, f, strings.NewReader(content)); err != nil {
		k.Fatalf("Put: %v", err)
	}
}

// puts: what was put is there as if it had been uploaded and committed.
func puts(k *kit) {
	key, f := NewKey(), NewFile("hello wor")
	f.Name = "Übersicht 2026.txt"
	k.move(key, f, "hello wor")
	k.wantContent(key, f, "hello wor")
	k.commit(key, f)
	r := k.get(key, f, nil)
	for name, want := range map[string]string{"Content-Type": f.ContentType, "Content-Disposition": f.Disposition()} {
		if got := r.Header.Get(name); got != want {
			k.Errorf("GET %s: %q; want %q", name, got, want)
		}
	}
	k.put(k.target(key, f), "other one") // whatever it is told
	k.commit(key, f)
	k.wantContent(key, f, "hello wor")
	k.wantNothing(blob.Key{Chat: NewKey().Chat, Attachment: key.Attachment}, f)

	staged := NewKey() // what was uploaded doesn't count
	k.upload(staged, f, "other one")
	k.move(staged, f, "hello wor")
	k.wantContent(staged, f, "hello wor")

	if err := k.Store.Delete(k.Context(), key); err != nil {
		k.Errorf("Delete: %v", err)
	}
	k.wantNothing(key, f)
	k.uncommitted(key, f, blob.ErrMissing)
}

// putLarge: 20 MiB, the default limit, go through, from whatever gives it bit by bit.
func putLarge(k *kit) {
	content := strings.Repeat("0123456789abcdef", 20<<16)
	key, f := NewKey(), NewFile(content)
	if err := k.Store.Put(k.Context(), key, f, iotest.HalfReader(strings.NewReader(content))); err != nil {
		k.Fatalf("Put: %v", err)
	}
	k.wantContent(key, f, content)
}

// putMismatch: nothing is kept of what is not as announced.
func putMismatch(k *kit) {
	for name, content := range map[string]string{"nothing": "", "too little": "hello wo", "too much": "hello worl"} {
		key, f := NewKey(), NewFile("hello wor")
		for kind, r := range map[string]io.Reader{
			"as it is": strings.NewReader(content), "by byte": iotest.OneByteReader(strings.NewReader(content)),
			"end with the last": iotest.DataErrReader(strings.NewReader(content)),
		} {
			if err := k.Store.Put(k.Context(), key, f, r); !errors.Is(err, blob.ErrMismatch) {
				k.Errorf("Put of %s, %s = %v; want %v", name, kind, err, blob.ErrMismatch)
			}
			k.wantNothing(key, f)
			k.uncommitted(key, f, blob.ErrMissing)
		}
		k.move(key, f, "hello wor")
		k.wantContent(key, f, "hello wor")
	}
}

// putKept: what is kept already stays as it is.
func putKept(k *kit) {
	key, f := k.attach("hello wor")
	k.move(key, f, "other one")
	k.move(key, f, "other one")
	k.wantContent(key, f, "hello wor")
	longer := f
	longer.Size = 10
	if err := k.Store.Put(k.Context(), key, longer, strings.NewReader("hello worl")); !errors.Is(err, blob.ErrMismatch) {
		k.Errorf("Put of 10 bytes where 9 are kept = %v; want %v", err, blob.ErrMismatch)
	}
	k.wantContent(key, f, "hello wor")
}

// putBrokenOff: the caller gets the error of who it reads from.
func putBrokenOff(k *kit) {
	broken := errors.New("the line is dead")
	key, f := NewKey(), NewFile("hello wor")
	for _, before := range []string{"", "hello", "hello wor"} {
		r := io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken))
		if err := k.Store.Put(k.Context(), key, f, r); !errors.Is(err, broken) {
			k.Errorf("Put that breaks off after %q = %v; want %v", before, err, broken)
		}
		k.wantNothing(key, f)
		k.uncommitted(key, f, blob.ErrMissing)
	}
}

// putRace: of several who put the same at the same time, all succeed.
func putRace(k *kit) {
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	key, f := NewKey(), NewFile(string(content))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := k.Store.Put(k.Context(), key, f, bytes.NewReader(content)); err != nil {
				k.Errorf("Put: %v", err)
			}
		})
	}
	wg.Wait()
	k.wantContent(key, f, string(content))
}
