package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/parley-chat/parley/internal/restjson"
)

//go:embed site
var files embed.FS

// siteDir is where they are in it; it has no directories.
const siteDir = "site"

// mediaTypes are those of the site's files. A page is asked for without its .html.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Names of pages with rules of their own.
const widgetFrame, widgetScript = "widget", "widget.js"

// file is a file of the site, ready to be sent.
type file struct {
	kind, etag    string
	plain, packed []byte
}

// prepare reads a file, which is in the program, and compresses it.
func prepare(name string) *file {
	plain, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(plain)
	return &file{
		kind: mediaTypes[path.Ext(name)], plain: plain, packed: compress(plain),
		etag: base64.RawURLEncoding.EncodeToString(sum[:12]),
	}
}

// policy is a content-security policy, with all but who may frame the page, and the
// answer to that for the widget.
type policy struct{ common, widgetFrame string }

// policy allows what the pages need: our own scripts and styles, the APIs and
// websockets of this server, and files that users send.
func (s *console) policy(base *url.URL) policy {
	connect := append([]string{"'self'", "ws" + strings.TrimPrefix(origin(base), "http"), origin(base)}, s.FileOrigins...)
	frame := append([]string{"'self'"}, s.WidgetOrigins...)
	if s.Local {
		frame = []string{"*"}
	}
	return policy{
		common: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; " +
			"connect-src " + strings.Join(connect, " ") + "; base-uri 'none'; form-action 'none'; frame-ancestors ",
		widgetFrame: strings.Join(frame, " "),
	}
}

// site serves the pages. A file is prepared when it is first asked for: most servers are
// never asked, and compressing them all takes longer than all else at the start.
type site struct {
	policy policy
	files  map[string]func() *file
}

// newSite finds the files.
func newSite(p policy) (*site, error) {
	s := &site{policy: p, files: make(map[string]func() *file)}
	entries, err := files.ReadDir(siteDir)
	for _, e := range entries {
		s.files[strings.TrimSuffix(e.Name(), ".html")] = sync.OnceValue(func() *file { return prepare(siteDir + "/" + e.Name()) })
	}
	return s, err
}

// compress can't fail: neither is the level out of range, nor the buffer ever full.
func compress(plain []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	_, _ = z.Write(plain)
	_ = z.Close()
	return b.Bytes()
}

// ServeHTTP sends a file. Browsers keep it and ask whether it has changed, so that a
// new binary never meets old scripts.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Path)
	prepared := s.files[name]
	if prepared == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		restjson.NotFound(w, r)
		return
	}
	f := prepared()
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept-Encoding")
	if strings.HasPrefix(f.kind, "text/html") {
		frame := "'none'"
		if name == widgetFrame {
			frame = s.policy.widgetFrame
		} else {
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
		}
		h.Set("Content-Security-Policy", s.policy.common+frame)
	}
	body, etag := f.plain, `"`+f.etag+`"`
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body, etag = f.packed, `"`+f.etag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body) // an error means that nobody is there to read it
}
