package config

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// Sources gives the settings that flags leave open: from the environment, else from
// the configuration file. It is a [kong.Resolver] for a command line that embeds
// [Settings], and remembers where each value came from.
type Sources struct {
	// Environ is the environment, as "NAME=value"; os.Environ() if nil.
	Environ []string

	origin map[string]string
	env    map[string]string
	file   map[string]any
	center map[string]*yaml.Node
	loaded bool
}

// Env is the environment variable of a setting.
func Env(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Origin says where a setting's value came from; a flag or the default if unknown.
func (s *Sources) Origin(name string) string { return s.origin[name] }

// Center gives the sections of the configuration file that are no settings but what the
// contact center consists of; see [Settings.Center].
func (s *Sources) Center() map[string]*yaml.Node { return s.center }

// Validate implements [kong.Resolver].
func (s *Sources) Validate(*kong.Application) error { return nil }

// Resolve implements [kong.Resolver].
func (s *Sources) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !slices.Contains(Names(), flag.Name) {
		return nil, nil
	}
	if !s.loaded {
		s.loaded, s.origin = true, make(map[string]string)
		if err := s.readEnv(); err != nil {
			return nil, err
		}
		if err := s.load(ctx); err != nil {
			return nil, err
		}
	}
	if v, ok := s.env[Env(flag.Name)]; ok {
		s.origin[flag.Name] = "environment " + Env(flag.Name)
		return v, nil
	}
	if v, ok := s.file[flag.Name]; ok {
		s.origin[flag.Name] = "configuration file"
		return v, nil
	}
	return nil, nil
}

// envPrefix begins the names of all our variables; those that begin with ignored are
// for tests of Parley itself.
const envPrefix, ignored = "PARLEY_", "PARLEY_TEST_"

// readEnv takes the variables that are ours, and refuses those that mean nothing.
func (s *Sources) readEnv() error {
	environ := s.Environ
	if environ == nil {
		environ = os.Environ()
	}
	s.env = make(map[string]string)
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, envPrefix) && !strings.HasPrefix(name, ignored) && name != InheritedListener {
			s.env[name] = value
		}
	}
	var known []string
	for _, n := range Names() {
		known = append(known, Env(n))
	}
	for name := range s.env {
		if !slices.Contains(known, name) {
			return &Error{fmt.Sprintf("the environment variable %s means nothing; unset it, or use one of %s", name, strings.Join(known, ", "))}
		}
	}
	return nil
}

// load reads the configuration file, if there is one.
func (s *Sources) load(ctx *kong.Context) error {
	path := s.env[Env("config")]
	for _, f := range ctx.Flags() {
		if given, _ := ctx.FlagValue(f).(string); f.Name == "config" && given != "" {
			path = given
		}
	}
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return &Error{fmt.Sprintf("the configuration file can't be read: %v", err)}
	}
	defer f.Close()
	if s.file, s.center, err = Parse(f); err != nil {
		return &Error{fmt.Sprintf("%s: %v", path, err)}
	}
	return nil
}

// sections are the keys of a configuration file that are no settings: what the contact
// center consists of. Package center reads them.
var sections = []string{"users", "queues", "flows", "views", "identity-providers"}

// Parse reads a configuration file: the settings in it, and its sections. Keys that mean
// nothing are refused.
func Parse(r io.Reader) (settings map[string]any, center map[string]*yaml.Node, err error) {
	var file, more yaml.Node
	dec := yaml.NewDecoder(r)
	if err := dec.Decode(&file); err != nil && err != io.EOF {
		return nil, nil, notYAML(err)
	}
	if err := dec.Decode(&more); err == nil {
		return nil, nil, fmt.Errorf("line %d: there is a second document after ---; put everything into one", more.Line)
	}
	settings, center = make(map[string]any), make(map[string]*yaml.Node)
	if file.IsZero() {
		return settings, center, nil
	}
	top := file.Content[0]
	if top.Kind == yaml.ScalarNode && top.Value == "" {
		return settings, center, nil
	}
	if top.Kind != yaml.MappingNode {
		return nil, nil, fmt.Errorf("line %d: must have keys, like listen: 127.0.0.1:8080", top.Line)
	}
	seen := make(map[string]bool)
	for i := 0; i < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		name := key.Value
		if seen[name] {
			return nil, nil, fmt.Errorf("line %d: has the key %q a second time", key.Line, name)
		}
		seen[name] = true
		switch {
		case slices.Contains(sections, name):
			center[name] = value
		case name == "config" || !slices.Contains(Names(), name):
			return nil, nil, fmt.Errorf("line %d: has the unknown key %q; the keys are %s", key.Line, name,
				strings.Join(append(Names()[1:len(Names()):len(Names())], sections...), ", "))
		default:
			if settings[name], err = plain(name, value); err != nil {
				return nil, nil, err
			}
		}
	}
	return settings, center, nil
}

func notYAML(err error) error {
	return fmt.Errorf("is not valid YAML: %s", strings.Join(strings.Fields(err.Error()), " "))
}

// plain is the value of a setting: a text, or a list of them.
func plain(name string, n *yaml.Node) (any, error) {
	var value any
	if err := n.Decode(&value); err != nil {
		return nil, notYAML(err)
	}
	switch v := value.(type) {
	case map[string]any, nil:
		return nil, fmt.Errorf("line %d: key %q must have a plain value or a list", n.Line, name)
	case []any:
		for i := range v {
			v[i] = fmt.Sprint(v[i])
		}
		return v, nil
	default:
		return fmt.Sprint(v), nil
	}
}

// Error is a mistake in the settings, as a sentence.
type Error struct{ Sentence string }

// Error gives the sentence.
func (e *Error) Error() string { return e.Sentence }

// Names lists the settings in the order of the struct; "config" is the first. The list
// must not be changed.
func Names() []string { return names() }

// names reads the struct once: every flag is looked up in the list. It names them as kong
// does, whose model takes much longer to make.
var names = sync.OnceValue(func() (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		if f.Tag.Get("kong") != "-" {
			names = append(names, cmp.Or(f.Tag.Get("name"), dashed(f.Name)))
		}
	}
	return names
})

// dashed makes "log-level" of "LogLevel".
func dashed(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// secret settings are not shown.
var secret = []string{"access-keys", "token-keys"}

// Describe yields each setting with its value, secrets hidden.
func Describe(s Settings, each func(name, value string)) {
	for _, f := range model(&s).Flags {
		if f.Name == "help" {
			continue
		}
		value := fmt.Sprint(f.Target.Interface())
		if slices.Contains(secret, f.Name) && f.Target.Len() > 0 {
			value = fmt.Sprintf("(%d, hidden)", f.Target.Len())
		}
		switch f.Name {
		case "bus":
			value = withoutPasswords(&s)
		case "store":
			value = withoutPassword(s.Store)
		case "scanner", "blobs", "public-url":
			value = withoutPassword(value)
		}
		each(f.Name, value)
	}
}

func model(s *Settings) *kong.Application {
	k, err := kong.New(s)
	if err != nil {
		panic(err) // a struct tag of Settings is wrong
	}
	return k.Model
}
