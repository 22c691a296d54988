package restjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decode fills and checks an input, which is a pointer to a new In. It returns what
// is wrong with it, as a sentence for the caller; "" means nothing.
func (p *plan) decode(in reflect.Value, r *http.Request, body []byte) string {
	if p.inBody && len(body) > 0 {
		if err := json.Unmarshal(body, in.Convert(p.body).Interface()); err != nil {
			return malformed(err)
		}
		if jsontext.Value(body).Kind() != '{' { // null, which JSON takes for anything
			return "The request body must be a JSON object"
		}
	}
	v := in.Elem()
	bad := p.bind(v, r)
	if bytes.Contains(body, []byte(`\u0000`)) {
		bad = append(bad, findNUL(v, p.members)...)
	}
	if p.inBody && bytes.Contains(body, []byte("null")) {
		bad = append(bad, p.findNull(body)...)
	}
	if len(bad) == 0 {
		bad = checkMembers(v, p.members)
	}
	if len(bad) > 0 {
		return sentence(bad)
	}
	return ""
}

// malformed says why a body could not be decoded.
func malformed(err error) string {
	var meaning *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax) && errors.Is(syntax, jsontext.ErrDuplicateName):
		return sentence([]violation{{memberPath(syntax.JSONPointer), "", "Member must be given once"}})
	case errors.As(err, &syntax) && errors.Is(syntax, io.ErrUnexpectedEOF):
		return "The request body is not valid JSON: it ends too early"
	case errors.As(err, &syntax):
		return fmt.Sprintf("The request body is not valid JSON: %v, at byte %d", syntax.Err, syntax.ByteOffset)
	case errors.As(err, &meaning) && meaning.JSONPointer == "":
		return "The request body must be a JSON object"
	case errors.As(err, &meaning):
		return sentence([]violation{{memberPath(meaning.JSONPointer), "", "Member must be " + kindOf(meaning.GoType)}})
	}
	return "The request body is not valid JSON"
}

// memberPath writes a JSON pointer as AWS does: /StartPosition/Id is startPosition.id.
// What is deep in a body that nobody asked for is cut, like any text of the caller's.
func memberPath(p jsontext.Pointer) string {
	var path []string
	for tok := range p.Tokens() {
		if n, err := strconv.Atoi(tok); err == nil && len(path) > 0 {
			path = append(path, strconv.Itoa(n+1), "member")
			continue
		}
		path = append(path, lowerCamel(tok))
	}
	return cut(strings.Join(path, "."))
}

func kindOf(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "of another type"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number of at most " + strconv.Itoa(t.Bits()) + " bits"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

// bind takes the members that are not in the body.
func (p *plan) bind(v reflect.Value, r *http.Request) (bad []violation) {
	var query url.Values
	for _, b := range p.binds {
		var values []string
		switch b.from {
		case "header":
			values = r.Header.Values(b.key)
		case "path":
			values = []string{r.PathValue(b.key)}
		case "query":
			if query == nil {
				query = r.URL.Query()
			}
			values = query[b.key]
		}
		if len(values) == 0 {
			continue
		}
		if problem := b.set(v.Field(b.index), values); problem != "" {
			bad = append(bad, violation{b.name, "", "Member must be " + problem})
		}
	}
	return bad
}

// set stores what came for a member, or says what it must be.
func (b *binding) set(field reflect.Value, values []string) string {
	for _, s := range values {
		if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
			return "valid UTF-8 without U+0000"
		}
	}
	if field.Kind() == reflect.Slice {
		field.Set(reflect.ValueOf(values).Convert(field.Type()))
		return ""
	}
	p := reflect.New(field.Type().Elem())
	var err error
	switch e := p.Elem(); e.Kind() {
	case reflect.String:
		e.SetString(values[0])
	case reflect.Bool:
		var x bool
		x, err = strconv.ParseBool(values[0])
		e.SetBool(x)
	default:
		var n int64
		n, err = strconv.ParseInt(values[0], 10, e.Type().Bits())
		e.SetInt(n)
	}
	if err != nil {
		return kindOf(field.Type())
	}
	field.Set(p)
	return ""
}

// findNUL finds the members with U+0000 in a text: no store takes it. It is called
// for the rare body that has an escape like that somewhere.
func findNUL(v reflect.Value, members []member) (bad []violation) {
	for i := range members {
		m := &members[i]
		f := v.Field(m.index)
		switch {
		case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct && !f.IsNil():
			for _, inner := range findNUL(f.Elem(), m.members) {
				inner.path = join(m.name, inner.path)
				bad = append(bad, inner)
			}
		case hasNUL(f):
			bad = append(bad, violation{m.name, "", "Member must not contain the character U+0000"})
		}
	}
	return bad
}

func hasNUL(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && hasNUL(v.Elem())
	case reflect.String:
		return strings.Contains(v.String(), "\x00")
	case reflect.Struct:
		for i := range v.NumField() {
			if hasNUL(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if hasNUL(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if hasNUL(it.Key()) || hasNUL(it.Value()) {
				return true
			}
		}
	}
	return false
}
