package blobtest

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/parley-chat/parley/internal/blob"
)

var downloadChecks = []check{
	{"download", downloads},
	{"download names", names},
	{"download ranges", ranges},
	{"download unchanged", unchanged},
}

// downloads: the answer is of the file's type, and to be saved.
func downloads(k *kit) {
	key, f := k.attach("<script>alert(1)</script>")
	html := f
	html.ContentType = "text/html; charset=utf-8"
	page := NewKey()
	k.upload(page, html, "<script>alert(1)</script>")
	k.commit(page, html)
	for at, f := range map[blob.Key]blob.File{key: f, page: html} {
		r := k.get(at, f, nil)
		for name, want := range map[string]string{
			"Content-Type": f.ContentType, "Content-Disposition": f.Disposition(), "Content-Length": fmt.Sprint(f.Size),
		} {
			if got := r.Header.Get(name); got != want {
				k.Errorf("GET %s: %q; want %q", name, got, want)
			}
		}
	}
}

// names: whatever a file is called, it is saved by a harmless name.
func names(k *kit) {
	for _, name := range []string{
		`a "b".txt`, `back\slash.txt`, "../../etc/passwd", "..", "50%.txt", "a;b=c.txt", "a,b.txt", "a+b c.txt", "a&b?#.txt",
		"Übersicht 2026.pdf", "領収書🦉.pdf", "a\r\nSet-Cookie: x=1.txt", "a\x00b.txt", "invoice\u202efdp.exe", "bad\xff.txt",
		strings.Repeat("x", blob.MaxName-4) + ".txt", strings.Repeat("é", blob.MaxName-4) + ".txt",
	} {
		key, f := NewKey(), NewFile("hello wor")
		f.Name = name
		k.upload(key, f, "hello wor")
		k.commit(key, f)
		r := k.get(key, f, nil)
		got := r.Header.Get("Content-Disposition")
		// The exact name is not for URLs that have no room for it.
		if short := f.Headers()[blob.HeaderDisposition]; got != f.Disposition() && (got != short || len(f.Disposition()) < 500) {
			k.Errorf("%q: GET Content-Disposition: %s; want %s", name, got, f.Disposition())
		}
		plain, _, _ := strings.Cut(got, "; filename*")
		if kind, params, err := mime.ParseMediaType(plain); err != nil || kind != "attachment" || params["filename"] == "" {
			k.Errorf("%q: %s is read as %s %v, %v", name, got, kind, params, err)
		}
		if !r.ok() || r.body != "hello wor" || r.Header.Get("Set-Cookie") != "" {
			k.Errorf("%q: GET: %v %v", name, r, r.Header)
		}
	}
}

// ranges: parts can be fetched, as players of sound and film do.
func ranges(k *kit) {
	key, f := k.attach("0123456789")
	for _, c := range []struct {
		want, body, contentRange string
		status                   int
	}{
		{"bytes=0-3", "0123", "bytes 0-3/10", http.StatusPartialContent},
		{"bytes=4-4", "4", "bytes 4-4/10", http.StatusPartialContent},
		{"bytes=7-", "789", "bytes 7-9/10", http.StatusPartialContent},
		{"bytes=-2", "89", "bytes 8-9/10", http.StatusPartialContent},
		{"bytes=5-99", "56789", "bytes 5-9/10", http.StatusPartialContent},
		{"bytes=10-", "", "", http.StatusRequestedRangeNotSatisfiable},
		{"nonsense", "", "", http.StatusRequestedRangeNotSatisfiable},
	} {
		r := k.get(key, f, map[string]string{"Range": c.want})
		switch {
		case c.want == "nonsense" && r.ok() && r.body == "0123456789": // may be ignored as well
		case r.StatusCode != c.status:
			k.Errorf("Range %s: %v; want %d", c.want, r, c.status)
		case c.body != "" && (r.body != c.body || r.Header.Get("Content-Range") != c.contentRange):
			k.Errorf("Range %s: %v, Content-Range %s; want %q, %s", c.want, r, r.Header.Get("Content-Range"), c.body, c.contentRange)
		}
	}
}

// unchanged: who has the file already need not fetch it again.
func unchanged(k *kit) {
	key, f := k.attach("0123456789")
	first := k.get(key, f, nil)
	tag := first.Header.Get("Etag")
	if tag == "" {
		k.Fatalf("GET has no Etag: %v", first.Header)
	}
	if r := k.get(key, f, map[string]string{"If-None-Match": tag}); r.StatusCode != http.StatusNotModified || r.body != "" {
		k.Errorf("If-None-Match: %v; want 304", r)
	}
	if r := k.get(key, f, map[string]string{"If-None-Match": `"other"`}); !r.ok() || r.body != "0123456789" {
		k.Errorf("If-None-Match of another: %v; want 200", r)
	}
}
