package restjson

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Error is a modelled error as it goes to the wire.
type Error struct {
	// Code is the exception's short name, e.g. "ValidationException".
	Code string
	// Status is the HTTP status; 429 and 503 come with Retry-After.
	Status int
	// RetryAfter is how much later it makes sense to try again. The header is in whole
	// seconds, rounded up, and at least 1.
	RetryAfter time.Duration
	// Message goes to the body as "Message", as modelled, and as "message", as some
	// SDKs read it (sdk-clients.md 5).
	Message string
	// Detail is a hint for the developer where Message's text is fixed by the real
	// service. It is sent as the header x-parley-detail, and logged.
	Detail string
	// Extra are further modelled members of the body, e.g. Reason or ResourceId.
	Extra map[string]any
	// Cause is logged once and never sent.
	Cause error
}

// Error gives the code and the sentences.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// maxDetail bounds the header x-parley-detail, in bytes.
const maxDetail = 500

// WriteError answers with e: the one form that all SDKs understand (sdk-clients.md
// 5). Handlers outside the operation tables call it themselves. Nothing may have
// been written before.
func WriteError(w http.ResponseWriter, r *http.Request, e *Error) {
	if x := exchangeOf(r.Context()); x != nil {
		x.err = e
	}
	h := w.Header()
	h["X-Amzn-Errortype"] = []string{e.Code}
	if e.Detail != "" {
		h["X-Parley-Detail"] = []string{printable(e.Detail)}
	}
	if e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable {
		h["Retry-After"] = []string{strconv.FormatInt(max(1, int64((e.RetryAfter+time.Second-1)/time.Second)), 10)}
	}
	writeJSON(w, e.Status, e.body())
}

func (e *Error) body() []byte {
	b := []byte(`{"__type":`)
	b = appendText(b, e.Code)
	b = append(b, `,"Message":`...)
	b = appendText(b, e.Message)
	b = append(b, `,"message":`...)
	b = appendText(b, e.Message)
	for _, k := range slices.Sorted(maps.Keys(e.Extra)) {
		v, err := json.Marshal(e.Extra[k])
		if err != nil {
			continue // a member less is better than no answer
		}
		b = append(appendText(append(b, ','), k), ':')
		b = append(b, v...)
	}
	return append(b, '}')
}

// appendText appends s as a JSON string; invalid UTF-8 is replaced.
func appendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // its only error is about what it replaced
	return b
}

// printable makes a text fit for a header.
func printable(s string) string {
	b := []byte(s)
	if len(b) > maxDetail {
		b = b[:maxDetail]
	}
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// modelled turns what a handler returned into what is sent.
func (a *API) modelled(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		if a.o.Translate != nil {
			e = a.o.Translate(err)
		}
		if e == nil {
			e = a.o.Internal(err)
		}
	}
	if e.Status >= 500 && e.Cause == nil && error(e) != err {
		twin := *e
		twin.Cause = err
		e = &twin
	}
	return e
}
