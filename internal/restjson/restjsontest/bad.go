package restjsontest

import (
	"maps"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Case is a request body that differs from a good one in one respect.
type Case struct {
	Name, Body string
	// Member is what a refusal must name, as in AWS's sentences; empty if the body is
	// wrong as a whole.
	Member string
}

// Cases makes, from the tags of an input type and a good body, bodies that must be
// refused, and bodies that are just within the limits.
func Cases(in reflect.Type, good string) (bad, fits []Case) {
	c := &cases{}
	if err := json.Unmarshal([]byte(good), &c.good); err != nil {
		panic("restjsontest: the good body: " + err.Error())
	}
	c.members(in, nil)
	c.whole(good)
	return c.bad, c.fit
}

type cases struct {
	good     map[string]any
	bad, fit []Case
}

// raw is JSON as it is.
type raw = jsontext.Value

// with gives the good body with another value at the path; nil takes it away.
func (c *cases) with(path []string, value any) string {
	body := set(c.good, path, value)
	b, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return string(b)
}

func set(obj map[string]any, path []string, value any) map[string]any {
	twin := maps.Clone(obj)
	if twin == nil {
		twin = make(map[string]any)
	}
	if len(path) > 1 {
		inner, _ := obj[path[0]].(map[string]any)
		twin[path[0]] = set(inner, path[1:], value)
		return twin
	}
	if value == nil {
		delete(twin, path[0])
	} else {
		twin[path[0]] = value
	}
	return twin
}

func (c *cases) add(to *[]Case, name string, path []string, value any) {
	*to = append(*to, Case{sentencePath(path) + " " + name, c.with(path, value), sentencePath(path)})
}

func sentencePath(path []string) string {
	var parts []string
	for _, p := range path {
		parts = append(parts, strings.ToLower(p[:1])+p[1:])
	}
	return strings.Join(parts, ".")
}

func (c *cases) members(t reflect.Type, above []string) {
	for name, f := range fieldsOf(t) {
		if json, _, _ := strings.Cut(f.Tag.Get("json"), ","); json != name {
			continue // not in the body
		}
		path := append(append([]string(nil), above...), name)
		if f.Tag.Get("required") == "true" {
			c.add(&c.bad, "absent", path, nil)
			c.add(&c.bad, "null", path, raw("null"))
		} else {
			c.add(&c.fit, "null", path, raw("null"))
		}
		c.types(f, path)
		switch ft := deref(f.Type); ft.Kind() {
		case reflect.String:
			c.text(f, path)
		case reflect.Int, reflect.Int32, reflect.Int64:
			c.number(f, path)
		case reflect.Slice:
			c.list(f, path)
		case reflect.Map:
			c.table(f, path)
		case reflect.Struct:
			if needsNothing(ft) {
				c.add(&c.fit, "empty", path, map[string]any{})
			} else {
				c.add(&c.bad, "empty", path, map[string]any{})
			}
			c.members(ft, path)
		}
	}
}

func needsNothing(t reflect.Type) bool {
	for _, f := range fieldsOf(t) {
		if f.Tag.Get("required") == "true" {
			return false
		}
	}
	return true
}

func otherCase(s string) string {
	if lower := strings.ToLower(s); lower != s {
		return lower
	}
	return strings.ToUpper(s)
}

// types sends every type of JSON but the right one.
func (c *cases) types(f reflect.StructField, path []string) {
	fitting := map[string]string{"string": `"x"`, "bool": "true", "integer": "7", "number": "7", "list": "[]", "map": "{}", "struct": "{}"}
	want := fitting[kindOf(deref(f.Type))]
	for _, value := range []string{`"x"`, "true", "7", "[]", "{}"} {
		if value != want {
			c.add(&c.bad, "wrong type "+value, path, raw(value))
		}
	}
	if kindOf(deref(f.Type)) == "integer" {
		for _, value := range []string{"1.5", "1e30", "99999999999999999999", `"7"`} {
			c.add(&c.bad, "not whole "+value, path, raw(value))
		}
	}
}

func (c *cases) text(f reflect.StructField, path []string) {
	c.add(&c.bad, "NUL", path, "a\x00b")
	if enum := f.Tag.Get("enum"); enum != "" {
		for _, v := range strings.Split(enum, "|") {
			c.add(&c.fit, "enum "+v, path, v)
			c.add(&c.bad, "case of "+v, path, otherCase(v))
		}
		c.add(&c.bad, "not of the enum", path, "NO_SUCH_VALUE")
		c.add(&c.bad, "empty", path, "")
		return
	}
	letter := "ä" // lengths are of characters, not bytes
	if f.Tag.Get("pattern") != "" {
		letter = "x"
	}
	if n, ok := number(f, "min"); ok && n > 0 {
		c.add(&c.bad, "empty", path, "")
		c.add(&c.bad, "too short", path, strings.Repeat(letter, n-1))
		c.add(&c.fit, "shortest", path, strings.Repeat(letter, n))
	}
	if n, ok := number(f, "max"); ok {
		c.add(&c.fit, "longest", path, strings.Repeat(letter, n))
		c.add(&c.bad, "too long", path, strings.Repeat(letter, n+1))
	}
	if n, ok := number(f, "maxbytes"); ok {
		c.add(&c.fit, "most bytes", path, strings.Repeat("x", n))
		c.add(&c.bad, "too many bytes", path, strings.Repeat("x", n+1))
		c.add(&c.bad, "too many bytes of few characters", path, strings.Repeat("ä", n/2+1))
	}
	if f.Tag.Get("pattern") != "" {
		c.add(&c.bad, "against the pattern", path, "\t\u2028 \\")
	}
}

func (c *cases) number(f reflect.StructField, path []string) {
	if n, ok := number(f, "min"); ok {
		c.add(&c.bad, "too small", path, n-1)
		c.add(&c.fit, "smallest", path, n)
	}
	if n, ok := number(f, "max"); ok {
		c.add(&c.fit, "greatest", path, n)
		c.add(&c.bad, "too great", path, n+1)
	}
}

func (c *cases) list(f reflect.StructField, path []string) {
	item := goodItem(f)
	if item == nil {
		return
	}
	of := func(n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = item
		}
		return list
	}
	if n, ok := number(f, "min"); ok && n > 0 {
		c.add(&c.bad, "too few", path, of(n-1))
		c.add(&c.fit, "fewest", path, of(n))
	}
	if n, ok := number(f, "max"); ok {
		c.add(&c.fit, "most", path, of(n))
		c.add(&c.bad, "too many", path, of(n+1))
	}
	c.bad = append(c.bad, Case{sentencePath(path) + " item of another type", c.with(path, []any{7}), sentencePath(path)})
	if f.Tag.Get("enum") != "" {
		c.add(&c.bad, "item not of the enum", path, []any{"NO_SUCH_VALUE"})
	}
	if n, ok := number(f, "itemmin"); ok && n > 0 {
		c.add(&c.bad, "item too short", path, []any{""})
	}
	if n, ok := number(f, "itemmax"); ok {
		c.add(&c.bad, "item too long", path, []any{strings.Repeat("x", n+1)})
	}
}

// goodItem is an item for a list of texts; nil for other lists.
func goodItem(f reflect.StructField) any {
	if f.Type.Elem().Kind() != reflect.String {
		return nil
	}
	if enum := f.Tag.Get("enum"); enum != "" {
		v, _, _ := strings.Cut(enum, "|")
		return v
	}
	n, _ := number(f, "itemmin")
	return strings.Repeat("x", max(n, 1))
}

func (c *cases) table(f reflect.StructField, path []string) {
	if f.Type.Elem().Kind() != reflect.String {
		return
	}
	c.add(&c.bad, "NUL in a key", path, map[string]string{"a\x00": "x"})
	c.add(&c.bad, "entry of another type", path, map[string]any{"a": 7})
	if n, ok := number(f, "keymax"); ok {
		c.add(&c.bad, "key too long", path, map[string]string{strings.Repeat("k", n+1): "x"})
	}
	if n, ok := number(f, "keymin"); ok && n > 0 {
		c.add(&c.bad, "key too short", path, map[string]string{"": "x"})
	}
	if n, ok := number(f, "itemmax"); ok {
		c.add(&c.bad, "entry too long", path, map[string]string{"k": strings.Repeat("x", n+1)})
	}
	if n, ok := number(f, "max"); ok {
		entries := make(map[string]string)
		for i := range n + 1 {
			entries["k"+strconv.Itoa(i)] = "x"
		}
		c.add(&c.bad, "too many entries", path, entries)
	}
}

// whole adds what is wrong with a body as such.
func (c *cases) whole(good string) {
	deep := strings.Repeat("[", 20000)
	for name, body := range map[string]string{
		"null": "null", "a list": "[]", "a text": `"x"`, "no JSON": "x", "two values": good + good,
		"cut off": good[:len(good)-1], "deep": `{"Unknown":` + deep + strings.ReplaceAll(deep, "[", "]") + "}",
		"bad UTF-8": "{\"Unknown\":\"\xff\"}", "trailing comma": good[:len(good)-1] + ",}",
	} {
		c.bad = append(c.bad, Case{Name: name, Body: body})
	}
	for name := range c.good {
		value, _ := json.Marshal(c.good[name])
		c.bad = append(c.bad, Case{
			"twice " + name, good[:len(good)-1] + `,"` + name + `":` + string(value) + "}", sentencePath([]string{name}),
		})
	}
	c.fit = append(c.fit, Case{Name: "unknown member", Body: c.with([]string{"SomethingNew"}, map[string]any{"Deep": []any{1, nil}})})
}

func number(f reflect.StructField, key string) (int, bool) {
	n, err := strconv.Atoi(f.Tag.Get(key))
	return n, err == nil
}
