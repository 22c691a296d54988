package served_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/blobtest"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/token"
)

func place(t *testing.T) blobtest.Place {
	return blobtest.Serve(t, func(c served.Config) (*served.Store, error) { return memblob.New(c), nil })
}

// targets gives the URLs of an attachment.
func targets(t *testing.T, p blobtest.Place, key blob.Key, f blob.File) (up blob.Target, down string) {
	t.Helper()
	up, err := p.Store.Upload(t.Context(), key, f, p.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if down, err = p.Store.Download(t.Context(), key, f, p.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return up, down
}

// Clients don't look at the answer to their PUT (semantics.md 6), so Commit says what it was.
func TestCommitTellsWhyThePutWasRefused(t *testing.T) {
	p := place(t)
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	up, _ := targets(t, p, key, f)
	for _, c := range []struct {
		body, header, value string
		status              int
		code, says          string
	}{
		{"hello worl", "", "", 413, "RequestEntityTooLargeException", "The Content-Length is 10, but 9 bytes were announced"},
		{"hello", "", "", 400, "ValidationException", "The Content-Length is 5, but 9 bytes were announced"},
		{"hello wor", "x-amz-meta-account_id", "1", 400, "ValidationException", "The header x-amz-meta-account_id is not as UploadMetadata.HeadersToInclude has it"},
	} {
		headers := map[string]string{c.header: c.value}
		for name, value := range up.Headers {
			if name != c.header {
				headers[name] = value
			}
		}
		delete(headers, "")
		resp, text := blobtest.Do(t, http.MethodPut, up.URL, headers, c.body)
		if resp.StatusCode != c.status || resp.Header.Get("x-amzn-ErrorType") != c.code || !strings.Contains(text, c.says) {
			t.Errorf("PUT %q: %d %s; want %d %s: %s", c.body, resp.StatusCode, text, c.status, c.code, c.says)
		}
		err := p.Store.Commit(t.Context(), key, f)
		if !errors.Is(err, blob.ErrMismatch) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Commit = %v; want %v: %s", err, blob.ErrMismatch, c.says)
		}
	}
	if resp, text := blobtest.Do(t, http.MethodPut, up.URL, up.Headers, "hello wor"); resp.StatusCode != 200 {
		t.Fatalf("PUT: %d %s", resp.StatusCode, text)
	}
	if err := p.Store.Commit(t.Context(), key, f); err != nil {
		t.Error(err)
	}
	if resp, text := blobtest.Do(t, http.MethodPut, up.URL, up.Headers, "hello wor"); resp.StatusCode != http.StatusConflict {
		t.Errorf("PUT after Commit: %d %s; want 409", resp.StatusCode, text)
	}
	if err := p.Store.Commit(t.Context(), key, f); err != nil {
		t.Errorf("Commit again: %v", err)
	}
}

// Nothing that somebody has sent runs in the browser of who gets it.
func TestDownloadIsHarmless(t *testing.T) {
	p := place(t)
	key, f := blobtest.NewKey(), blobtest.NewFile("<script></script>")
	f.ContentType = "text/html"
	up, down := targets(t, p, key, f)
	blobtest.Do(t, http.MethodPut, up.URL, up.Headers, "<script></script>")
	if err := p.Store.Commit(t.Context(), key, f); err != nil {
		t.Fatal(err)
	}
	for method, body := range map[string]string{http.MethodGet: "<script></script>", http.MethodHead: ""} {
		resp, text := blobtest.Do(t, method, down, nil, "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
			"Cache-Control": "private", "Content-Type": "text/html", "Content-Length": "17", "Accept-Ranges": "bytes",
			"Content-Disposition": `attachment; filename="56102_file.txt"`,
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s: %q; want %q", method, name, got, want)
			}
		}
		if resp.StatusCode != 200 || text != body {
			t.Errorf("%s: %d %q", method, resp.StatusCode, text)
		}
	}
}

// Who may not is told what everybody is told, and the developer what was wrong.
func TestDenied(t *testing.T) {
	p := place(t)
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	up, down := targets(t, p, key, f)
	_, other := targets(t, p, blobtest.NewKey(), f)
	_, foreign := targets(t, place(t), key, f)
	otherPath, _, _ := strings.Cut(other, "?")
	_, query, _ := strings.Cut(down, "?")
	_, foreignQuery, _ := strings.Cut(foreign, "?")
	path, _, _ := strings.Cut(down, "?")
	for url, detail := range map[string]string{
		path:                      "not complete",
		path + "?token=":          "not complete",
		path + "?token=!":         "not complete",
		path + "?" + foreignQuery: "not of this server",
		otherPath + "?" + query:   "something else",
		path + "/x?" + query:      "something else",
		up.URL:                    "something else",
	} {
		resp, text := blobtest.Do(t, http.MethodGet, url, nil, "")
		if resp.StatusCode != 403 || !strings.Contains(text, `"Access denied"`) || !strings.Contains(resp.Header.Get("x-parley-detail"), detail) {
			t.Errorf("GET %s: %d %s, detail %q; want 403 and %q", url, resp.StatusCode, text, resp.Header.Get("x-parley-detail"), detail)
		}
	}
	p.Pass(time.Minute)
	if resp, _ := blobtest.Do(t, http.MethodGet, down, nil, ""); !strings.Contains(resp.Header.Get("x-parley-detail"), "expired") {
		t.Errorf("an expired URL: %d, detail %q", resp.StatusCode, resp.Header.Get("x-parley-detail"))
	}
	if resp, _ := blobtest.Do(t, http.MethodDelete, down, nil, ""); resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD, PUT" {
		t.Errorf("DELETE: %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
}

// broken are files that can't be read or written.
type broken struct{ served.Files }

var errBroken = errors.New("the disk is on fire")

func (broken) Stage(blob.Key, io.Reader, int64, time.Time) error   { return errBroken }
func (broken) Keep(blob.Key, int64) (int64, error)                 { return 0, errBroken }
func (broken) Open(blob.Key) (io.ReadSeekCloser, error)            { return nil, errBroken }
func (broken) Delete(blob.Key) error                               { return errBroken }
func (broken) Sweep(context.Context, time.Time) (n int, err error) { return 0, errBroken }

// The operator learns what happened, the client only that it is not its fault.
func TestBroken(t *testing.T) {
	p := blobtest.Serve(t, func(c served.Config) (*served.Store, error) { return served.New(broken{}, c), nil })
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	up, down := targets(t, p, key, f)
	for method, url := range map[string]string{http.MethodPut: up.URL, http.MethodGet: down} {
		resp, text := blobtest.Do(t, method, url, up.Headers, map[string]string{http.MethodPut: "hello wor"}[method])
		if resp.StatusCode != 500 || strings.Contains(text, "fire") {
			t.Errorf("%s: %d %s", method, resp.StatusCode, text)
		}
	}
	_, opened := p.Store.Open(t.Context(), key)
	_, swept := p.Store.Sweep(t.Context(), p.Now())
	for name, err := range map[string]error{
		"Open": opened, "Sweep": swept, "Commit": p.Store.Commit(t.Context(), key, f), "Delete": p.Store.Delete(t.Context(), key),
		"Put": p.Store.Put(t.Context(), key, f, strings.NewReader("hello wor")),
	} {
		if !errors.Is(err, errBroken) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s = %v; want %v", name, err, errBroken)
		}
	}
}

// A token that says what this version doesn't know is refused, not misread.
func FuzzClaims(f *testing.F) {
	keys, err := token.NewKeyring([]byte("0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	s := memblob.New(served.Config{Tokens: keys, Clock: clockwork.NewFakeClock()})
	for _, seed := range []string{"", "G", "P" + strings.Repeat("\x00", 48), "G" + strings.Repeat("\xff", 49), "G" + strings.Repeat("\x7f", 48) + "\xffab"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, method := range []string{http.MethodPut, http.MethodGet} {
			url := served.Path + "00000000-0000-0000-0000-000000000000?token=" + keys.Seal(token.Blob, body)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(method, url, nil))
			if w.Code < 400 || w.Code >= 500 {
				t.Errorf("%s with %q: %d", method, body, w.Code)
			}
		}
	})
}
