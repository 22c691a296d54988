package restjson

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// Options are what an API does its own way. Invalid and Internal are required.
type Options struct {
	// Invalid makes the API's error for bad input.
	Invalid func(message string) *Error
	// Internal makes the API's error for anything unlisted. Its message must not
	// tell the cause.
	Internal func(cause error) *Error
	// Translate turns what handlers return into modelled errors; if it returns nil,
	// Internal does. It is not asked about errors that are or wrap an *Error.
	Translate func(error) *Error
	// Before, if not nil, runs when the body was read and before it is decoded: it
	// checks who is asking. The handler gets the context it returns, which is the
	// request's, with what the handler has to know of the caller. It must not keep body.
	Before func(r *http.Request, op string, body []byte) (context.Context, error)
	// Fault, if not nil, is asked first of all; what it returns is the answer.
	Fault func(op string, r *http.Request) *Error
	// Limit, if not nil, is asked next, before anything is read: how long a call that is
	// one too many has to wait, 0 if it isn't. TooMany, required then, makes the API's error.
	Limit   func(op string) time.Duration
	TooMany func(op, message string) *Error
}

// API is a table of operations.
type API struct {
	o   Options
	ops []operation
}

// Operation describes one operation of an API.
type Operation struct {
	Name, Method, Path string
	// In and Out are struct types.
	In, Out reflect.Type
}

type operation struct {
	Operation
	serve http.HandlerFunc
}

// New makes an API without operations.
func New(o Options) *API { return &API{o: o} }

// Handle adds an operation. The path is a pattern of [http.ServeMux] without method,
// e.g. "/contacts/{InstanceId}/{ContactId}". A nil *Out is answered as {}. It panics
// if In is not as the package says.
func Handle[In, Out any](a *API, op, method, path string, h func(context.Context, *In) (*Out, error)) {
	o := Operation{Name: op, Method: method, Path: path, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out]()}
	p := compile(o)
	call := func(ctx context.Context, r *http.Request, body []byte) (any, error) {
		in := new(In)
		if problem := p.decode(reflect.ValueOf(in), r, body); problem != "" {
			return nil, a.o.Invalid(problem)
		}
		out, err := h(ctx, in)
		if err != nil || out == nil {
			return struct{}{}, err
		}
		return out, nil
	}
	a.ops = append(a.ops, operation{o, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, op, call) }})
}

// Operations lists the operations in the order in which they were added.
func (a *API) Operations() []Operation {
	all := make([]Operation, len(a.ops))
	for i, op := range a.ops {
		all[i] = op.Operation
	}
	return all
}

// buffers are for the bodies of requests and responses.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxKept is the size of a buffer that is kept for other requests, in bytes.
const maxKept = 4 * MaxBody

func giveBack(b *bytes.Buffer) {
	if b.Cap() <= maxKept {
		buffers.Put(b)
	}
}

// caller decodes the input of a request from it and its body, and runs the handler.
type caller func(ctx context.Context, r *http.Request, body []byte) (any, error)

// serve answers one request.
func (a *API) serve(w http.ResponseWriter, r *http.Request, op string, call caller) {
	if x := exchangeOf(r.Context()); x != nil {
		x.op, x.internal = op, a.o.Internal
	}
	if a.o.Fault != nil {
		if e := a.o.Fault(op, r); e != nil {
			WriteError(w, r, e)
			return
		}
	}
	if a.o.Limit != nil {
		if wait := a.o.Limit(op); wait > 0 {
			e := a.o.TooMany(op, "Rate exceeded: too many calls of "+op+"; try again later")
			e.RetryAfter = wait
			WriteError(w, r, e)
			return
		}
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer giveBack(buf)
	buf.Reset()
	out, err := a.run(w, r, op, buf, call)
	if err == nil {
		buf.Reset()
		err = json.MarshalWrite(buf, out)
	}
	if err != nil {
		WriteError(w, r, a.modelled(err))
		return
	}
	writeJSON(w, http.StatusOK, buf.Bytes())
}

func (a *API) run(w http.ResponseWriter, r *http.Request, op string, buf *bytes.Buffer, call caller) (any, error) {
	if err := readBody(w, r, buf); err != nil {
		return nil, err
	}
	ctx := r.Context()
	if a.o.Before != nil {
		var err error
		if ctx, err = a.o.Before(r, op, buf.Bytes()); err != nil {
			return nil, err
		}
	}
	return call(ctx, r, buf.Bytes())
}

var jsonType = []string{"application/json"}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // nobody is left to be told
}
