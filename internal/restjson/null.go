package restjson

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// findNull finds null where an item of a list or a value of a map must be. The JSON
// decoder takes it for the zero value, which would be stored as if it had been sent.
// It is called for the rare body that has null in it, after that was decoded.
func (p *plan) findNull(body []byte) []violation {
	top := rule{members: p.members}
	return top.findNull(jsontext.NewDecoder(bytes.NewReader(body)))
}

// findNull reads the value that a rule is for, or as much of it as is needed; paths are
// relative to it.
func (r *rule) findNull(d *jsontext.Decoder) (bad []violation) {
	kind := d.PeekKind()
	if kind != '{' && kind != '[' || r.item == nil && r.members == nil {
		d.SkipValue() // an error would have come to light when the body was decoded
		return nil
	}
	d.ReadToken()
	for n := 1; more(d); n++ {
		within, inner := r.item, strconv.Itoa(n)+".member"
		if kind == '{' {
			name, _ := d.ReadToken()
			within, inner = r.within(name.String())
		}
		switch {
		case within == nil:
			d.SkipValue()
		case within == r.item && d.PeekKind() == 'n':
			d.SkipValue()
			bad = append(bad, violation{inner, "null", "Member must not be null"})
		default:
			for _, v := range within.findNull(d) {
				v.path = join(inner, v.path)
				bad = append(bad, v)
			}
		}
		if enough(bad) {
			return bad
		}
	}
	d.ReadToken()
	return bad
}

// more reports whether the list or object that is being read goes on.
func more(d *jsontext.Decoder) bool {
	switch d.PeekKind() {
	case ']', '}', jsontext.KindInvalid:
		return false
	}
	return true
}

// within gives the rule for what an object has under a name, and what the name is in
// sentences; nil if there is no such member.
func (r *rule) within(name string) (*rule, string) {
	if r.item != nil {
		return r.item, cut(name)
	}
	i := slices.IndexFunc(r.members, func(m member) bool { return m.json == name })
	if i < 0 || name == "" {
		return nil, ""
	}
	return &r.members[i].rule, r.members[i].name
}
