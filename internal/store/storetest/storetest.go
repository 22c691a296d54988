// Package storetest is the suite that every [store.Store] passes.
//
// What it leaves out on purpose: texts that are not valid UTF-8 or that hold NUL.
// Databases differ on them (SQLite keeps a NUL, PostgreSQL refuses it), so they are
// refused before a store is asked, and no store needs to care.
package storetest

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// check is one test of the suite.
type check struct {
	name string
	run  func(*kit)
}

// Run tests a store. open gives an empty one, which the suite closes.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	checks := [][]check{appendChecks, summaryChecks, readChecks, contactChecks, searchChecks, exactChecks, closeChecks}
	for _, group := range checks {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				c.run(newKit(t, open(t)))
			})
		}
	}
}

// kit is a store under test with what the checks need around it.
type kit struct {
	*testing.T
	store store.Store
}

func newKit(t *testing.T, s store.Store) *kit {
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	})
	return &kit{t, s}
}

// NewChat makes an id no other chat has.
func NewChat() chat.ChatID { return chat.ChatID{ID: chat.ID{UUID: uuid.Must(uuid.NewV7())}} }

// base is when the chats of the suite begin; entry n is n seconds later.
var base = time.Date(2026, 11, 23, 9, 30, 0, 123e6, time.UTC)

// at is the time of entry seq.
func at(seq int64) time.Time { return base.Add(time.Duration(seq) * time.Second) }

// entryID makes an id that says which entry it belongs to.
func entryID(id chat.ChatID, seq int64) chat.ID {
	binary.BigEndian.PutUint32(id.UUID[12:], uint32(seq))
	return id.ID
}

// Message makes entry seq of a chat: a message with a text.
func Message(id chat.ChatID, seq int64, text string) chat.Entry {
	return chat.Entry{
		Seq: seq, ID: entryID(id, seq), At: at(seq), Kind: chat.KindMessage, Contact: id.FirstContact(),
		By:      &chat.Author{ID: chat.ParticipantID{ID: entryID(id, 0)}, Role: chat.Customer, Name: "Ann"},
		Content: &chat.Content{Type: chat.TypePlain, Text: text},
	}
}

// Messages makes a batch of n messages that follow after.
func Messages(id chat.ChatID, after int64, n int) store.Append {
	a := store.Append{Chat: id, After: after}
	for seq := after + 1; seq <= after+int64(n); seq++ {
		a.Entries = append(a.Entries, Message(id, seq, fmt.Sprintf("message %d", seq)))
	}
	return a
}

// append appends a batch that must be stored.
func (k *kit) append(a store.Append) {
	k.Helper()
	if err := k.store.Append(k.Context(), a); err != nil {
		k.Fatalf("Append(After %d, %d entries): %v; want it stored", a.After, len(a.Entries), err)
	}
}

// Another gives a batch as somebody else would append it: entries with other ids.
func Another(a store.Append) store.Append {
	a.Entries = slices.Clone(a.Entries)
	for i := range a.Entries {
		a.Entries[i].ID = NewChat().ID
	}
	return a
}

// refused appends a batch, as somebody else, that must end with the error.
func (k *kit) refused(a store.Append, want error) {
	k.Helper()
	a = Another(a)
	err := k.store.Append(k.Context(), a)
	if !errors.Is(err, want) {
		k.Errorf("Append(After %d, %d entries) = %v; want %v", a.After, len(a.Entries), err, want)
	}
	if c := (*store.Conflict)(nil); errors.As(err, &c) {
		k.wantMissed(a, c.Missed)
	}
}

// wantMissed checks what a refused batch was told to have missed.
func (k *kit) wantMissed(a store.Append, missed []chat.Entry) {
	k.Helper()
	log := k.log(a.Chat)
	if len(missed) == 0 || a.After+int64(len(missed)) > int64(len(log)) {
		k.Fatalf("Append(After %d) missed %d entries, of a chat with %d", a.After, len(missed), len(log))
	}
	k.same("Conflict.Missed", missed, log[a.After:][:len(missed)])
}

// log reads all of a chat.
func (k *kit) log(id chat.ChatID) []chat.Entry {
	k.Helper()
	log, err := k.store.Entries(k.Context(), id, 0, 100000)
	if err != nil {
		k.Fatalf("Entries: %v", err)
	}
	return log
}

// wantLog compares all of a chat with what it must be.
func (k *kit) wantLog(id chat.ChatID, want []chat.Entry) {
	k.Helper()
	k.same("Entries", k.log(id), want)
}

// same compares entries, and shows the first difference.
func (k *kit) same(what string, got, want []chat.Entry) {
	k.Helper()
	if len(got) != len(want) {
		k.Errorf("%s: %d entries %v; want %d %v", what, len(got), seqs(got), len(want), seqs(want))
		return
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			k.Errorf("%s: entry %d differs\n got %s\nwant %s", what, i, show(got[i]), show(want[i]))
			return
		}
	}
}

func seqs(entries []chat.Entry) []int64 {
	all := make([]int64, 0, len(entries))
	for i := range entries {
		all = append(all, entries[i].Seq)
	}
	return all
}

func show(e chat.Entry) string {
	body, err := json.Marshal(e)
	if err != nil {
		return err.Error()
	}
	const limit = 2000
	return fmt.Sprintf("Seq %d ID %s At %v %.*s", e.Seq, e.ID, e.At, limit, body)
}
