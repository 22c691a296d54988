package blobtest

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/blob"
)

var keepChecks = []check{
	{"commit mismatch", mismatch},
	{"commit race", race},
	{"delete", deletes},
	{"sweep", sweeps},
	{"sweep cut", sweepCut},
}

// mismatch: Commit says what came, and what is there stays.
func mismatch(k *kit) {
	key, f := NewKey(), NewFile("hello wor")
	k.upload(key, f, "hello wor")
	other := f
	other.Size = 10
	for range 2 {
		err := k.Store.Commit(k.Context(), key, other)
		if !errors.Is(err, blob.ErrMismatch) || !strings.Contains(err.Error(), "9") || !strings.Contains(err.Error(), "10") {
			k.Errorf("Commit of 9 bytes as 10 = %v; want %v and both numbers", err, blob.ErrMismatch)
		}
		k.wantNothing(key, f)
	}
	k.commit(key, f)
	k.uncommitted(key, other, blob.ErrMismatch)
	k.wantContent(key, f, "hello wor")
}

// race: while others upload and commit, the first Commit that returns decides.
func race(k *kit) {
	const size = 50_000
	key, f := NewKey(), NewFile(strings.Repeat("x", size))
	t := k.target(key, f)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			body := strings.Repeat(string(rune('a'+i)), size)
			for range 5 { // a PUT may be refused when it is too late
				if _, err := try(k.Context(), http.MethodPut, t.URL, t.Headers, strings.NewReader(body)); err != nil {
					k.Errorf("PUT: %v", err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := make(map[string]bool)
	for range 4 {
		wg.Go(func() {
			for range 10 {
				err := k.Store.Commit(k.Context(), key, f)
				if errors.Is(err, blob.ErrMissing) {
					continue
				}
				if err != nil {
					k.Errorf("Commit: %v; want nil or %v", err, blob.ErrMissing)
					return
				}
				text := k.content(key)
				mu.Lock()
				seen[text] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	k.commit(key, f)
	seen[k.content(key)] = true
	if len(seen) != 1 {
		k.Errorf("%d different contents were seen after a Commit; want one", len(seen))
	}
	for text := range seen {
		if len(text) != size || strings.Trim(text, text[:1]) != "" {
			k.Errorf("the content has %d bytes, of more than one upload", len(text))
		}
	}
}

// deletes: nothing is left, whatever there was.
func deletes(k *kit) {
	remove := func(key blob.Key) {
		k.Helper()
		if err := k.Store.Delete(k.Context(), key); err != nil {
			k.Errorf("Delete: %v", err)
		}
	}
	kept, f := k.attach("hello wor")
	stays, _ := k.attach("hello wor")
	staged := NewKey()
	k.upload(staged, f, "hello wor")
	for _, key := range []blob.Key{kept, kept, staged, NewKey()} {
		remove(key)
		k.wantNothing(key, f)
		k.uncommitted(key, f, blob.ErrMissing)
	}
	k.wantContent(stays, f, "hello wor")

	both := NewKey() // kept, and uploaded again
	t := k.target(both, f)
	k.put(t, "hello wor")
	k.commit(both, f)
	k.put(t, "hello wor")
	remove(both)
	k.wantNothing(both, f)
	k.uncommitted(both, f, blob.ErrMissing)
}

// sweep removes what is older, and says how much.
func (k *kit) sweep(before time.Time, want int) {
	k.Helper()
	if n, err := k.Store.Sweep(k.Context(), before); err != nil || n != want {
		k.Errorf("Sweep = %d, %v; want %d", n, err, want)
	}
}

// sweeps: only what was not committed goes, and only when it is old.
func sweeps(k *kit) {
	k.sweep(k.Now().Add(time.Hour), 0)
	key, f := k.attach("hello wor")
	abandoned := []blob.Key{NewKey(), NewKey(), NewKey()}
	for _, a := range abandoned {
		k.upload(a, f, "hello wor")
	}
	k.sweep(k.Now().Add(-time.Hour), 0)
	k.commit(abandoned[0], f) // not abandoned, then
	k.sweep(k.Now().Add(time.Hour), 2)
	k.sweep(k.Now().Add(time.Hour), 0)
	for _, a := range abandoned[1:] {
		k.uncommitted(a, f, blob.ErrMissing)
	}
	k.wantContent(key, f, "hello wor")
	k.wantContent(abandoned[0], f, "hello wor")
}

// sweepCut: an upload is as old as its last PUT.
func sweepCut(k *kit) {
	f := NewFile("hello wor")
	old, renewed, fresh := NewKey(), NewKey(), NewKey()
	k.upload(old, f, "hello wor")
	k.upload(renewed, f, "hello wor")
	k.Pass(2 * time.Second) // S3 counts seconds
	cut := k.Now()
	k.Pass(2 * time.Second)
	k.upload(renewed, f, "hello wor")
	k.upload(fresh, f, "hello wor")
	k.sweep(cut, 1)
	k.uncommitted(old, f, blob.ErrMissing)
	k.commit(renewed, f)
	k.commit(fresh, f)
}
