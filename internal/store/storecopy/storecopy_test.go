package storecopy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
	"github.com/parley-chat/parley/internal/store/sqlstore"
	"github.com/parley-chat/parley/internal/store/storecopy"
	"github.com/parley-chat/parley/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// stores open an empty store of each kind.
var stores = map[string]func(t *testing.T) store.Store{
	"memory": func(t *testing.T) store.Store { return memstore.New() },
	"sqlite": func(t *testing.T) store.Store {
		s, err := sqlstore.OpenSQLite(filepath.Join(t.TempDir(), "chats.db"), sqlstore.Options{})
		return opened(t, s, err)
	},
	"postgres": func(t *testing.T) store.Store {
		s, err := sqlstore.OpenPostgres(t.Context(), pgtest.Database(t), sqlstore.Options{Patience: time.Minute})
		return opened(t, s, err)
	},
}

func opened(t *testing.T, s *sqlstore.Store, err error) store.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// grow adds a chat of many messages, as a node would, one append after the other.
func grow(t *testing.T, s store.Store, messages int) chat.ChatID {
	t.Helper()
	c := chat.New(storetest.NewChat())
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	ids := func(time.Time) chat.ID { return storetest.NewChat().ID }
	do := func(cmd chat.Command) chat.ID {
		t.Helper()
		now = now.Add(time.Second)
		out, err := chat.Decide(c, cmd, now, ids)
		if err != nil {
			t.Fatal(err)
		}
		a := store.Append{Chat: c.ID, After: c.Seq, Entries: out.Entries, Summaries: c.SummariesAfter(out.Entries)}
		if err := s.Append(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		c.Apply(out.Entries...)
		return out.ID
	}
	jane := chat.ParticipantID{ID: do(chat.Start{Settings: chat.Settings{
		Instance: "i", Customer: chat.Author{Name: "Jane 🦉"}, Attributes: map[string]string{"a": "1", "b": "2", "c": "3"},
	}})}
	do(chat.Connect{By: jane})
	for i := range messages {
		do(chat.SendMessage{By: jane, Content: chat.Content{Type: chat.TypePlain, Text: fmt.Sprint("message ", i)}})
	}
	if messages%2 == 0 {
		do(chat.Leave{By: jane})
	}
	return c.ID
}

func silent(storecopy.Tally) {}

// TestCopy copies from each kind of store to each, and proves it.
func TestCopy(t *testing.T) {
	for from, openFrom := range stores {
		original := openFrom(t)
		for i := range 260 { // more than a page
			grow(t, original, i%3)
		}
		grow(t, original, 1100) // more than two pages
		for to, openTo := range stores {
			copied := openTo(t)
			var told storecopy.Tally
			tally, err := storecopy.Copy(t.Context(), original, copied, func(p storecopy.Tally) { told = p })
			if err != nil || tally.Chats != 261 || tally.Written != tally.Entries || told != tally {
				t.Fatalf("from %s to %s: copied %+v (told %+v), %v", from, to, tally, told, err)
			}
			compared, err := storecopy.Compare(t.Context(), original, copied, silent)
			if err != nil || compared.Chats != 261 || compared.Entries != tally.Entries {
				t.Fatalf("from %s to %s: compared %+v, %v", from, to, compared, err)
			}
			back, err := storecopy.Compare(t.Context(), copied, original, silent)
			if err != nil || back.Digest != compared.Digest {
				t.Errorf("from %s to %s: compared the other way %v, %v; want %v", from, to, back.Digest, err, compared.Digest)
			}
			if tally, err = storecopy.Copy(t.Context(), original, copied, silent); err != nil || tally.Written != 0 {
				t.Errorf("from %s to %s: copied again %+v, %v; want nothing written", from, to, tally, err)
			}
		}
	}
}

// failing is a store whose appends fail after some.
type failing struct {
	store.Store
	left atomic.Int64
}

var errFull = errors.New("the disk is full")

func (f *failing) Append(ctx context.Context, a store.Append) error {
	if f.left.Add(-1) < 0 {
		return errFull
	}
	return f.Store.Append(ctx, a)
}

// TestResume interrupts a copy again and again, also within a chat.
func TestResume(t *testing.T) {
	original, copied := memstore.New(), memstore.New()
	for i := range 40 {
		grow(t, original, i)
	}
	grow(t, original, 2000)
	f := &failing{Store: copied}
	times := 0
	for ; ; times++ {
		f.left.Store(3)
		_, err := storecopy.Copy(t.Context(), original, f, silent)
		if err == nil {
			break
		}
		if !errors.Is(err, errFull) || times > 40 {
			t.Fatalf("after %d times: %v", times, err)
		}
	}
	if times < 10 {
		t.Errorf("it was interrupted %d times; want more", times)
	}
	if _, err := storecopy.Compare(t.Context(), original, copied, silent); err != nil {
		t.Error(err)
	}
}

// TestStrangers: a destination that belongs to somebody else stays as it is.
func TestStrangers(t *testing.T) {
	original, other := memstore.New(), memstore.New()
	for range 3 {
		grow(t, original, 1)
		grow(t, other, 1)
	}
	if _, err := storecopy.Copy(t.Context(), original, other, silent); err == nil || !strings.Contains(err.Error(), "copy to an empty destination") {
		t.Errorf("copied: %v", err)
	}
	if ids, err := other.Chats(t.Context(), chat.ChatID{}, 10); err != nil || len(ids) != 3 {
		t.Errorf("the destination has %d chats, %v; want its own 3", len(ids), err)
	}
}

// TestDifferences: each kind of difference is found and named.
func TestDifferences(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, original, copied store.Store, id chat.ChatID)
		says   string
		copies string // what copying again says, if it is refused
	}{
		"a chat more in the original": {func(t *testing.T, original, _ store.Store, _ chat.ChatID) { grow(t, original, 1) }, "is not in the copy", ""},
		"a chat more in the copy":     {func(t *testing.T, _, copied store.Store, _ chat.ChatID) { grow(t, copied, 1) }, "is in the copy only", "is in the copy only"},
		"an entry more in the original": {func(t *testing.T, original, _ store.Store, id chat.ChatID) {
			say(t, original, id, "one", storetest.NewChat().ID)
		},
			"the original has 4 entries, the copy 3", ""},
		"an entry more in the copy": {func(t *testing.T, _, copied store.Store, id chat.ChatID) {
			say(t, copied, id, "one", storetest.NewChat().ID)
		},
			"the original has 3 entries, the copy 4", "it has gone on by itself"},
		"another entry": {func(t *testing.T, original, copied store.Store, id chat.ChatID) {
			same := storetest.NewChat().ID
			say(t, original, id, "one", same)
			say(t, copied, id, "other", same)
		}, "its 4 entries have the digest", ""},
		"another row": {func(t *testing.T, _, copied store.Store, id chat.ChatID) {
			row, err := copied.Contact(t.Context(), id.FirstContact())
			row.Queue = "another"
			if err == nil {
				err = copied.Append(t.Context(), store.Append{Chat: id, After: 3, Summaries: []chat.Summary{row}})
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "its row is", ""},
	} {
		t.Run(name, func(t *testing.T) {
			original, copied := memstore.New(), memstore.New()
			var id chat.ChatID
			for range 5 {
				id = grow(t, original, 1)
			}
			if _, err := storecopy.Copy(t.Context(), original, copied, silent); err != nil {
				t.Fatal(err)
			}
			c.change(t, original, copied, id)
			if _, err := storecopy.Compare(t.Context(), original, copied, silent); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Compare: %v; want %q in it", err, c.says)
			}
			_, err := storecopy.Copy(t.Context(), original, copied, silent)
			if (err == nil) != (c.copies == "") || err != nil && !strings.Contains(err.Error(), c.copies) {
				t.Errorf("Copy: %v; want %q", err, c.copies)
			}
		})
	}
}

// say appends a message after a chat's third entry.
func say(t *testing.T, s store.Store, id chat.ChatID, text string, entry chat.ID) {
	t.Helper()
	e := storetest.Message(id, 4, text)
	e.ID = entry
	if err := s.Append(t.Context(), store.Append{Chat: id, After: 3, Entries: []chat.Entry{e}}); err != nil {
		t.Fatal(err)
	}
}

// Whoever has something to do with every chat gets each once, whole.
func TestChats(t *testing.T) {
	s := memstore.New()
	want := make(map[chat.ChatID]int64)
	for i := range 300 { // more than a page
		want[grow(t, s, i%3)] = 0
	}
	want[grow(t, s, 1100)] = 0
	seqs, err := s.LastSeqs(t.Context(), slices.Collect(maps.Keys(want)))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	got := make(map[chat.ChatID]int64)
	if err := storecopy.Chats(t.Context(), s, func(_ context.Context, c *chat.Chat) error {
		mu.Lock()
		defer mu.Unlock()
		if got[c.ID] != 0 {
			t.Errorf("chat %s came twice", c.ID)
		}
		got[c.ID] = c.Seq
		return nil
	}); err != nil || !maps.Equal(got, seqs) {
		t.Errorf("Chats: %v, and %d chats; want %d as they are in the store", err, len(got), len(seqs))
	}
	err = storecopy.Chats(t.Context(), s, func(context.Context, *chat.Chat) error { return errFull })
	if !errors.Is(err, errFull) || !strings.HasPrefix(err.Error(), "chat ") {
		t.Errorf("Chats = %v; want %v and the chat's name", err, errFull)
	}
}
