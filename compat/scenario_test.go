package compat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// scenario is what all the files scenario*.yaml have together. scenario.yaml explains it.
type scenario struct {
	People   map[string]person `yaml:"people"`
	Parts    map[string][]step `yaml:"parts"`
	Chapters []chapter         `yaml:"chapters"`
}

// person is somebody in a chat.
type person struct {
	Name string `yaml:"name"`
	Role string `yaml:"role"`
}

// chapter is one chat, or a few that belong together.
type chapter struct {
	Name string `yaml:"chapter"`
	// OneNode is why it can't be played on several nodes; empty if it can.
	OneNode string `yaml:"oneNode"`
	// Contacts says that items may be of other contacts than the chat's first one.
	Contacts bool   `yaml:"contacts"`
	Steps    []step `yaml:"steps"`
}

// step is one call, and what must come of it.
type step struct {
	Name string         `yaml:"step"`
	Play string         `yaml:"play"`
	Who  string         `yaml:"who"`
	Do   string         `yaml:"do"`
	In   map[string]any `yaml:"in"`
	As   string         `yaml:"as"`

	Out        map[string]any   `yaml:"out"`
	Error      *failure         `yaml:"error"`
	Transcript []any            `yaml:"transcript"`
	Everyone   []any            `yaml:"everyone"`
	Sees       map[string][]any `yaml:"sees"`

	NotFor map[string]string `yaml:"notFor"`
	Only   map[string]string `yaml:"only"`
}

func loadScenario(t *testing.T) *scenario {
	files, err := filepath.Glob("scenario*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no scenario", err)
	}
	all := &scenario{People: make(map[string]person), Parts: make(map[string][]step)}
	for _, file := range files { // scenario.yaml is the last one
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dec := yaml.NewDecoder(bytes.NewReader(text))
		dec.KnownFields(true)
		sc := new(scenario)
		if err := dec.Decode(sc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		maps.Copy(all.People, sc.People)
		maps.Copy(all.Parts, sc.Parts)
		all.Chapters = append(all.Chapters, sc.Chapters...)
	}
	return all
}

// excluded reports whether the step is not for this client, and why. A client has
// several names: its own and those of its family.
func (s *step) excluded(names []string) (reason string, excluded bool) {
	for _, name := range names {
		if reason, ok := s.NotFor[name]; ok {
			return reason, true
		}
		if _, ok := s.Only[name]; ok {
			return "", false
		}
	}
	for others, reason := range s.Only {
		return fmt.Sprintf("only for %s: %s", others, reason), true
	}
	return "", false
}

// reference is a use of what an earlier step saved: $hello.Id.
var reference = regexp.MustCompile(`\$(\w+)((?:\.\w+)+)`)

// saved is what steps saved, by name.
type saved map[string]map[string]any

// lookup follows a reference. Elements of lists have numbers, from 0.
func (s saved) lookup(name, path string) (any, error) {
	var at any = s[name]
	for _, key := range strings.Split(path, ".")[1:] {
		switch in := at.(type) {
		case map[string]any:
			at = in[key]
		case []any:
			i, err := strconv.Atoi(key)
			if at = nil; err == nil && i < len(in) {
				at = in[i]
			}
		default:
			at = nil
		}
		if at == nil {
			return nil, fmt.Errorf("$%s%s: there is no %s", name, path, key)
		}
	}
	return at, nil
}

// keep saves an item. What its Content says as JSON can be referred to as its Json.
func (s saved) keep(name string, item map[string]any) {
	var content map[string]any
	if text, _ := item["Content"].(string); json.Unmarshal([]byte(text), &content) == nil {
		item = maps.Clone(item)
		item["Json"] = content
	}
	s[name] = item
}

// fill replaces the references in a value of the scenario.
func (s saved) fill(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		full := make(map[string]any, len(v))
		for key, member := range v {
			var err error
			if full[key], err = s.fill(member); err != nil {
				return nil, err
			}
		}
		return full, nil
	case []any:
		full := make([]any, len(v))
		for i, element := range v {
			var err error
			if full[i], err = s.fill(element); err != nil {
				return nil, err
			}
		}
		return full, nil
	case string:
		return s.fillString(v)
	}
	return v, nil
}

// fillString replaces references within a string; one that is all of the string keeps
// its type.
func (s saved) fillString(text string) (any, error) {
	if m := reference.FindStringSubmatch(text); m != nil && m[0] == text {
		return s.lookup(m[1], m[2])
	}
	var failed error
	full := reference.ReplaceAllStringFunc(text, func(ref string) string {
		m := reference.FindStringSubmatch(ref)
		v, err := s.lookup(m[1], m[2])
		if err != nil {
			failed = err
		}
		return fmt.Sprint(v)
	})
	return full, failed
}
