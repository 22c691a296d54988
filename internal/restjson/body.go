package restjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// MaxBody is the size of an operation's request body, in bytes.
const MaxBody = 256 << 10

// readBody reads the body of a request whole.
func readBody(w http.ResponseWriter, r *http.Request, buf *bytes.Buffer) error {
	if r.Body != nil && r.Body != http.NoBody {
		if r.ContentLength > MaxBody {
			return tooLarge()
		}
		body := r.Body // has no more than it says
		if r.ContentLength < 0 {
			body = http.MaxBytesReader(w, body, MaxBody)
		}
		_, err := buf.ReadFrom(body)
		var limit *http.MaxBytesError
		switch {
		case errors.As(err, &limit):
			return tooLarge()
		case err != nil:
			return unread(err)
		}
	}
	return checkType(r, buf.Len())
}

func tooLarge() *Error {
	return &Error{
		Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("The request body is larger than %d bytes; send less", MaxBody),
	}
}

// unread is the answer to a body that broke off. Mostly nobody is there to read it.
func unread(err error) *Error {
	what := "The request body could not be read to its end"
	if errors.Is(err, io.ErrUnexpectedEOF) {
		what = "The request body is shorter than its Content-Length"
	}
	return &Error{Code: "RequestTimeoutException", Status: http.StatusBadRequest, Message: what, Cause: err}
}

// checkType refuses what is not JSON. No Content-Type is taken for JSON, and a
// request without a body may have any.
func checkType(r *http.Request, size int) error {
	ct := r.Header.Get("Content-Type")
	switch ct {
	case "application/json", "", "application/x-amz-json-1.0", "application/x-amz-json-1.1":
		return nil
	}
	if size == 0 && (r.Method == http.MethodGet || r.Method == http.MethodDelete || r.Method == http.MethodHead) {
		return nil
	}
	switch kind, _, _ := mime.ParseMediaType(ct); kind {
	case "application/json", "application/x-amz-json-1.0", "application/x-amz-json-1.1":
		return nil
	}
	return &Error{
		Code: "UnsupportedMediaTypeException", Status: http.StatusUnsupportedMediaType,
		Message: "Content-Type " + quoted(ct) + " is not supported; send application/json",
	}
}
