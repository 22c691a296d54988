// Package restjsontest holds the operations of an API against an official SDK, and
// makes the bad inputs that an API has to refuse.
package restjsontest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/restjson"
)

// Wire is the HTTP client of an SDK client that talks to nobody: it keeps the request
// and answers as told, or with an error.
type Wire struct {
	Request *http.Request
	Body    []byte
	Answer  []byte
	// Error, if not nil, is the answer.
	Error *restjson.Error
}

var errNobody = errors.New("restjsontest: nobody is there")

// Do implements the SDK's HTTPClient.
func (w *Wire) Do(r *http.Request) (*http.Response, error) {
	w.Request, w.Body = r, nil
	if r.Body != nil {
		w.Body, _ = io.ReadAll(r.Body)
	}
	if w.Error != nil {
		rec := httptest.NewRecorder()
		restjson.WriteError(rec, r, w.Error)
		return rec.Result(), nil
	}
	if w.Answer == nil {
		return nil, errNobody
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(string(w.Answer))), Request: r,
	}, nil
}

// Parity compares an API with an official SDK's client.
type Parity struct {
	// Client is a pointer to the SDK's client. Its HTTPClient is Wire, and it must not
	// retry.
	Client any
	Wire   *Wire
	// Except names what differs on purpose, and why: "SendMessage.In.Content",
	// "GetTranscript.Out.Transcript.Id", "SendMessage.In.Content required". What is not
	// needed is an error.
	Except map[string]string
	// Unions has a pointer to a member of each union of the SDK's inputs: they are filled
	// with that.
	Unions []any

	used map[string]bool
}

// Check holds every operation against the SDK's: the same members of the same kinds
// in inputs and outputs, the same ones required; what the SDK sends is routed to the
// operation and fits its input; what the operation can answer fits the SDK's output.
func (p *Parity) Check(t *testing.T, api *restjson.API) {
	p.used = make(map[string]bool)
	mux := http.NewServeMux()
	api.Register(mux)
	for _, op := range api.Operations() {
		method := reflect.ValueOf(p.Client).MethodByName(op.Name)
		if !method.IsValid() {
			t.Errorf("the SDK has no operation %s", op.Name)
			continue
		}
		in, out := method.Type().In(1).Elem(), method.Type().Out(0).Elem()
		p.members(t, op.Name+".In", op.In, in)
		p.members(t, op.Name+".Out", op.Out, out)
		p.required(t, op, method, in)
		p.request(t, op, method, in, mux)
		p.answer(t, op, method, in)
	}
	for key := range p.Except {
		if !p.used[key] {
			t.Errorf("the exception %q is not needed", key)
		}
	}
}

// except reports whether a difference is meant.
func (p *Parity) except(key string) bool {
	_, ok := p.Except[key]
	p.used[key] = p.used[key] || ok
	return ok
}

// members compares two structs, and what is in them.
func (p *Parity) members(t *testing.T, path string, ours, theirs reflect.Type) {
	mine := fieldsOf(ours)
	for name, f := range fieldsOf(theirs) {
		at := path + "." + name
		m, ok := mine[name]
		delete(mine, name)
		switch {
		case p.except(at):
		case !ok:
			t.Errorf("%s is missing", at)
		default:
			p.kind(t, at, m.Type, f.Type)
		}
	}
	for name := range mine {
		if !p.except(path + "." + name) {
			t.Errorf("%s.%s is unknown to the SDK", path, name)
		}
	}
}

func (p *Parity) kind(t *testing.T, at string, ours, theirs reflect.Type) {
	ours, theirs = deref(ours), deref(theirs)
	mine, want := kindOf(ours), kindOf(theirs)
	switch {
	case want == "any":
	case want == "time" && (mine == "number" || mine == "string" || mine == "struct"):
	case mine != want:
		t.Errorf("%s is a %v (%s), the SDK's is a %v (%s)", at, ours, mine, theirs, want)
	case want == "struct" && strings.Count(at, ".") < 12: // types that contain themselves end somewhere
		p.members(t, at, ours, theirs)
	case want == "list" || want == "map":
		p.kind(t, at, ours.Elem(), theirs.Elem())
	}
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// kindOf classifies a type as JSON does.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list"
	case reflect.Map:
		return "map"
	case reflect.Struct:
		if t.PkgPath() == "time" {
			return "time"
		}
		return "struct"
	}
	return "any"
}

// fieldsOf lists the members of a struct by their names on the wire. A member that is
// not in the body has its own name.
func fieldsOf(t reflect.Type) map[string]reflect.StructField {
	all := make(map[string]reflect.StructField)
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			name = f.Name
		}
		all[name] = f
	}
	return all
}

// required compares which members must be there. The SDK knows it as code only, so an
// empty input is sent, and one with empty structs in it.
func (p *Parity) required(t *testing.T, op restjson.Operation, method reflect.Value, in reflect.Type) {
	theirs := missing(method, reflect.New(in))
	nested := reflect.New(in)
	for i := range in.NumField() {
		f := nested.Elem().Field(i)
		if f.CanSet() && f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct {
			f.Set(reflect.New(f.Type().Elem()))
		}
	}
	theirs = append(theirs, missing(method, nested)...)
	for name, f := range fieldsOf(op.In) {
		p.compareRequired(t, op.Name+".In."+name, f, slices.Contains(theirs, name))
		if deref(f.Type).Kind() != reflect.Struct {
			continue
		}
		for inner, g := range fieldsOf(deref(f.Type)) {
			p.compareRequired(t, op.Name+".In."+name+"."+inner, g, slices.Contains(theirs, name+"."+inner))
		}
	}
}

func (p *Parity) compareRequired(t *testing.T, at string, f reflect.StructField, theirs bool) {
	if ours := f.Tag.Get("required") == "true"; ours != theirs && !p.except(at+" required") {
		t.Errorf("%s: required is %v, the SDK's %v", at, ours, theirs)
	}
}

// missing calls an operation and lists what the SDK says is missing.
func missing(method, in reflect.Value) (names []string) {
	_, err := call(method, in)
	var bad smithy.InvalidParamsError
	if !errors.As(err, &bad) {
		return nil
	}
	for _, e := range bad.Errs() {
		var required *smithy.ParamRequiredError
		if errors.As(e, &required) {
			_, name, _ := strings.Cut(required.Field(), ".") // without the input's name
			names = append(names, name)
		}
	}
	return names
}

func call(method, in reflect.Value) (reflect.Value, error) {
	out := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
	err, _ := out[1].Interface().(error)
	return out[0], err
}

// request has the SDK send an input with all its members.
func (p *Parity) request(t *testing.T, op restjson.Operation, method reflect.Value, in reflect.Type, mux *http.ServeMux) {
	full := reflect.New(in)
	p.fill(full.Elem(), 0)
	p.Wire.Request, p.Wire.Answer = nil, nil
	if _, err := call(method, full); p.Wire.Request == nil {
		t.Errorf("%s: the SDK sent nothing: %v", op.Name, err)
		return
	}
	r := p.Wire.Request
	if _, pattern := mux.Handler(r); pattern != op.Method+" "+op.Path {
		t.Errorf("%s: the SDK sends %s %s, which is routed to %q", op.Name, r.Method, r.URL.EscapedPath(), pattern)
	}
	for name, f := range fieldsOf(op.In) {
		if key, ok := f.Tag.Lookup("header"); ok && r.Header.Get(key) == "" {
			t.Errorf("%s: the SDK doesn't send %s in the header %s", op.Name, name, key)
		}
		if key, ok := f.Tag.Lookup("query"); ok && r.URL.Query().Get(key) == "" {
			t.Errorf("%s: the SDK doesn't send %s in the query parameter %s", op.Name, name, key)
		}
	}
	if len(p.Wire.Body) == 0 {
		return
	}
	if err := json.Unmarshal(p.Wire.Body, reflect.New(op.In).Interface()); err != nil {
		t.Errorf("%s: what the SDK sends doesn't fit the input: %v", op.Name, err)
	}
}

// answer has the SDK read an output with all its members.
func (p *Parity) answer(t *testing.T, op restjson.Operation, method reflect.Value, in reflect.Type) {
	out := reflect.New(op.Out)
	p.fill(out.Elem(), 0)
	body, err := json.Marshal(out.Interface())
	if err != nil {
		t.Errorf("%s: %v", op.Name, err)
		return
	}
	full := reflect.New(in)
	p.fill(full.Elem(), 0)
	p.Wire.Answer = body
	got, err := call(method, full)
	p.Wire.Answer = nil
	if err != nil {
		t.Errorf("%s: the SDK doesn't take our answer: %v", op.Name, err)
		return
	}
	for name, f := range fieldsOf(got.Type().Elem()) {
		if !p.except(op.Name+".Out."+name) && got.Elem().FieldByIndex(f.Index).IsZero() {
			t.Errorf("%s.Out.%s: the SDK found nothing in %s", op.Name, name, body)
		}
	}
}

// Models reports whether an error is among those that the SDK models for an operation:
// whether its callers get it as a type of its own.
func (p *Parity) Models(t *testing.T, op string, e *restjson.Error) bool {
	t.Helper()
	method := reflect.ValueOf(p.Client).MethodByName(op)
	if !method.IsValid() {
		t.Fatalf("the SDK has no operation %s", op)
	}
	in := reflect.New(method.Type().In(1).Elem())
	p.fill(in.Elem(), 0)
	p.Wire.Error = e
	_, err := call(method, in)
	p.Wire.Error = nil
	var answer smithy.APIError
	if !errors.As(err, &answer) || answer.ErrorCode() != e.Code {
		t.Fatalf("%s: the SDK makes %v of %s", op, err, e.Code)
	}
	_, generic := answer.(*smithy.GenericAPIError)
	return !generic
}

// maxFill bounds how deep structs are filled.
const maxFill = 5

// fill sets every member of a struct to something.
func (p *Parity) fill(v reflect.Value, depth int) {
	if depth > maxFill || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		p.fill(v.Elem(), depth)
	case reflect.Interface:
		for _, u := range p.Unions {
			if t := reflect.TypeOf(u); t.Implements(v.Type()) {
				member := reflect.New(t.Elem())
				p.fill(member.Elem(), depth)
				v.Set(member)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "ResultMetadata" {
				p.fill(v.Field(i), depth+1)
			}
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(7.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		p.fill(v.Index(0), depth)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		p.fill(value, depth)
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString("k")
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	}
}
