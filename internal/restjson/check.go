package restjson

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// violation is a constraint that a value breaks.
type violation struct {
	path, value, constraint string
}

// maxViolations is how many violations an answer names: an answer must not grow with
// what a bad request has in it. The checks stop soon after so many.
const maxViolations = 10

// enough reports whether there is nothing to gain from looking for more: the one that
// is not named tells that there are more.
func enough(all []violation) bool { return len(all) > maxViolations }

// sentence says in AWS's words what is wrong with an input (semantics.md 3.1).
func sentence(all []violation) string {
	more := enough(all)
	all = all[:min(len(all), maxViolations)]
	var b strings.Builder
	noun := "errors"
	if len(all) == 1 {
		noun = "error"
	}
	fmt.Fprintf(&b, "%d validation %s detected: ", len(all), noun)
	for i, v := range all {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString("Value ")
		if v.value != "" {
			b.WriteString(v.value + " ")
		}
		b.WriteString("at '" + v.path + "' failed to satisfy constraint: " + v.constraint)
	}
	if more {
		b.WriteString("; and there are more")
	}
	return b.String()
}

// checkMembers finds what a struct breaks.
func checkMembers(v reflect.Value, members []member) (all []violation) {
	for i := range members {
		m := &members[i]
		for _, bad := range m.check(v.Field(m.index)) {
			bad.path = join(m.name, bad.path)
			all = append(all, bad)
		}
		if enough(all) {
			break
		}
	}
	return all
}

func join(name, path string) string {
	if path == "" {
		return name
	}
	return name + "." + path
}

// check finds what a value breaks; paths are relative to it.
func (r *rule) check(v reflect.Value) []violation {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if v.IsNil() {
			if r.required {
				return []violation{{"", "null", "Member must not be null"}}
			}
			return nil
		}
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		return checkMembers(v, r.members)
	case reflect.Slice:
		return append(r.checkLength(v, int64(v.Len())), r.checkItems(v)...)
	case reflect.Map:
		return append(r.checkLength(v, int64(v.Len())), r.checkEntries(v)...)
	case reflect.String:
		return r.checkText(v)
	case reflect.Int, reflect.Int32, reflect.Int64:
		return r.checkNumber(v)
	}
	return nil
}

func (r *rule) broken(v reflect.Value, constraint string) []violation {
	if r.secret {
		return []violation{{"", "", constraint}}
	}
	return []violation{{"", show(v), constraint}}
}

func (r *rule) checkLength(v reflect.Value, n int64) []violation {
	return r.checkBounds(v, "length", n)
}

func (r *rule) checkNumber(v reflect.Value) []violation {
	return r.checkBounds(v, "value", v.Int())
}

func (r *rule) checkBounds(v reflect.Value, what string, n int64) []violation {
	switch {
	case r.min.set && n < r.min.n:
		return r.broken(v, fmt.Sprintf("Member must have %s greater than or equal to %d", what, r.min.n))
	case r.max.set && n > r.max.n:
		return r.broken(v, fmt.Sprintf("Member must have %s less than or equal to %d", what, r.max.n))
	}
	return nil
}

func (r *rule) checkText(v reflect.Value) []violation {
	s := v.String()
	if r.min.set || r.max.set {
		if bad := r.checkLength(v, int64(utf8.RuneCountInString(s))); bad != nil {
			return bad
		}
	}
	switch {
	case r.maxLen.set && int64(len(s)) > r.maxLen.n:
		return r.broken(v, fmt.Sprintf("Member must have length less than or equal to %d bytes", r.maxLen.n))
	case r.enum != nil && !slices.Contains(r.enum, s):
		return r.broken(v, "Member must satisfy enum value set: ["+strings.Join(r.enum, ", ")+"]")
	case r.pattern != nil && !r.pattern.MatchString(s):
		return r.broken(v, "Member must satisfy regular expression pattern: "+r.pattern.String())
	}
	return nil
}

func (r *rule) checkItems(list reflect.Value) (all []violation) {
	for i := range list.Len() {
		for _, bad := range r.item.check(list.Index(i)) {
			if bad.path == "" {
				return r.broken(list, "Member must satisfy constraint: ["+bad.constraint+"]")
			}
			bad.path = strconv.Itoa(i+1) + ".member." + bad.path
			all = append(all, bad)
		}
		if enough(all) {
			break
		}
	}
	return all
}

// checkEntries goes by the order of the keys, so that the same request always gets the
// same answer.
func (r *rule) checkEntries(entries reflect.Value) (all []violation) {
	keys := entries.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		for _, bad := range r.key.check(key) {
			all = append(all, violation{"", bad.value, "Map keys must satisfy constraint: [" + bad.constraint + "]"})
		}
		for _, bad := range r.item.check(entries.MapIndex(key)) {
			bad.path = join(cut(key.String()), bad.path)
			all = append(all, bad)
		}
		if enough(all) {
			break
		}
	}
	return all
}

// maxShown is how much of a value a sentence shows, in bytes.
const maxShown = 100

// show quotes a value for a sentence.
func show(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		return ""
	case reflect.Slice:
		items := make([]string, 0, v.Len())
		for i := range min(v.Len(), maxShown) {
			items = append(items, strings.Trim(show(v.Index(i)), "'"))
		}
		return quoted("[" + strings.Join(items, ", ") + "]")
	case reflect.Pointer:
		return show(v.Elem())
	}
	return quoted(fmt.Sprint(v.Interface()))
}

func quoted(s string) string { return "'" + cut(s) + "'" }

// cut shortens a text to maxShown, between characters.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := maxShown
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}
