package sigv4

import (
	"fmt"
	"net/http"
	"strings"
)

// The codes of AWS for requests that are not signed as they should be. SDKs know
// them as strings; no API models them.
const (
	MissingAuthenticationToken = "MissingAuthenticationTokenException" // 403
	IncompleteSignature        = "IncompleteSignatureException"        // 400
	UnrecognizedClient         = "UnrecognizedClientException"         // 403
	InvalidSignature           = "InvalidSignatureException"           // 403
)

// Error says why a request was refused, in AWS's words. It never holds a secret, nor
// the signature that would have been right.
type Error struct {
	Code    string
	Status  int // of HTTP
	Message string
	// Detail helps the developer of a client where AWS's words don't.
	Detail string
}

// Error gives the code and the sentence.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func missing(r *http.Request) *Error {
	e := &Error{
		Code: MissingAuthenticationToken, Status: http.StatusForbidden, Message: "Missing Authentication Token",
		Detail: "sign the request with AWS Signature Version 4 in the Authorization header, as every AWS SDK does",
	}
	if r.URL.Query().Has("X-Amz-Signature") {
		e.Detail = "a signature in the query string (a presigned URL) is not supported; sign with the Authorization header"
	}
	return e
}

func incomplete(format string, args ...any) *Error {
	return &Error{Code: IncompleteSignature, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

func unknownKey() *Error {
	return &Error{
		Code: UnrecognizedClient, Status: http.StatusForbidden,
		Message: "The security token included in the request is invalid.",
		Detail:  "the access key id is not one of this server's; look at the client's AWS_ACCESS_KEY_ID",
	}
}

func invalidSignature(format string, args ...any) *Error {
	return &Error{Code: InvalidSignature, Status: http.StatusForbidden, Message: fmt.Sprintf(format, args...)}
}

func mismatch() *Error {
	e := invalidSignature("The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	e.Detail = "the secret access key is another one, or a proxy has changed the path, the Host header or another signed header"
	return e
}

// clip keeps what a client sent from filling or breaking an error.
func clip(s string) string {
	if len(s) > 100 {
		s = s[:100] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
