package blobtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/parley-chat/parley/internal/blob"
)

var uploadChecks = []check{
	{"upload", uploads},
	{"upload headers", headers},
	{"upload bounds", bounds},
	{"upload large", large},
	{"upload repeated", repeated},
	{"upload malformed", malformed},
	{"upload many", many},
	{"cancelled", cancelled},
	{"close", closes},
}

// uploads: what was sent is there after Commit, and not before.
func uploads(k *kit) {
	key, f := NewKey(), NewFile("hello wor")
	k.uncommitted(key, f, blob.ErrMissing)
	k.wantNothing(key, f)
	k.upload(key, f, "hello wor")
	k.wantNothing(key, f)
	k.commit(key, f)
	k.wantContent(key, f, "hello wor")
	k.wantNothing(NewKey(), f)

	other := blob.Key{Chat: NewKey().Chat, Attachment: key.Attachment}
	k.wantNothing(other, f) // an id counts in its chat only
	k.uncommitted(other, f, blob.ErrMissing)
}

// headers: the client is told nothing that iOS would drop (semantics.md 6).
func headers(k *kit) {
	f := NewFile("hello wor")
	t := k.target(NewKey(), f)
	want := f.Headers()
	for name, value := range t.Headers {
		if want[name] != value {
			k.Errorf("the target has the header %s: %q; want %q", name, value, want[name])
		}
	}
	delete(want, blob.HeaderACL) // not every store knows it
	for name := range want {
		if t.Headers[name] == "" {
			k.Errorf("the target lacks the header %s", name)
		}
	}
}

// bounds: the longest names fit into the model's members.
func bounds(k *kit) {
	for _, name := range []string{strings.Repeat("x", blob.MaxName), strings.Repeat("字", blob.MaxName), strings.Repeat("🦉", blob.MaxName)} {
		f := NewFile("hello wor")
		f.Name, f.ContentType = name, "application/"+strings.Repeat("x", blob.MaxType-len("application/"))
		key := NewKey()
		t := k.target(key, f)
		if len(t.URL) > blob.MaxURL {
			k.Errorf("the URL for an upload has %d characters; %d are the most", len(t.URL), blob.MaxURL)
		}
		for n, v := range t.Headers {
			if len(v) > blob.MaxHeader {
				k.Errorf("the header %s has %d characters; %d are the most", n, len(v), blob.MaxHeader)
			}
		}
		if r := k.put(t, "hello wor"); !r.ok() {
			k.Fatalf("PUT: %v; want 200", r)
		}
		k.commit(key, f)
		if n := len(k.download(key, f)); n > blob.MaxURL {
			k.Errorf("the URL for a download has %d characters; %d are the most", n, blob.MaxURL)
		}
		k.wantContent(key, f, "hello wor")
	}
}

// large: 20 MiB, the default limit, go through.
func large(k *kit) {
	content := strings.Repeat("0123456789abcdef", 20<<16)
	key, f := k.attach(content)
	k.wantContent(key, f, content)
}

// repeated: the last complete upload counts, until Commit; then nothing changes.
func repeated(k *kit) {
	key, f := NewKey(), NewFile("first")
	first := k.target(key, f)
	for _, content := range []string{"first", "first", "again", "third"} {
		if r := k.put(first, content); !r.ok() {
			k.Fatalf("PUT: %v; want 200", r)
		}
	}
	k.commit(key, f)
	k.wantContent(key, f, "third")
	for range 2 {
		k.put(first, "after") // whatever it is told
		k.wantContent(key, f, "third")
		k.commit(key, f)
		k.wantContent(key, f, "third")
	}
}

// malformed: a caller's mistake is told, whatever the method.
func malformed(k *kit) {
	key, f := k.attach("hello wor")
	f.ContentType = "text/plain\r\nx-evil: 1"
	if t, err := k.Store.Upload(k.Context(), NewKey(), f, k.later()); err == nil {
		k.Errorf("Upload of a malformed file gave %v", t)
	}
	if url, err := k.Store.Download(k.Context(), key, f, k.later()); err == nil {
		k.Errorf("Download of a malformed file gave %s", url)
	}
	if err := k.Store.Commit(k.Context(), key, f); err == nil {
		k.Error("Commit of a malformed file succeeded")
	}
	if err := k.Store.Put(k.Context(), NewKey(), f, strings.NewReader("hello wor")); err == nil {
		k.Error("Put of a malformed file succeeded")
	}
}

// many: uploads at the same time don't mix.
func many(k *kit) {
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			content := fmt.Sprintf("this is file %d", i)
			key, f := NewKey(), NewFile(content)
			t, err := k.Store.Upload(k.Context(), key, f, k.later())
			if err != nil {
				k.Errorf("Upload: %v", err)
				return
			}
			if r, err := try(k.Context(), http.MethodPut, t.URL, t.Headers, strings.NewReader(content)); err != nil || !r.ok() {
				k.Errorf("PUT: %v, %v", r, err)
				return
			}
			if err := k.Store.Commit(k.Context(), key, f); err != nil {
				k.Errorf("Commit: %v", err)
				return
			}
			url, err := k.Store.Download(k.Context(), key, f, k.later())
			if err != nil {
				k.Errorf("Download: %v", err)
				return
			}
			if r, err := try(k.Context(), http.MethodGet, url, nil, nil); err != nil || r.body != content {
				k.Errorf("GET: %v, %v; want %q", r, err, content)
			}
		})
	}
	wg.Wait()
}

// calls are all methods, as somebody uses them.
func (k *kit) calls(ctx context.Context, key blob.Key, f blob.File) map[string]error {
	all := make(map[string]error)
	_, all["Upload"] = k.Store.Upload(ctx, key, f, k.later())
	all["Commit"] = k.Store.Commit(ctx, key, f)
	all["Put"] = k.Store.Put(ctx, key, f, strings.NewReader("other one"))
	_, all["Download"] = k.Store.Download(ctx, key, f, k.later())
	_, all["Open"] = k.Store.Open(ctx, key)
	all["Delete"] = k.Store.Delete(ctx, key)
	_, all["Sweep"] = k.Store.Sweep(ctx, k.later())
	return all
}

// cancelled: who has given up changes nothing.
func cancelled(k *kit) {
	key, f := k.attach("hello wor")
	fresh := NewKey()
	k.upload(fresh, f, "other one")
	ctx, cancel := context.WithCancel(k.Context())
	cancel()
	for _, at := range []blob.Key{key, fresh} {
		for name, err := range k.calls(ctx, at, f) {
			if !errors.Is(err, context.Canceled) {
				k.Errorf("%s with a cancelled context = %v; want %v", name, err, context.Canceled)
			}
		}
	}
	k.wantContent(key, f, "hello wor")
	k.commit(fresh, f)
}

// closes: nothing can be asked any more.
func closes(k *kit) {
	key, f := k.attach("hello wor")
	if err := k.Store.Close(); err != nil {
		k.Errorf("Close: %v", err)
	}
	got := k.calls(k.Context(), key, f)
	got["Close"] = k.Store.Close()
	for name, err := range got {
		if !errors.Is(err, blob.ErrClosed) {
			k.Errorf("%s after Close = %v; want %v", name, err, blob.ErrClosed)
		}
	}
}
