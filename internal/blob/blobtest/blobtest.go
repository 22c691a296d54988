// Package blobtest is the suite that every [blob.Store] passes. It uses the URLs that a
// store gives out as a client does: over HTTP, with the target's headers and no others.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
)

// Place is a store under test and what the suite must know of it. Somebody answers at
// the store's URLs already.
type Place struct {
	Store blob.Store
	// Now is the time of the store, and of who answers at its URLs.
	Now func() time.Time
	// Pass lets some seconds go by; where the clock can't be turned, it waits.
	Pass func(time.Duration)
	// Origin is of the pages that may use the URLs; those of other origins may not.
	Origin string
	// Careless says that who answers at the URLs takes what it has of a PUT that breaks
	// off for the whole, as some S3 servers do.
	Careless bool
}

// check is one test of the suite.
type check struct {
	name string
	run  func(*kit)
}

// Run tests a store. open gives an empty one, which the suite closes.
func Run(t *testing.T, open func(t *testing.T) Place) {
	for _, group := range [][]check{uploadChecks, refusalChecks, keepChecks, putChecks, downloadChecks, webChecks} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				p := open(t)
				t.Cleanup(func() {
					if err := p.Store.Close(); err != nil && !errors.Is(err, blob.ErrClosed) {
						t.Errorf("Close: %v", err)
					}
				})
				c.run(&kit{t, p})
			})
		}
	}
}

// NewKey makes a key no other attachment has.
func NewKey() blob.Key {
	return blob.Key{Chat: chat.ChatID{ID: chat.ID{UUID: uuid.Must(uuid.NewV7())}}, Attachment: chat.ID{UUID: uuid.Must(uuid.NewV7())}}
}

// NewFile describes a file with that content.
func NewFile(content string) blob.File {
	return blob.File{Name: "56102_file.txt", ContentType: "text/plain", Size: int64(len(content)), Metadata: blob.Metadata{
		ContactID: "3dff5a86-2f3a-4bf3-aa47-d82871671096", InitialContactID: "57ae6b04-9a64-4b44-a3d3-ac1c1b1f7a3c",
		AccountID: "747926693930", OrganizationID: "84ecefa9-184a-400f-babf-3288d7c8fd04",
	}}
}

// kit is a place under test with what the checks need around it.
type kit struct {
	*testing.T
	Place
}

// Client sends what it is told to, and follows nobody.
var Client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true}, // of a refused body, more may be under way
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       5 * time.Minute, // only for what hangs
}

// Do sends a request with the headers, and gives the answer with its body.
func Do(t testing.TB, method, url string, headers map[string]string, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// later is when the URLs of most checks expire.
func (k *kit) later() time.Time { return k.Now().Add(10 * time.Minute).Truncate(time.Second) }

// target announces a file.
func (k *kit) target(key blob.Key, f blob.File) blob.Target {
	k.Helper()
	t, err := k.Store.Upload(k.Context(), key, f, k.later())
	if err != nil {
		k.Fatalf("Upload: %v", err)
	}
	return t
}

// response is an answer that was read to its end.
type response struct {
	*http.Response
	body string
}

func (r response) ok() bool { return r.StatusCode == http.StatusOK }

// String shows what is asked about when a check fails.
func (r response) String() string { return fmt.Sprintf("%s %.300q", r.Status, r.body) }

// refused reports whether the client was told that it is its own fault.
func (r response) refused() bool { return r.StatusCode >= 400 && r.StatusCode < 500 }

// do sends a request.
func (k *kit) do(method, url string, headers map[string]string, body io.Reader) response {
	k.Helper()
	r, err := try(k.Context(), method, url, headers, body)
	if err != nil {
		k.Fatalf("%s: %v", method, err)
	}
	return r
}

// try sends a request, maybe from another goroutine.
func try(ctx context.Context, method, url string, headers map[string]string, body io.Reader) (response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return response{}, err
	}
	for name, value := range headers {
		if name != blob.HeaderLength { // that of the body, as in a browser
			req.Header.Set(name, value)
		}
	}
	resp, err := Client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return response{resp, string(text)}, err
}

// put uploads as the target says, whatever is in the body.
func (k *kit) put(t blob.Target, body string) response {
	k.Helper()
	return k.do(http.MethodPut, t.URL, t.Headers, strings.NewReader(body))
}

// upload uploads what must be taken.
func (k *kit) upload(key blob.Key, f blob.File, content string) {
	k.Helper()
	if r := k.put(k.target(key, f), content); !r.ok() {
		k.Fatalf("PUT: %v; want 200", r)
	}
}

// commit commits what must be there.
func (k *kit) commit(key blob.Key, f blob.File) {
	k.Helper()
	if err := k.Store.Commit(k.Context(), key, f); err != nil {
		k.Fatalf("Commit: %v", err)
	}
}

// attach uploads and commits a file with that content.
func (k *kit) attach(content string) (blob.Key, blob.File) {
	k.Helper()
	key, f := NewKey(), NewFile(content)
	k.upload(key, f, content)
	k.commit(key, f)
	return key, f
}

// uncommitted tries a Commit that must fail with one of the errors.
func (k *kit) uncommitted(key blob.Key, f blob.File, want ...error) {
	k.Helper()
	err := k.Store.Commit(k.Context(), key, f)
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	k.Errorf("Commit = %v; want one of %v", err, want)
}

// download gives a URL.
func (k *kit) download(key blob.Key, f blob.File) string {
	k.Helper()
	url, err := k.Store.Download(k.Context(), key, f, k.later())
	if err != nil {
		k.Fatalf("Download: %v", err)
	}
	return url
}

// get fetches a file, with headers if need be.
func (k *kit) get(key blob.Key, f blob.File, headers map[string]string) response {
	k.Helper()
	return k.do(http.MethodGet, k.download(key, f), headers, nil)
}

// wantContent reads an attachment in both ways.
func (k *kit) wantContent(key blob.Key, f blob.File, want string) {
	k.Helper()
	if got := k.content(key); got != want {
		k.Errorf("Open has %d bytes %.40q; want %d bytes %.40q", len(got), got, len(want), want)
	}
	if r := k.get(key, f, nil); !r.ok() || r.body != want {
		k.Errorf("GET: %.100v; want 200 and %d bytes %.40q", r, len(want), want)
	}
}

// content reads an attachment.
func (k *kit) content(key blob.Key) string {
	k.Helper()
	r, err := k.Store.Open(k.Context(), key)
	if err != nil {
		k.Fatalf("Open: %v", err)
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		k.Fatalf("reading what Open gave: %v", err)
	}
	return b.String()
}

// wantNothing looks for an attachment that must not be there.
func (k *kit) wantNothing(key blob.Key, f blob.File) {
	k.Helper()
	if r, err := k.Store.Open(k.Context(), key); !errors.Is(err, blob.ErrMissing) {
		k.Errorf("Open = %v, %v; want %v", r, err, blob.ErrMissing)
	}
	if r := k.get(key, f, nil); !r.refused() {
		k.Errorf("GET: %v; want it refused", r)
	}
}
