package config

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

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
	loaded bool
}

// Env is the environment variable of a setting.
func Env(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Origin says where a setting's value came from; a flag or the default if unknown.
func (s *Sources) Origin(name string) string { return s.origin[name] }

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
	s.file, err = parse(f)
	if err != nil {
		return &Error{fmt.Sprintf("%s: %v", path, err)}
	}
	return nil
}

// parse reads a configuration file and refuses keys that mean nothing.
func parse(r io.Reader) (map[string]any, error) {
	var file map[string]any
	if err := yaml.NewDecoder(r).Decode(&file); err != nil && err != io.EOF {
		return nil, fmt.Errorf("is not valid YAML: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	for key, v := range file {
		if key == "config" || !slices.Contains(Names(), key) {
			return nil, fmt.Errorf("has the unknown key %q; the keys are %s", key, strings.Join(Names()[1:], ", "))
		}
		switch v := v.(type) {
		case map[string]any, nil:
			return nil, fmt.Errorf("key %q must have a plain value or a list", key)
		case []any:
			for i := range v {
				v[i] = fmt.Sprint(v[i])
			}
		default:
			file[key] = fmt.Sprint(v)
		}
	}
	return file, nil
}

// Error is a mistake in the settings, as a sentence.
type Error struct{ Sentence string }

// Error gives the sentence.
func (e *Error) Error() string { return e.Sentence }

// Names lists the settings in the order of the struct; "config" is the first. The list
// must not be changed.
func Names() []string { return names() }

// names reads the struct once: every flag is looked up in the list.
var names = sync.OnceValue(func() (names []string) {
	for _, f := range model(&Settings{}).Flags {
		if f.Name != "help" {
			names = append(names, f.Name)
		}
	}
	return names
})

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
