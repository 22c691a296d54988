package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/server"
)

// makeChats is a command of the test scripts: it puts some chats into a data directory.
func makeChats() {
	s, err := server.OpenStore(context.Background(), os.Args[1], false, slog.Default())
	if err != nil {
		panic(err)
	}
	defer s.Close()
	b := localbus.New()
	defer b.Close()
	n := node.New(node.Config{Store: s, Bus: b, Clock: clockwork.NewRealClock()})
	defer n.Close()
	for i := range 20 {
		id, customer, err := n.Start(context.Background(), chat.Settings{
			Instance: "i", Customer: chat.Author{Name: "Jane"}, Attributes: map[string]string{"a": "1", "b": "2"},
		}, nil, "")
		if err != nil {
			panic(err)
		}
		commands := []chat.Command{chat.Connect{By: customer}, chat.Stop{}}
		for _, c := range commands[:i%3] {
			if _, err := n.Do(context.Background(), id, c); err != nil {
				panic(err)
			}
		}
	}
}

// From a directory to PostgreSQL, and back: all is the same.
func TestCopyToPostgres(t *testing.T) {
	url := pgtest.Start(t).URL("postgres")
	dirs := []string{filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")}
	args := os.Args
	os.Args = []string{"makechats", dirs[0]}
	makeChats()
	os.Args = args
	digest := regexp.MustCompile(`both have 20 chats with (\d+) entries; sha256 of all: (\w+)`)
	var found []string
	for _, way := range [][2]string{{dirs[0], url}, {dirs[0], url}, {url, dirs[1]}} {
		var out, errs strings.Builder
		if code := run(t.Context(), []string{"copy", "--from", way[0], "--to", way[1]}, &out, &errs); code != 0 {
			t.Fatalf("copy from %s to %s: exit code %d: %s", way[0], way[1], code, errs.String())
		}
		found = append(found, digest.FindString(out.String()))
	}
	if found[0] == "" || found[1] != found[0] || found[2] != found[0] {
		t.Errorf("the copies are %q; want them the same", found)
	}
}
