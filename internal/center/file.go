package center

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The sections as they are written. A line number is kept of each thing, for mistakes.

type fileUser struct {
	ID           string `yaml:"id"`
	Name         string `yaml:"name"`
	Role         Role   `yaml:"role"`
	Password     string `yaml:"password"`
	PasswordHash string `yaml:"password-hash"`
	line         int
}

type fileQueue struct {
	ID           string        `yaml:"id"`
	Name         string        `yaml:"name"`
	Users        []string      `yaml:"users"`
	Routing      string        `yaml:"routing"`
	AcceptWithin time.Duration `yaml:"accept-within"`
	Rounds       int           `yaml:"rounds"`
	line         int
}

type fileFlow struct {
	ID           string     `yaml:"id"`
	Name         string     `yaml:"name"`
	Steps        []fileStep `yaml:"steps"`
	OnDisconnect []fileStep `yaml:"on-disconnect"`
	line         int
}

// fileStep is a step; exactly one of its members is set.
type fileStep struct {
	Say          *fileSay          `yaml:"say"`
	Set          map[string]string `yaml:"set"`
	Queue        string            `yaml:"queue"`
	Wait         *fileWait         `yaml:"wait"`
	View         *fileShow         `yaml:"view"`
	Authenticate *fileLogIn        `yaml:"authenticate"`
	Disconnect   bool              `yaml:"disconnect"`
	keys         []string          // that it was written with
	line         int
}

type fileSay struct {
	Text   string     `yaml:"text"`
	As     string     `yaml:"as"`
	To     string     `yaml:"to"`
	Stream bool       `yaml:"stream"`
	Else   []fileStep `yaml:"else"`
}

type fileWait struct {
	For    string        `yaml:"for"`
	Within time.Duration `yaml:"within"`
	Else   []fileStep    `yaml:"else"`
}

type fileShow struct {
	ID     string        `yaml:"id"`
	Data   yaml.Node     `yaml:"data"`
	Within time.Duration `yaml:"within"`
	Else   []fileStep    `yaml:"else"`
}

type fileLogIn struct {
	Provider string        `yaml:"provider"`
	Within   time.Duration `yaml:"within"`
	Else     []fileStep    `yaml:"else"`
}

type fileView struct {
	ID          string    `yaml:"id"`
	Name        string    `yaml:"name"`
	Version     int       `yaml:"version"`
	Template    yaml.Node `yaml:"template"`
	InputSchema yaml.Node `yaml:"input-schema"`
	Actions     []string  `yaml:"actions"`
	line        int
}

type fileProvider struct {
	ID           string            `yaml:"id"`
	Issuer       string            `yaml:"issuer"`
	ClientID     string            `yaml:"client-id"`
	ClientSecret string            `yaml:"client-secret"`
	Scopes       []string          `yaml:"scopes"`
	NameClaim    string            `yaml:"name-claim"`
	Attributes   map[string]string `yaml:"attributes"`
	line         int
}

// UnmarshalYAML implements [yaml.Unmarshaler], as those of the other types do: no key is
// read over.
func (u *fileUser) UnmarshalYAML(n *yaml.Node) error {
	type plain fileUser
	u.line = n.Line
	return strict(n, "a user", (*plain)(u))
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (q *fileQueue) UnmarshalYAML(n *yaml.Node) error {
	type plain fileQueue
	q.line = n.Line
	return strict(n, "a queue", (*plain)(q))
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (f *fileFlow) UnmarshalYAML(n *yaml.Node) error {
	type plain fileFlow
	f.line = n.Line
	return strict(n, "a flow", (*plain)(f))
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (s *fileStep) UnmarshalYAML(n *yaml.Node) error {
	type plain fileStep
	s.line = n.Line
	for i := 0; i < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		s.keys = append(s.keys, n.Content[i].Value)
	}
	return strict(n, "a step", (*plain)(s))
}

// UnmarshalYAML implements [yaml.Unmarshaler]: a text alone will do.
func (s *fileSay) UnmarshalYAML(n *yaml.Node) error {
	type plain fileSay
	if n.Kind == yaml.ScalarNode {
		s.Text = n.Value
		return nil
	}
	return strict(n, "say", (*plain)(s))
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (w *fileWait) UnmarshalYAML(n *yaml.Node) error {
	type plain fileWait
	return strict(n, "wait", (*plain)(w))
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (s *fileShow) UnmarshalYAML(n *yaml.Node) error {
	type plain fileShow
	return strict(n, "view", (*plain)(s))
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (l *fileLogIn) UnmarshalYAML(n *yaml.Node) error {
	type plain fileLogIn
	return strict(n, "authenticate", (*plain)(l))
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (v *fileView) UnmarshalYAML(n *yaml.Node) error {
	type plain fileView
	v.line = n.Line
	return strict(n, "a view", (*plain)(v))
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (p *fileProvider) UnmarshalYAML(n *yaml.Node) error {
	type plain fileProvider
	p.line = n.Line
	return strict(n, "an identity provider", (*plain)(p))
}

// strict decodes a mapping into a struct, and refuses keys that mean nothing.
func strict(n *yaml.Node, what string, into any) error {
	var known []string
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			known = append(known, key)
		}
	}
	if n.Kind != yaml.MappingNode {
		return mistake(n.Line, "%s must have keys: %s", what, strings.Join(known, ", "))
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains(known, key.Value) {
			return mistake(key.Line, "unknown key %q; the keys of %s are %s", key.Value, what, strings.Join(known, ", "))
		}
	}
	return n.Decode(into)
}

// notDecoded makes a sentence of the first value that is of another type than it must be.
func notDecoded(section string, err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("%s: %w", section, err)
	}
	m := wrongType.FindStringSubmatch(wrong.Errors[0])
	if m == nil {
		return fmt.Errorf("%s: %s", section, strings.Join(strings.Fields(err.Error()), " "))
	}
	got := m[3]
	if got == "" {
		got = cmp.Or(map[string]string{"map": "keys", "seq": "a list"}[m[2]], m[2])
	}
	return fmt.Errorf("%s: %s: there must be %s instead of %s", section, m[1], cmp.Or(typeNames[m[4]], "a list of steps"), got)
}

// wrongType is how package yaml says that a value is of the wrong type: in which line, of
// which type, which one, and which it must be.
var wrongType = regexp.MustCompile("^(line \\d+): cannot unmarshal !!(\\w+)(?: (`.*`))? into (.+)$")

// typeNames are the types of values in the words of who writes them.
var typeNames = map[string]string{
	"time.Duration": "a time like 90s, 5m or 2h", "string": "a text", "int": "a whole number", "bool": "true or false",
	"[]string": "a list of texts", "map[string]string": "keys with texts", "center.Role": "agent or supervisor",
}

// mistake is an error about a line of the configuration file.
func mistake(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{line}, args...)...)
}
