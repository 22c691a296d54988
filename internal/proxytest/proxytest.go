// Package proxytest is for tests with a reverse proxy in the way of requests.
package proxytest

import (
	"bytes"
	"io"
	"net/http"
)

// Front makes of a handler that passes requests on, with an [httputil.ReverseProxy], one
// that is fit to be served: it is given requests whose bodies have come. The transport behind
// a proxy looks for a body's end once more after it sent the last byte. If the answer comes
// before it looks, which happens on a busy machine, it finds that net/http's server has closed
// the body, and cuts the connection in the middle of the answer. (To serve in full duplex,
// where the server closes nothing early, is no way out: the connection is then lost after an
// answer that did not wait for the body.)
func Front(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the client broke off
		}
		if r.ContentLength != 0 {
			r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		}
		h.ServeHTTP(w, r)
	})
}
