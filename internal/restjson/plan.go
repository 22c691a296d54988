package restjson

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// plan is what was worked out of an input type when its operation was added.
type plan struct {
	// body is a pointer to In with other tags: those members that don't belong to
	// the body are hidden from the JSON decoder.
	body    reflect.Type
	binds   []binding
	members []member
	inBody  bool // the body has members at all
}

// binding takes a member from elsewhere than the body.
type binding struct {
	index int
	from  string // header, path or query
	key   string
	name  string // of the member, for sentences
}

// member is a member of a struct and what holds for it.
type member struct {
	index int
	name  string // as in sentences: lower camel case
	json  string // as in the body; empty if it comes from elsewhere
	rule
}

// rule is what holds for a value.
type rule struct {
	required         bool
	secret           bool // never shown
	min, max, maxLen limit
	enum             []string
	pattern          *regexp.Regexp
	key, item        *rule    // of a map, of a list or map
	members          []member // of a struct
}

type limit struct {
	n   int64
	set bool
}

// compile makes the plan of an operation; it panics if In is bad.
func compile(o Operation) *plan {
	if o.In.Kind() != reflect.Struct || o.Out.Kind() != reflect.Struct {
		panic(fmt.Sprintf("restjson: %s: input and output must be structs, not %v and %v", o.Name, o.In, o.Out))
	}
	p := &plan{}
	var fields []reflect.StructField
	for i := range o.In.NumField() {
		f := o.In.Field(i)
		where := o.Name + ": " + f.Name
		p.members = append(p.members, compileMember(where, f))
		b, bound := bindingOf(where, f)
		if bound {
			p.binds = append(p.binds, b)
			p.members[i].secret = b.from == "header"
			p.members[i].json = ""
			f.Tag = `json:"-"`
		} else {
			p.inBody = true
		}
		fields = append(fields, f)
	}
	p.body = reflect.PointerTo(reflect.StructOf(fields))
	checkLabels(o, p.binds)
	return p
}

// bindingOf reads a member's binding, if it is not in the body.
func bindingOf(where string, f reflect.StructField) (binding, bool) {
	for _, from := range []string{"header", "path", "query"} {
		key, ok := f.Tag.Lookup(from)
		if !ok {
			continue
		}
		if !bindable(f.Type) || from != "query" && f.Type.Kind() == reflect.Slice {
			panic(fmt.Sprintf("restjson: %s: a %v can't come from a %s", where, f.Type, from))
		}
		return binding{f.Index[0], from, key, lowerCamel(f.Name)}, true
	}
	if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == "" || name == "-" {
		panic("restjson: " + where + ": needs one of the tags json, header, path and query")
	}
	return binding{}, false
}

// checkLabels holds the labels of the path against the members bound to one.
func checkLabels(o Operation, binds []binding) {
	left := make(map[string]bool)
	for _, b := range binds {
		if b.from == "path" {
			left[b.key] = true
		}
	}
	for _, label := range labels.FindAllString(o.Path, -1) {
		label = strings.Trim(label, "{}")
		if !left[label] {
			panic(fmt.Sprintf("restjson: %s: no member is bound to {%s}", o.Name, label))
		}
		delete(left, label)
	}
	if len(left) > 0 {
		panic(fmt.Sprintf("restjson: %s: %s has no label for %v", o.Name, o.Path, left))
	}
}

func compileMember(where string, f reflect.StructField) member {
	if !f.IsExported() {
		panic("restjson: " + where + ": must be exported")
	}
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" || name == "-" {
		name = f.Name
	}
	r := compileRule(where, f.Type, f.Tag)
	return member{index: f.Index[0], name: lowerCamel(name), json: name, rule: r}
}

func compileRule(where string, t reflect.Type, tag reflect.StructTag) rule {
	r := rule{
		required: tag.Get("required") == "true",
		min:      limitOf(where, tag, "min"), max: limitOf(where, tag, "max"), maxLen: limitOf(where, tag, "maxbytes"),
	}
	each := rule{enum: enumOf(tag), pattern: patternOf(where, tag, "pattern")}
	switch {
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		r.members = compileStruct(where, t.Elem())
	case t.Kind() == reflect.Pointer && scalar(t.Elem()):
		r.enum, r.pattern = each.enum, each.pattern
	case t.Kind() == reflect.Slice:
		r.item = itemRule(where, t.Elem(), tag, each)
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		r.key = &rule{
			min: limitOf(where, tag, "keymin"), max: limitOf(where, tag, "keymax"),
			pattern: patternOf(where, tag, "keypattern"),
		}
		r.item = itemRule(where, t.Elem(), tag, each)
	default:
		panic(fmt.Sprintf("restjson: %s: %v is not a pointer to a scalar or struct, nor a list or map", where, t))
	}
	return r
}

// itemRule is what holds for each item of a list or map.
func itemRule(where string, t reflect.Type, tag reflect.StructTag, each rule) *rule {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Struct:
		each.members = compileStruct(where, t)
	case scalar(t):
		each.min, each.max = limitOf(where, tag, "itemmin"), limitOf(where, tag, "itemmax")
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
		inner := compileRule(where, t, "")
		each.key, each.item = inner.key, inner.item
	default:
		panic(fmt.Sprintf("restjson: %s: a list or map of %v is not supported", where, t))
	}
	return &each
}

func compileStruct(where string, t reflect.Type) []member {
	var all []member
	for i := range t.NumField() {
		f := t.Field(i)
		all = append(all, compileMember(where+"."+f.Name, f))
	}
	return all
}

func scalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64:
		return true
	}
	return false
}

func bindable(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		return t.Elem().Kind() == reflect.String
	}
	return t.Kind() == reflect.Pointer && scalar(t.Elem()) && t.Elem().Kind() != reflect.Float64
}

func limitOf(where string, tag reflect.StructTag, key string) limit {
	s, ok := tag.Lookup(key)
	if !ok {
		return limit{}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("restjson: %s: %s:%q must be a whole number", where, key, s))
	}
	return limit{n, true}
}

func enumOf(tag reflect.StructTag) []string {
	if s := tag.Get("enum"); s != "" {
		return strings.Split(s, "|")
	}
	return nil
}

// patterns are the compiled ones by their texts: most stand at several members.
var patterns sync.Map

func patternOf(where string, tag reflect.StructTag, key string) *regexp.Regexp {
	s, ok := tag.Lookup(key)
	if !ok {
		return nil
	}
	if re, ok := patterns.Load(s); ok {
		return re.(*regexp.Regexp)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		panic(fmt.Sprintf("restjson: %s: %s: %v", where, key, err))
	}
	patterns.Store(s, re)
	return re
}

func lowerCamel(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
