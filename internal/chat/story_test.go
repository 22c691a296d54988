package chat_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the stories in testdata give now; look at the diff before you commit it")

// TestStories plays the stories in testdata. A story is made of blocks: comments
// and commands, a line "----", then what they lead to, up to an empty line.
// testdata/README.md explains the words.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, file, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// play runs a story and returns it with what its commands lead to now.
func play(t *testing.T, file, story string) string {
	var (
		w       = newWorld(t)
		lines   = strings.Split(strings.TrimRight(story, "\n"), "\n")
		rest    strings.Builder // the story as it should be
		results []string        // of the block's commands so far
	)
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		fmt.Fprintln(&rest, line)
		if line != "----" {
			w.where = fmt.Sprintf("%s:%d", file, i+1)
			if line != "" && !strings.HasPrefix(line, "#") {
				var more []string
				for ; strings.HasPrefix(lines[i+1], "  "); i++ {
					fmt.Fprintln(&rest, lines[i+1])
					more = append(more, lines[i+1])
				}
				results = append(results, w.run(line, more)...)
			}
			continue
		}
		begin := i + 1
		for i+1 < len(lines) && lines[i+1] != "" {
			i++
		}
		got, want := strings.Join(results, "\n"), strings.Join(lines[begin:i+1], "\n")
		if got != want && !*rewrite {
			t.Errorf("%s:%d: got:\n%s\nwant:\n%s", file, begin+1, got, want)
		}
		if got != "" {
			fmt.Fprintln(&rest, got)
		}
		results = nil
	}
	if len(results) > 0 {
		t.Errorf("%s: the last block has no line ----", file)
	}
	w.replays()
	return rest.String()
}

// args are the words of a command: plain ones, and options like token=t1. Indented lines
// after it are its more.
type args struct {
	words   []string
	options []option
	more    []args
}

type option struct{ name, value string }

// option gives the option's value, or "".
func (a args) option(name string) string {
	for _, o := range a.options {
		if o.name == name {
			return o.value
		}
	}
	return ""
}

// parse splits a line at its spaces. Words and values may be quoted as in Go.
func parse(line string) (a args, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		var name, value string
		end := strings.IndexAny(line, " \"`=")
		if end >= 0 && line[end] == '=' {
			name, line = line[:end], line[end+1:]
		}
		quoted, notQuoted := strconv.QuotedPrefix(line)
		if notQuoted == nil {
			if value, err = strconv.Unquote(quoted); err != nil {
				return a, err
			}
			line = line[len(quoted):]
		} else {
			value, line, _ = strings.Cut(line, " ")
		}
		if name != "" {
			a.options = append(a.options, option{name, value})
		} else {
			a.words = append(a.words, value)
		}
	}
	return a, nil
}
