// Package proxytest is for tests with a reverse proxy in the way of requests.
package proxytest

import "net/http"

// Front makes of a handler that passes requests on, with an [httputil.ReverseProxy], one
// that is fit to be served. net/http's server closes a request's body when it begins to
// answer. The transport behind a proxy looks for that body's end once more after it sent
// the last byte: if the answer comes before it looks, which happens on a busy machine, it
// finds a closed body, and cuts the connection in the middle of the answer.
func Front(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// It fails for HTTP/2 only, which closes no body early.
		_ = http.NewResponseController(w).EnableFullDuplex()
		h.ServeHTTP(w, r)
	})
}
