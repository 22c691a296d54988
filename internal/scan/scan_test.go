package scan_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/blobtest"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/scan"
)

const clean, virus = "hello wor", "EICAR lol"

// world is a store with attachments to scan.
type world struct {
	*testing.T
	blobtest.Place
	config scan.Config
}

func newWorld(t *testing.T) *world {
	p := blobtest.Serve(t, func(c served.Config) (*served.Store, error) { return memblob.New(c), nil })
	return &world{t, p, scan.Config{Blobs: p.Store, Clock: clockwork.NewFakeClockAt(p.Now()), Timeout: time.Minute}}
}

// attach makes an attachment.
func (w *world) attach(content string) scan.Request {
	w.Helper()
	r := scan.Request{
		Instance: "84ecefa9-184a-400f-babf-3288d7c8fd04", Key: blobtest.NewKey(), File: blobtest.NewFile(content),
		Created: time.UnixMilli(1689291663582),
	}
	target, err := w.Store.Upload(w.Context(), r.Key, r.File, w.Now().Add(time.Minute))
	if err != nil {
		w.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPut, target.URL, strings.NewReader(content))
	if err != nil {
		w.Fatal(err)
	}
	for name, value := range target.Headers {
		req.Header.Set(name, value)
	}
	resp, err := blobtest.Client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	resp.Body.Close()
	if err := w.Store.Commit(w.Context(), r.Key, r.File); err != nil {
		w.Fatal(err)
	}
	return r
}

// want scans and compares; says must be in the error.
func (w *world) want(s scan.Scanner, r scan.Request, approved bool, kind error, says string) {
	w.Helper()
	got, err := s.Scan(w.Context(), r)
	if got != approved || !errors.Is(err, kind) || err != nil && !strings.Contains(err.Error(), says) {
		w.Errorf("Scan = %v, %v; want %v, %v: %s", got, err, approved, kind, says)
	}
	if errors.Is(err, scan.ErrRetry) && errors.Is(err, scan.ErrFinal) {
		w.Errorf("%v is both to be repeated and final", err)
	}
}

// gone: an attachment that isn't there can't be scanned, whoever does it.
func (w *world) gone(s scan.Scanner) {
	w.Helper()
	r := w.attach(clean)
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	if approved, err := s.Scan(ctx, r); approved || !errors.Is(err, context.Canceled) || errors.Is(err, scan.ErrRetry) {
		w.Errorf("Scan with a cancelled context = %v, %v; want %v alone", approved, err, context.Canceled)
	}
	if err := w.Store.Close(); err != nil {
		w.Fatal(err)
	}
	w.want(s, r, false, scan.ErrRetry, "closed")
}

// hook serves one.
func (w *world) hook(h http.HandlerFunc) *scan.Hook {
	w.Helper()
	srv := httptest.NewServer(h)
	w.Cleanup(srv.Close)
	s, err := scan.NewHook(srv.URL+"/scan", w.config)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// message is the scanner's view of a request.
type message struct {
	Version    string
	InstanceId string
	File       struct {
		FileId           string
		FileCreationTime int64
		FileName         string
		FileSizeInBytes  int64
		FileLocation     struct{ Path, Url string }
	}
}

// wantMessage compares what a scanner got with what it should.
func (w *world) wantMessage(got message, r scan.Request) {
	w.Helper()
	var want message
	want.Version, want.InstanceId = "1.0", r.Instance
	want.File.FileId, want.File.FileCreationTime = r.Key.Attachment.String(), 1689291663582
	want.File.FileName, want.File.FileSizeInBytes = r.File.Name, r.File.Size
	want.File.FileLocation = got.File.FileLocation
	if got != want {
		w.Errorf("the scanner got %+v; want %+v", got, want)
	}
}

// answers are what scanners say, and what is made of it.
var answers = []struct {
	text     string
	approved bool
	kind     error
	says     string
}{
	{`{"Status":"APPROVED"}`, true, nil, ""},
	{" {\"Status\":\"APPROVED\",\"Engine\":{\"Name\":\"x\"}}\n", true, nil, ""},
	{`{"Status":"REJECTED"}`, false, nil, ""},
	{``, false, scan.ErrFinal, "is not like"},
	{`nonsense`, false, scan.ErrFinal, "nonsense"},
	{`{"Status":"APPROVED"} or so`, false, scan.ErrFinal, "is not like"},
	{`{"Status":"APPROVED","Status":"REJECTED"}`, false, scan.ErrFinal, "is not like"},
	{`{"Status":true}`, false, scan.ErrFinal, "is not like"},
	{`{"Status":"approved"}`, false, scan.ErrFinal, "it must be APPROVED or REJECTED"},
	{`{"status":"APPROVED"}`, false, scan.ErrFinal, "it must be APPROVED or REJECTED"},
	{`{}`, false, scan.ErrFinal, "it must be APPROVED or REJECTED"},
	{`{"Status":"APPROVED","Log":"` + strings.Repeat("x", 64<<10) + `"}`, false, scan.ErrFinal, "more than 65536 bytes"},
}

func TestHookAnswers(t *testing.T) {
	w := newWorld(t)
	r := w.attach(clean)
	var text string
	s := w.hook(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, text) })
	for _, a := range answers {
		text = a.text
		w.want(s, r, a.approved, a.kind, a.says)
	}
	w.gone(s)
}

func TestHookStatus(t *testing.T) {
	w := newWorld(t)
	r := w.attach(clean)
	var status int
	s := w.hook(func(rw http.ResponseWriter, req *http.Request) {
		rw.Header().Set("Location", "/elsewhere")
		if req.URL.Path != "/scan" {
			t.Errorf("a redirect to %s was followed", req.URL.Path)
		}
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, `{"Status":"APPROVED"}`)
	})
	for code, kind := range map[int]error{
		200: nil, 201: scan.ErrFinal, 301: scan.ErrFinal, 302: scan.ErrFinal, 303: scan.ErrFinal, 307: scan.ErrFinal, 308: scan.ErrFinal,
		400: scan.ErrFinal, 401: scan.ErrFinal, 403: scan.ErrFinal, 404: scan.ErrFinal, 408: scan.ErrRetry, 413: scan.ErrFinal,
		429: scan.ErrRetry, 500: scan.ErrRetry, 502: scan.ErrRetry, 503: scan.ErrRetry, 504: scan.ErrRetry,
	} {
		status = code
		w.want(s, r, kind == nil, kind, "")
	}
}

// The hook is told all about the file, and can fetch it for a while.
func TestHookRequest(t *testing.T) {
	w := newWorld(t)
	r := w.attach(virus)
	var got message
	var url string
	s := w.hook(func(rw http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the hook got %s with %s", req.Method, req.Header.Get("Content-Type"))
		}
		if err := json.UnmarshalRead(req.Body, &got); err != nil {
			t.Error(err)
		}
		url = got.File.FileLocation.Url
		text, status := fetch(t, url)
		if status != http.StatusOK || text != virus {
			t.Errorf("the hook has fetched %d %q", status, text)
		}
		_, _ = io.WriteString(rw, `{"Status":"REJECTED"}`)
	})
	w.want(s, r, false, nil, "")
	w.wantMessage(got, r)
	if got.File.FileLocation.Path != "" {
		t.Errorf("the hook got the path %s", got.File.FileLocation.Path)
	}
	w.Pass(blob.DownloadLife)
	if _, status := fetch(t, url); status != http.StatusForbidden {
		t.Errorf("the URL is good for ever: %d", status)
	}
}

func fetch(t *testing.T, url string) (string, int) {
	t.Helper()
	resp, err := blobtest.Client.Get(url)
	if err != nil {
		t.Error(err)
		return "", 0
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(text), resp.StatusCode
}

// A hook that says nothing, or never ends, is given up; so is one that isn't there.
func TestHookHangs(t *testing.T) {
	w := newWorld(t)
	w.config.Timeout = 200 * time.Millisecond
	r := w.attach(clean)
	for name, begin := range map[string]string{"silent": "", "slow": `{"Status":"APPROVED"`, "endless": `{"Status":"APPROVED"}`} {
		s := w.hook(func(rw http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body) // only then the end of the connection is noticed
			if begin != "" {
				_, _ = io.WriteString(rw, begin)
				_ = http.NewResponseController(rw).Flush()
			}
			<-req.Context().Done()
		})
		t.Log(name)
		w.want(s, r, false, scan.ErrRetry, "has not answered within 200ms")
	}
	w.config.Timeout = time.Minute
	cut := w.hook(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	w.want(cut, r, false, scan.ErrRetry, "EOF")
	half := w.hook(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "21")
		_, _ = io.WriteString(rw, `{"Status":"APPR`)
	})
	w.want(half, r, false, scan.ErrRetry, "EOF")
	srv := httptest.NewServer(nil)
	srv.Close()
	away, err := scan.NewHook(srv.URL, w.config)
	if err != nil {
		t.Fatal(err)
	}
	w.want(away, r, false, scan.ErrRetry, "refused")
}

func TestNewRefuses(t *testing.T) {
	for _, url := range []string{"", "scanner", "/scan", "ftp://scanner/scan", "https://", "http://a b/"} {
		if s, err := scan.NewHook(url, scan.Config{}); err == nil {
			t.Errorf("NewHook(%q) = %v", url, s)
		}
	}
	for _, argv := range [][]string{nil, {""}, {"parley-no-such-program"}, {t.TempDir()}} {
		if s, err := scan.NewCommand(argv, scan.Config{}); err == nil {
			t.Errorf("NewCommand(%q) = %v", argv, s)
		}
	}
}
