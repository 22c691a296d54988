package blobtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/blob"
)

var webChecks = []check{
	{"web upload", webUpload},
	{"web download", webDownload},
	{"web refusal", webRefusal},
}

// preflight asks as a browser does before a request that is not simple.
func (k *kit) preflight(url, origin, method string, headers []string) response {
	k.Helper()
	ask := map[string]string{"Origin": origin, "Access-Control-Request-Method": method}
	if len(headers) > 0 {
		ask["Access-Control-Request-Headers"] = strings.Join(headers, ",")
	}
	return k.do(http.MethodOptions, url, ask, nil)
}

// wantAllowed checks the answer to a preflight as a browser does.
func (k *kit) wantAllowed(r response, method string, headers []string) {
	k.Helper()
	if r.StatusCode/100 != 2 {
		k.Errorf("preflight for %s: %v; want 2xx", method, r)
	}
	k.wantOrigin("preflight for "+method, r)
	list := func(name string) []string {
		return strings.Split(strings.ToLower(strings.ReplaceAll(r.Header.Get(name), " ", "")), ",")
	}
	if methods := list("Access-Control-Allow-Methods"); !slices.Contains(methods, strings.ToLower(method)) && !slices.Contains(methods, "*") {
		k.Errorf("preflight for %s allows the methods %v", method, methods)
	}
	allowed := list("Access-Control-Allow-Headers")
	for _, h := range headers {
		if !slices.Contains(allowed, h) && !slices.Contains(allowed, "*") {
			k.Errorf("preflight for %s allows the headers %v; want %s among them", method, allowed, h)
		}
	}
}

// wantOrigin checks that a page may read an answer.
func (k *kit) wantOrigin(what string, r response) {
	k.Helper()
	if got := r.Header.Get("Access-Control-Allow-Origin"); got != "*" && got != k.Origin {
		k.Errorf("%s: Access-Control-Allow-Origin: %q; want %s", what, got, k.Origin)
	}
}

// webUpload: a page may PUT with the headers of the target (sdk-clients.md 3).
func webUpload(k *kit) {
	key, f := NewKey(), NewFile("hello wor")
	t := k.target(key, f)
	var headers []string
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		if name != blob.HeaderLength { // the browser's own
			headers = append(headers, strings.ToLower(name))
		}
	}
	slices.Sort(headers)
	k.wantAllowed(k.preflight(t.URL, k.Origin, http.MethodPut, headers), http.MethodPut, headers)
	send := maps.Clone(t.Headers)
	send["Origin"] = k.Origin
	r := k.do(http.MethodPut, t.URL, send, strings.NewReader("hello wor"))
	k.wantOrigin("PUT", r)
	if !r.ok() {
		k.Errorf("PUT: %v; want 200", r)
	}
	k.commit(key, f)
}

// webDownload: a page may GET, and parts too.
func webDownload(k *kit) {
	key, f := k.attach("0123456789")
	url := k.download(key, f)
	k.wantAllowed(k.preflight(url, k.Origin, http.MethodGet, []string{"range"}), http.MethodGet, []string{"range"})
	r := k.do(http.MethodGet, url, map[string]string{"Origin": k.Origin, "Range": "bytes=0-1"}, nil)
	k.wantOrigin("GET", r)
	if r.body != "01" {
		k.Errorf("GET of a part: %v", r)
	}
}

// webRefusal: pages of other origins may neither send nor read, and those that may can
// read why something failed.
func webRefusal(k *kit) {
	key, f := k.attach("0123456789")
	t := k.target(NewKey(), f)
	const stranger = "https://stranger.example.net"
	for what, r := range map[string]response{
		"preflight": k.preflight(t.URL, stranger, http.MethodPut, nil),
		"GET":       k.get(key, f, map[string]string{"Origin": stranger}),
	} {
		if got := r.Header.Get("Access-Control-Allow-Origin"); got == "*" || got == stranger {
			k.Errorf("%s by another origin: Access-Control-Allow-Origin: %s", what, got)
		}
	}
	send := maps.Clone(t.Headers)
	send["Origin"] = k.Origin
	r := k.do(http.MethodPut, t.URL, send, strings.NewReader("too short"[:8]))
	k.wantOrigin("a PUT that is refused", r)
	if !r.refused() {
		k.Errorf("PUT of too little: %v", r)
	}
}
