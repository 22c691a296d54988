package blobtest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/blob"
)

var refusalChecks = []check{
	{"refused size", refusedSize},
	{"refused headers", refusedHeaders},
	{"refused halfway", refusedHalfway},
	{"refused altered URL", refusedAltered},
	{"refused other verb", refusedVerb},
	{"refused expired URL", refusedExpired},
}

// either of these comes of a PUT that was refused.
var either = []error{blob.ErrMissing, blob.ErrMismatch}

// refusedSize: one byte more or less than announced is too many or too few, and the
// client may still do better.
func refusedSize(k *kit) {
	key, f := NewKey(), NewFile("hello wor")
	t := k.target(key, f)
	bodies := map[string]io.Reader{
		"larger":         strings.NewReader("hello worl"),
		"much larger":    strings.NewReader(strings.Repeat("x", 100_000)),
		"smaller":        strings.NewReader("hello wo"),
		"empty":          http.NoBody,
		"of unsaid size": io.MultiReader(strings.NewReader("hello wor")), // chunked
	}
	for name, body := range bodies {
		// A server may hang up on a body that it doesn't want.
		if r, err := try(k.Context(), http.MethodPut, t.URL, t.Headers, body); err == nil && !r.refused() {
			k.Errorf("PUT of a body that is %s: %v; want it refused", name, r)
		}
		k.uncommitted(key, f, either...)
		k.wantNothing(key, f)
	}
	k.upload(key, f, "hello wor")
	k.commit(key, f)
	k.wantContent(key, f, "hello wor")
}

// refusedHeaders: each header that was announced must come as announced.
func refusedHeaders(k *kit) {
	key, f := NewKey(), NewFile("hello wor")
	t := k.target(key, f)
	for name := range t.Headers {
		if name == blob.HeaderLength {
			continue // see refusedSize
		}
		without, altered := make(map[string]string), make(map[string]string)
		for n, v := range t.Headers {
			altered[n] = v
			if n != name {
				without[n] = v
			}
		}
		altered[name] = "text/html"
		for what, headers := range map[string]map[string]string{"without": without, "with another": altered} {
			if r := k.do(http.MethodPut, t.URL, headers, strings.NewReader("hello wor")); !r.refused() {
				k.Errorf("PUT %s %s: %v; want it refused", what, name, r)
			}
			k.uncommitted(key, f, either...)
		}
	}
	if r := k.put(t, "hello wor"); !r.ok() {
		k.Errorf("PUT at last: %v; want 200", r)
	}
	k.commit(key, f)
}

// refusedHalfway: an upload that breaks off doesn't count; what had been uploaded before
// still does, and the client may try again.
func refusedHalfway(k *kit) {
	content := strings.Repeat("0123456789", 100_000)
	for _, before := range []bool{false, true} {
		key, f := NewKey(), NewFile(content)
		t := k.target(key, f)
		if before {
			k.put(t, content)
		}
		k.breakOff(t, strings.Repeat("x", len(content)/2))
		if !before || k.Careless {
			k.uncommitted(key, f, either...)
			k.wantNothing(key, f)
			k.put(t, content)
		}
		k.commit(key, f)
		k.wantContent(key, f, content)
	}
}

// breakOff sends a part of a PUT, stops, and returns when the server has given up too.
func (k *kit) breakOff(t blob.Target, part string) {
	k.Helper()
	u, err := url.Parse(t.URL)
	if err != nil {
		k.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		k.Fatal(err)
	}
	defer c.Close()
	if u.Scheme == "https" {
		c = tls.Client(c, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
	}
	w := bufio.NewWriter(c)
	fmt.Fprintf(w, "PUT %s HTTP/1.1\r\nHost: %s\r\n", u.RequestURI(), u.Host)
	for name, value := range t.Headers {
		fmt.Fprintf(w, "%s: %s\r\n", name, value)
	}
	fmt.Fprintf(w, "\r\n%s", part)
	if err := w.Flush(); err != nil {
		k.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		k.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	answer, _ := io.ReadAll(c) // until the server closes
	if strings.HasPrefix(string(answer), "HTTP/1.1 200") && !k.Careless {
		k.Errorf("half a PUT was answered %.100q", answer)
	}
}

// refusedAltered: no part of a URL can be changed or left out.
func refusedAltered(k *kit) {
	key, f := k.attach("hello wor")
	fresh := NewKey()
	t := k.target(fresh, f)
	for what, altered := range alter(k.download(key, f)) {
		if r := k.do(http.MethodGet, altered, nil, nil); !r.refused() {
			k.Errorf("GET with another %s: %v; want it refused", what, r)
		}
	}
	for what, altered := range alter(t.URL) {
		if r := k.do(http.MethodPut, altered, t.Headers, strings.NewReader("hello wor")); !r.refused() {
			k.Errorf("PUT with another %s: %v; want it refused", what, r)
		}
		k.uncommitted(fresh, f, either...)
	}
}

// alter changes a URL in each way that somebody might try.
func alter(from string) map[string]string {
	u, _ := url.Parse(from)
	all := make(map[string]string)
	flip := func(s string, i int) string {
		c := byte('A')
		if s[i] == c {
			c = 'B'
		}
		return s[:i] + string(c) + s[i+1:]
	}
	path := *u
	path.Path = flip(u.Path, len(u.Path)-1)
	all["path"] = path.String()
	bare := *u
	bare.RawQuery = ""
	all["query (none)"] = bare.String()
	for name, values := range u.Query() {
		value := values[0]
		for _, i := range []int{0, len(value) / 2, len(value) - 1} {
			q := u.Query()
			q.Set(name, flip(value, i))
			path := *u
			path.RawQuery = q.Encode()
			all[fmt.Sprintf("%s (%d)", name, i)] = path.String()
		}
		q := u.Query()
		q.Del(name)
		path := *u
		path.RawQuery = q.Encode()
		all[name+" (none)"] = path.String()
	}
	return all
}

// refusedVerb: a URL is for uploading or for downloading.
func refusedVerb(k *kit) {
	key, f := k.attach("hello wor")
	down := k.download(key, f)
	up := k.target(key, f)
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch} {
		if r := k.do(method, down, up.Headers, strings.NewReader("hello wor")); !r.refused() {
			k.Errorf("%s at the URL of a download: %v; want it refused", method, r)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if r := k.do(method, up.URL, up.Headers, nil); !r.refused() {
			k.Errorf("%s at the URL of an upload: %v; want it refused", method, r)
		}
	}
	k.wantContent(key, f, "hello wor")
}

// refusedExpired: afterwards, a URL is good for nothing.
func refusedExpired(k *kit) {
	key, f := k.attach("hello wor")
	fresh := NewKey()
	soon := k.Now().Add(2 * time.Second).Truncate(time.Second)
	t, err := k.Store.Upload(k.Context(), fresh, f, soon)
	if err != nil {
		k.Fatalf("Upload: %v", err)
	}
	down, err := k.Store.Download(k.Context(), key, f, soon)
	if err != nil {
		k.Fatalf("Download: %v", err)
	}
	k.Pass(4 * time.Second)
	if r := k.put(t, "hello wor"); !r.refused() {
		k.Errorf("PUT at an expired URL: %v; want it refused", r)
	}
	if r := k.do(http.MethodGet, down, nil, nil); !r.refused() {
		k.Errorf("GET at an expired URL: %v; want it refused", r)
	}
	k.uncommitted(fresh, f, either...)
	k.upload(fresh, f, "hello wor") // with a new one
	k.commit(fresh, f)
}
