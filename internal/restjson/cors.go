package restjson

import (
	"net/http"
	"slices"
	"strings"
)

// What pages of other origins may send and read (sdk-clients.md 3). Every header is
// named: "*" doesn't cover authorization.
var (
	corsMethods = []string{"GET,POST,PUT,DELETE,OPTIONS"}
	corsHeaders = []string{strings.Join([]string{
		"authorization", "content-type", "x-amz-bearer", "x-amz-content-sha256", "x-amz-date", "x-amz-user-agent",
		"x-amz-security-token", "amz-sdk-invocation-id", "amz-sdk-request", "range",
		// what the upload of an attachment comes with (semantics.md 6)
		"content-disposition", "x-amz-acl", "x-amz-meta-account_id", "x-amz-meta-contact_id",
		"x-amz-meta-initial_contact_id", "x-amz-meta-organization_id",
	}, ",")}
	corsExpose = []string{"x-amzn-RequestId,x-amzn-ErrorType,x-parley-detail,Content-Disposition,Content-Range"}
	corsMaxAge = []string{"7200"}
	corsAny    = []string{"*"}
	corsVary   = "Origin"
)

// cors lets pages of other origins in. Chat uses no cookies, so letting all of them
// in gives nothing away.
type cors struct{ origins []string }

func newCORS(origins []string) cors {
	if slices.Contains(origins, "*") {
		origins = nil
	}
	return cors{origins}
}

// allow sets what every response needs, errors too.
func (c cors) allow(h http.Header, r *http.Request) {
	h["Access-Control-Expose-Headers"] = corsExpose
	if len(c.origins) == 0 {
		h["Access-Control-Allow-Origin"] = corsAny
		return
	}
	h.Add("Vary", corsVary)
	if origin := r.Header.Get("Origin"); slices.Contains(c.origins, origin) {
		h["Access-Control-Allow-Origin"] = []string{origin}
	}
}

// preflight sets what the answer to a preflight needs besides.
func (cors) preflight(h http.Header) {
	h["Access-Control-Allow-Methods"] = corsMethods
	h["Access-Control-Allow-Headers"] = corsHeaders
	h["Access-Control-Max-Age"] = corsMaxAge
}
