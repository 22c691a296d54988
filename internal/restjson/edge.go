package restjson

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
)

// EdgeOptions are what an installation may choose about the edge.
type EdgeOptions struct {
	// Origins are the web origins whose pages may call, e.g. "https://example.com".
	// None means all of them. Tokens are all that protects a chat in either case.
	Origins []string
}

// exchange is what is known of a request on its way.
type exchange struct {
	id       string
	op       string
	internal func(error) *Error
	err      *Error
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// RequestID names the request that ctx belongs to, as x-amzn-RequestId does; it is
// empty outside of [Edge].
func RequestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.id
	}
	return ""
}

// Edge wraps everything a server answers: it gives every request an id, answers
// preflights and allows pages of other origins to read the answers, turns panics
// into errors, refuses paths that would be redirected, and logs.
func Edge(next http.Handler, log *slog.Logger, opts EdgeOptions) http.Handler {
	return &edge{next: next, log: log, cors: newCORS(opts.Origins)}
}

type edge struct {
	next http.Handler
	log  *slog.Logger
	cors cors
}

func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{id: uuid.NewString(), internal: Internal}
	begin := time.Now()
	rec := &recorder{ResponseWriter: w}
	h := w.Header()
	h["X-Amzn-Requestid"] = []string{x.id}
	e.cors.allow(h, r)
	if r.Method == http.MethodOptions {
		e.cors.preflight(h)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	defer e.report(r, x, rec, begin)
	defer e.recover(rec, r, x)
	if odd(r) {
		NotFound(rec, r)
		return
	}
	e.next.ServeHTTP(rec, r)
}

// Internal is the error of anything that nobody expected, as the Participant Service
// models it. It is sent for requests that no API has taken, too.
func Internal(cause error) *Error {
	return &Error{
		Code: "InternalServerException", Status: http.StatusInternalServerError,
		Message: "The server failed to answer; its log tells why under the request id", Cause: cause,
	}
}

// recover answers a request whose handler panicked.
func (e *edge) recover(w *recorder, r *http.Request, x *exchange) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	failure := x.internal(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
	if w.status != 0 {
		x.err = failure // too late for an answer: the connection is cut instead
		panic(http.ErrAbortHandler)
	}
	WriteError(w, r, failure)
}

// report logs a request once: as an error if the server failed and the client is still
// there. A 503 is no failure: the server says it of its own accord, maybe to many.
func (e *edge) report(r *http.Request, x *exchange, w *recorder, begin time.Time) {
	level := slog.LevelDebug
	gone := errors.Is(r.Context().Err(), context.Canceled)
	if x.err != nil && x.err.Status >= 500 && x.err.Status != http.StatusServiceUnavailable && !gone {
		level = slog.LevelError
	}
	if !e.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", cut(r.URL.Path)), slog.String("op", x.op),
		slog.Int("status", w.status), slog.Int64("us", time.Since(begin).Microseconds()),
		slog.String("request", x.id),
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", x.err.Error()))
		if x.err.Cause != nil {
			attrs = append(attrs, slog.String("cause", x.err.Cause.Error()))
		}
	}
	if gone {
		attrs = append(attrs, slog.Bool("gone", true))
	}
	e.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// recorder remembers the status that was sent; 0 means none yet.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack is for websockets.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}
