// Package sigv4 verifies that a request was signed with AWS Signature Version 4 by
// somebody who knows the secret of one of our access keys.
//
// It rebuilds what the client says it has signed and signs that again with the AWS
// SDK's own signer, so that client and server can't disagree on how a request is
// written down.
package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/jonboulle/clockwork"
)

// MaxSkew is how far a client's clock may be from ours, in either direction.
const MaxSkew = 5 * time.Minute

const (
	algorithm   = "AWS4-HMAC-SHA256"
	terminator  = "aws4_request"
	timeFormat  = "20060102T150405Z"
	dateHeader  = "X-Amz-Date"
	hashHeader  = "X-Amz-Content-Sha256"
	unsignedSum = "UNSIGNED-PAYLOAD"
)

// Verifier verifies requests to one service. It is safe for concurrent use as long
// as nobody changes it. A session token (X-Amz-Security-Token) is neither needed nor
// looked at: an access key of ours is known by its id alone.
type Verifier struct {
	// Keys maps the id of an access key to its secret.
	Keys map[string]string
	// Service is the signing name the clients use: "connect" for the Connect API.
	Service string
	Clock   clockwork.Clock
}

// Verify checks the signature of a request whose body has been read. An error is
// always of type [*Error].
//
// The region in the credential's scope can be any: it says which of AWS's data
// centres a request is for, clients must set one, and here all of them mean us.
func (v *Verifier) Verify(r *http.Request, body []byte) error {
	claim, err := parse(r)
	if err != nil {
		return err
	}
	if err := v.admit(claim); err != nil {
		return err
	}
	sum, err := payloadHash(r, body)
	if err != nil {
		return err
	}
	want, err := v.signature(r, claim, sum, int64(len(body)))
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(claim.signature)) != 1 {
		return mismatch()
	}
	return nil
}

// admit checks all of a claim but its signature.
func (v *Verifier) admit(c claim) error {
	switch {
	case c.service != v.Service:
		return invalidSignature("Credential should be scoped to correct service: '%s'.", v.Service)
	case c.date != c.at.Format(timeFormat[:8]):
		return invalidSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			clip(c.date), c.at.Format(timeFormat[:8]), c.at.Format(timeFormat))
	}
	if _, known := v.Keys[c.key]; !known {
		return unknownKey()
	}
	now := v.Clock.Now().UTC()
	switch early, late := now.Add(-MaxSkew), now.Add(MaxSkew); {
	case c.at.Before(early):
		return invalidSignature("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			c.at.Format(timeFormat), early.Format(timeFormat), now.Format(timeFormat))
	case c.at.After(late):
		return invalidSignature("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			c.at.Format(timeFormat), late.Format(timeFormat), now.Format(timeFormat))
	}
	return nil
}

// payloadHash gives the hash that the client has signed, if it is the body's.
func payloadHash(r *http.Request, body []byte) (string, error) {
	said := r.Header.Values(hashHeader)
	if len(said) == 1 && said[0] == unsignedSum {
		return unsignedSum, nil // the client chose, and signed, not to sign the body
	}
	sum := sha256.Sum256(body)
	got := hex.EncodeToString(sum[:])
	if len(said) > 0 && (len(said) > 1 || said[0] != got) {
		e := mismatch()
		e.Detail = "x-amz-content-sha256 is not the hash of the body as it arrived; something changed the body on its way, or the client"
		return "", e
	}
	return got, nil
}

// signature signs a request that has nothing but what the client has signed.
func (v *Verifier) signature(r *http.Request, c claim, payload string, length int64) (string, error) {
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		e := mismatch() // the signer would skip what can't be parsed
		e.Detail = "the query string is malformed"
		return "", e
	}
	bare := &http.Request{
		Method: r.Method,
		Host:   r.Host,
		URL:    &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery},
		Header: make(http.Header, len(c.signed)+2),
	}
	for _, name := range c.signed {
		switch name {
		case "host", "x-amz-date": // the signer adds these
		case "content-length":
			bare.ContentLength = length
		default:
			// A name in lower case is signed whatever it is; with canonical names the
			// signer leaves out User-Agent, which some SDKs sign.
			bare.Header[name] = r.Header.Values(name)
		}
	}
	// A signer of its own for each request: a signer remembers the key of every region
	// it ever saw, and the regions are the client's to invent.
	creds := aws.Credentials{AccessKeyID: c.key, SecretAccessKey: v.Keys[c.key]}
	if err := v4.NewSigner().SignHTTP(r.Context(), creds, bare, payload, v.Service, c.region, c.at); err != nil {
		e := mismatch()
		e.Detail = err.Error()
		return "", e
	}
	_, signature, _ := strings.Cut(bare.Header.Get("Authorization"), "Signature=")
	return signature, nil
}

// claim is what a request says of its signature.
type claim struct {
	key, date, region, service string
	signed                     []string // names of headers, in lower case
	signature                  string
	at                         time.Time
}

// parse reads the Authorization and X-Amz-Date headers.
func parse(r *http.Request) (claim, error) {
	all := r.Header.Values("Authorization")
	if len(all) == 0 || strings.TrimSpace(all[0]) == "" {
		return claim{}, missing(r)
	}
	if len(all) > 1 {
		return claim{}, incomplete("There is more than one Authorization header.")
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(all[0]), algorithm)
	if !ok || rest != "" && rest[0] != ' ' {
		return claim{}, incomplete("Unsupported algorithm in Authorization header; it must be '%s'.", algorithm)
	}
	parts, err := parameters(rest)
	if err != nil {
		return claim{}, err
	}
	c := claim{signature: parts["Signature"], signed: strings.Split(parts["SignedHeaders"], ";")}
	if c.at, err = signingTime(r); err != nil {
		return claim{}, err
	}
	if !slices.Contains(c.signed, "host") {
		return claim{}, invalidSignature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if !slices.Contains(c.signed, "x-amz-date") {
		return claim{}, incomplete("'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.")
	}
	err = c.scope(parts["Credential"])
	return c, err
}

// parameters reads "Credential=…, SignedHeaders=…, Signature=…".
func parameters(s string) (map[string]string, error) {
	got := make(map[string]string, 3)
	for _, pair := range strings.Split(s, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok {
			return nil, incomplete("Authorization header has a part that is not a key=value pair (missing equal-sign).")
		}
		if _, twice := got[name]; twice {
			return nil, incomplete("Authorization header has parameter '%s' more than once.", clip(name))
		}
		got[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if got[name] == "" {
			return nil, incomplete("Authorization header requires '%s' parameter.", name)
		}
	}
	return got, nil
}

func signingTime(r *http.Request) (time.Time, error) {
	dates := r.Header.Values(dateHeader)
	if len(dates) != 1 {
		return time.Time{}, incomplete("Authorization header requires existence of one 'X-Amz-Date' header.")
	}
	at, err := time.Parse(timeFormat, dates[0])
	if err != nil {
		return time.Time{}, incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", clip(dates[0]))
	}
	return at, nil
}

// scope reads keyid/date/region/service/aws4_request.
func (c *claim) scope(credential string) error {
	f := strings.Split(credential, "/")
	if len(f) != 5 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", clip(credential))
	}
	if f[4] != terminator {
		return invalidSignature("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, clip(f[4]))
	}
	c.key, c.date, c.region, c.service = f[0], f[1], f[2], f[3]
	return nil
}
