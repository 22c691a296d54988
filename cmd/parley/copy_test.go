package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/server"
)

// makeChats is a command of the test scripts: it puts some chats into a data directory, and
// a file into each that has begun.
func makeChats() {
	dir, ctx := os.Args[1], context.Background()
	s, err := server.OpenStore(ctx, dir, false, slog.Default())
	check(err)
	defer s.Close()
	files, err := server.OpenBlobs(ctx, dir, false, slog.Default())
	check(err)
	defer files.Close()
	check(server.KeepTokenKey(dir, []byte("0123456789abcdef")))
	b := localbus.New()
	defer b.Close()
	n := node.New(node.Config{Store: s, Bus: b, Clock: clockwork.NewRealClock()})
	defer n.Close()
	for i := range 20 {
		id, customer, err := n.Start(ctx, chat.Settings{
			Instance: "i", Customer: chat.Author{Name: "Jane"}, Attributes: map[string]string{"a": "1", "b": "2"},
		}, nil, "")
		check(err)
		do := func(c chat.Command) chat.ID {
			out, err := n.Do(ctx, id, c)
			check(err)
			return out.ID
		}
		if i%3 == 0 {
			continue
		}
		do(chat.Connect{By: customer})
		text := fmt.Sprint("this is file ", i)
		f := chat.File{Name: fmt.Sprintf("%d.txt", i), Type: "text/plain", Size: int64(len(text))}
		f.ID = do(chat.StartUpload{By: customer, File: f})
		check(files.Put(ctx, blob.Key{Chat: id, Attachment: f.ID}, blob.FileOf(id, f, server.Account, "i"), strings.NewReader(text)))
		do(chat.CompleteUpload{By: customer, ID: f.ID})
		if i%3 == 2 {
			do(chat.Stop{})
		}
	}
}

func check(err error) {
	if err != nil {
		panic(err)
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
		if code := run(t.Context(), []string{"copy", "--from", way[0], "--to", way[1], "--without-attachments"}, &out, &errs); code != 0 {
			t.Fatalf("copy from %s to %s: exit code %d: %s", way[0], way[1], code, errs.String())
		}
		found = append(found, digest.FindString(out.String()))
	}
	if found[0] == "" || found[1] != found[0] || found[2] != found[0] {
		t.Errorf("the copies are %q; want them the same", found)
	}
}
