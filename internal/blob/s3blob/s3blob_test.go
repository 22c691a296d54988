package s3blob_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/blobtest"
	"github.com/parley-chat/parley/internal/blob/s3blob"
	"github.com/parley-chat/parley/internal/blob/s3blob/s3test"
	"github.com/parley-chat/parley/internal/proxytest"
)

const origin = "https://shop.example.com"

// TestS3 holds all tests that need a server, so that there is one of it.
func TestS3(t *testing.T) {
	s3test.Setenv(t)
	server := s3test.Start(t)
	t.Run("suite", func(t *testing.T) {
		blobtest.Run(t, func(t *testing.T) blobtest.Place {
			return blobtest.Place{
				Store: open(t, server.URL(server.Bucket(t, origin), "some/prefix")),
				Now:   time.Now, Pass: time.Sleep, // the server's clock can't be turned
				Origin: origin, Careless: true,
			}
		})
	})
	for name, run := range map[string]func(*testing.T, *s3test.Server){
		"keys": testKeys, "signed headers": testSignedHeaders, "without ACL": testWithoutACL, "public endpoint": testPublicEndpoint,
		"old store": testOldStore, "wrong type": testWrongType, "refused at start": testRefusedAtStart, "not there": testNotThere, "hangs": testHangs, "bucket removed": testBucketRemoved,
	} {
		t.Run(name, func(t *testing.T) { run(t, server) })
	}
}

func open(t *testing.T, url string) *s3blob.Store {
	t.Helper()
	return openLogging(t, url, slog.New(slog.DiscardHandler))
}

func openLogging(t *testing.T, url string, log *slog.Logger) *s3blob.Store {
	t.Helper()
	s, err := s3blob.Open(t.Context(), url, clockwork.NewRealClock(), log)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// upload announces and sends a file.
func upload(t *testing.T, s blob.Store, key blob.Key, f blob.File, content string) blob.Target {
	t.Helper()
	target, err := s.Upload(t.Context(), key, f, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if r, text := blobtest.Do(t, http.MethodPut, target.URL, target.Headers, content); r.StatusCode != http.StatusOK {
		t.Fatalf("PUT: %d %s", r.StatusCode, text)
	}
	return target
}

// testKeys: where things are in the bucket is documented, for lifecycle rules.
func testKeys(t *testing.T, server *s3test.Server) {
	for prefix, below := range map[string]string{"": "", "some/prefix": "some/prefix/", "/a/": "a/"} {
		bucket := server.Bucket(t)
		s := open(t, server.URL(bucket, prefix))
		key, other, f := blobtest.NewKey(), blobtest.NewKey(), blobtest.NewFile("hello wor")
		upload(t, s, key, f, "hello wor")
		upload(t, s, other, f, "hello wor")
		if err := s.Commit(t.Context(), key, f); err != nil {
			t.Fatal(err)
		}
		want := []string{below + "kept/" + key.String(), below + "staged/" + other.String()}
		if got := server.Objects(t, bucket); !slices.Equal(got, want) {
			t.Errorf("prefix %q: there is %v; want %v", prefix, got, want)
		}
	}
}

// testSignedHeaders: a client sends the target's headers, and its host; nothing else may
// be needed, and all of them count.
func testSignedHeaders(t *testing.T, server *s3test.Server) {
	s := open(t, server.URL(server.Bucket(t), ""))
	f := blobtest.NewFile("hello wor")
	target, err := s.Upload(t.Context(), blobtest.NewKey(), f, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"host"}
	for name := range f.Headers() {
		want = append(want, strings.ToLower(name))
	}
	slices.Sort(want)
	u, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Query().Get("X-Amz-SignedHeaders"); got != strings.Join(want, ";") {
		t.Errorf("signed are %s; want %s", got, strings.Join(want, ";"))
	}
}

// testWithoutACL: for stores that refuse x-amz-acl, clients don't send it.
func testWithoutACL(t *testing.T, server *s3test.Server) {
	s := open(t, server.URL(server.Bucket(t), "")+"&acl=false")
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	target := upload(t, s, key, f, "hello wor")
	if _, ok := target.Headers[blob.HeaderACL]; ok || strings.Contains(strings.ToLower(target.URL), "acl") {
		t.Errorf("there is an ACL in %v", target)
	}
	if err := s.Commit(t.Context(), key, f); err != nil {
		t.Error(err)
	}
	if err := s.Put(t.Context(), blobtest.NewKey(), f, strings.NewReader("hello wor")); err != nil {
		t.Error(err)
	}
}

// testPublicEndpoint: clients may reach the store by another name than the node.
func testPublicEndpoint(t *testing.T, server *s3test.Server) {
	public := front(t, server, func(http.ResponseWriter, *http.Request) bool { return false })
	s := open(t, server.URL(server.Bucket(t), "")+"&public-endpoint="+url.QueryEscape(public.URL+"/"))
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	target := upload(t, s, key, f, "hello wor")
	if err := s.Commit(t.Context(), key, f); err != nil {
		t.Fatal(err)
	}
	down, err := s.Download(t.Context(), key, f, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{target.URL, down} {
		if !strings.HasPrefix(u, public.URL+"/") {
			t.Errorf("clients are sent to %s; want %s", u, public.URL)
		}
	}
	if r, text := blobtest.Do(t, http.MethodGet, down, nil, ""); r.StatusCode != http.StatusOK || text != "hello wor" {
		t.Errorf("GET: %d %s", r.StatusCode, text)
	}
}

// front is somebody before the server who answers a request instead of it or, reporting
// false, lets it through.
func front(t *testing.T, server *s3test.Server, instead func(http.ResponseWriter, *http.Request) bool) *httptest.Server {
	t.Helper()
	back, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	// The proxy passes the host's name on: it is signed.
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = back.Scheme, back.Host
	}}
	s := httptest.NewServer(proxytest.Front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !instead(w, r) {
			proxy.ServeHTTP(w, r)
		}
	})))
	t.Cleanup(s.Close)
	return s
}

// through names a bucket of the server to Parley, at its [front].
func through(t *testing.T, server *s3test.Server, instead func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	return strings.Replace(server.URL(server.Bucket(t), ""), url.QueryEscape(server.Endpoint), url.QueryEscape(front(t, server, instead).URL), 1)
}

// testOldStore: not all stores know the condition under which an upload is kept.
func testOldStore(t *testing.T, server *s3test.Server) {
	refused := 0
	u := through(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("If-None-Match") != "" {
			refused++
			w.WriteHeader(http.StatusNotImplemented)
			fmt.Fprint(w, `<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message></Error>`)
			return true
		}
		return false
	})
	s := open(t, u)
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	upload(t, s, key, f, "hello wor")
	for range 2 {
		if err := s.Commit(t.Context(), key, f); err != nil {
			t.Error(err)
		}
	}
	refusedCommit := refused
	moved := blobtest.NewKey()
	for range 2 {
		if err := s.Put(t.Context(), moved, f, strings.NewReader("hello wor")); err != nil {
			t.Error(err)
		}
	}
	if refusedCommit == 0 || refused == refusedCommit {
		t.Error("the condition was never sent")
	}
	if r, err := s.Open(t.Context(), moved); err != nil {
		t.Error(err)
	} else if text, err := io.ReadAll(r); string(text) != "hello wor" || err != nil {
		t.Errorf("what was put is %q, %v", text, err)
	}
}

// testWrongType: whoever can write to the bucket otherwise can't make an attachment of
// another type.
func testWrongType(t *testing.T, server *s3test.Server) {
	s := open(t, server.URL(server.Bucket(t), ""))
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	html := f
	html.ContentType = "text/html"
	upload(t, s, key, html, "hello wor")
	err := s.Commit(t.Context(), key, f)
	if !errors.Is(err, blob.ErrMismatch) || !strings.Contains(err.Error(), "text/html") {
		t.Errorf("Commit = %v; want %v and the type", err, blob.ErrMismatch)
	}
}

// testRefusedAtStart: what will never work is said before anybody relies on it.
func testRefusedAtStart(t *testing.T, server *s3test.Server) {
	bucket := server.Bucket(t)
	wrong := func(what, url, hint string) {
		t.Helper()
		s, err := s3blob.Open(t.Context(), url, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %v, %v; want an error with %q", what, s, err, hint)
		}
	}
	wrong("no such bucket", server.URL("parley-nowhere", ""), "make it, or name another")
	wrong("malformed", "s3://", "it must be like s3://BUCKET")
	t.Run("another secret", func(t *testing.T) {
		t.Setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
		wrong("another secret", server.URL(bucket, ""), "see whether the credentials")
	})
	t.Run("no credentials", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		wrong("no credentials", server.URL(bucket, ""), "set AWS_ACCESS_KEY_ID")
	})
	t.Run("no region", func(t *testing.T) {
		t.Setenv("AWS_REGION", "")
		t.Setenv("AWS_DEFAULT_REGION", "")
		wrong("no region", "s3://"+bucket, "set AWS_REGION")
	})
	open(t, server.URL(bucket, ""))
}

// testNotThere: a node starts while the store is away; what it can't do then is no fault
// of the client's.
func testNotThere(t *testing.T, _ *s3test.Server) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() { // nobody answers
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	var log strings.Builder
	s := openLogging(t, "s3://bucket?region=us-east-1&path-style=true&endpoint="+url.QueryEscape("http://"+ln.Addr().String()), slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "can't be reached") {
		t.Errorf("the log does not say that the store is away: %s", &log)
	}
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	_, opened := s.Open(t.Context(), key)
	_, swept := s.Sweep(t.Context(), time.Now())
	for name, err := range map[string]error{
		"Commit": s.Commit(t.Context(), key, f), "Open": opened, "Sweep": swept, "Delete": s.Delete(t.Context(), key),
		"Put": s.Put(t.Context(), key, f, strings.NewReader("hello wor")),
	} {
		if err == nil || errors.Is(err, blob.ErrMissing) || errors.Is(err, blob.ErrMismatch) || !strings.Contains(err.Error(), "see whether it can be reached") {
			t.Errorf("%s = %v", name, err)
		}
	}
	if _, err := s.Upload(t.Context(), key, f, time.Now().Add(time.Minute)); err != nil {
		t.Errorf("Upload: %v; it needs nobody", err)
	}
}

// testHangs: whoever completes an upload gets an answer, also from a store that gives none.
func testHangs(t *testing.T, server *s3test.Server) {
	var hangs atomic.Bool
	s := open(t, through(t, server, func(_ http.ResponseWriter, r *http.Request) bool {
		if hangs.Load() {
			<-r.Context().Done()
			return true
		}
		return false
	}))
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	upload(t, s, key, f, "hello wor")
	hangs.Store(true)
	restore := s3blob.SetCommitWithin(50 * time.Millisecond)
	err := s.Commit(t.Context(), key, f)
	restore()
	if err == nil || errors.Is(err, blob.ErrMissing) || errors.Is(err, blob.ErrMismatch) {
		t.Errorf("Commit = %v; want the failure of a store", err)
	}
	hangs.Store(false)
	if err := s.Commit(t.Context(), key, f); err != nil {
		t.Errorf("Commit when it goes on: %v", err)
	}
}

// testBucketRemoved: that it is away is not what whoever uploads is told.
func testBucketRemoved(t *testing.T, server *s3test.Server) {
	bucket := server.Bucket(t)
	s := open(t, server.URL(bucket, ""))
	key, f := blobtest.NewKey(), blobtest.NewFile("hello wor")
	if err := s.Commit(t.Context(), key, f); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Commit of what was not uploaded = %v; want %v", err, blob.ErrMissing)
	}
	server.Remove(t, bucket)
	if err := s.Commit(t.Context(), key, f); err == nil || errors.Is(err, blob.ErrMissing) || !strings.Contains(err.Error(), "make it, or name another") {
		t.Errorf("Commit without a bucket = %v; want the failure of a store", err)
	}
}

func TestParse(t *testing.T) {
	for _, ok := range []string{
		"s3://bucket", "s3://bucket/", "s3://my.bucket/a/b_c/d-e.f/", "s3://bucket?endpoint=http://127.0.0.1:9000&path-style=true&region=eu-central-1&acl=false",
	} {
		if err := s3blob.Parse(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for bad, says := range map[string]string{
		"":                        "not of the form",
		"./dir":                   "not of the form",
		"https://bucket":          "not of the form",
		"s3:///prefix":            "not of the form",
		"s3://user:secret@bucket": "credentials are not in it",
		"s3://bucket:9000":        "not of the form",
		"s3://bucket?endpoint=https://user:secret@host":                   "endpoint is not a URL",
		"s3://bucket?nonsense=1&public-endpoint=https://user:secret@host": "public-endpoint is not a URL",
		"s3://bucket/a//b":                "the prefix",
		"s3://bucket/a%20b":               "the prefix",
		"s3://bucket?end-point=x":         "the parameter end-point",
		"s3://bucket?region=a&region=b":   "the parameter region 2 times",
		"s3://bucket?endpoint=127.0.0.1":  "endpoint=127.0.0.1 is not a URL",
		"s3://bucket?endpoint=ftp://host": "is not a URL",
		"s3://bucket?public-endpoint=x":   "public-endpoint=x is not a URL",
		"s3://bucket?path-style=maybe":    "path-style=maybe is neither",
		"s3://bucket?acl=%zz":             "can't be read",
	} {
		if err := s3blob.Parse(bad); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v; want an error with %q", bad, err, says)
		}
	}
}
