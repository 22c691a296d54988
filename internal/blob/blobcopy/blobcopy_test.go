package blobcopy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/blob/blobcopy"
	"github.com/parley-chat/parley/internal/blob/diskblob"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/served"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/token"
)

const account = "000000000000"

func config(t *testing.T) served.Config {
	t.Helper()
	keys, err := token.NewKeyring(token.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return served.Config{Tokens: keys, Clock: clockwork.NewFakeClock()}
}

// story is a chat in which files are shared, and where they are.
type story struct {
	*testing.T
	chat  *chat.Chat
	jane  chat.ParticipantID
	place blob.Store
}

func newStory(t *testing.T) *story {
	s := &story{T: t, chat: chat.New(chat.ChatID{ID: newID(time.Time{})}), place: memblob.New(config(t))}
	s.jane = chat.ParticipantID{ID: s.do(chat.Start{Settings: chat.Settings{Instance: "i", Customer: chat.Author{Name: "Jane"}}})}
	s.do(chat.Connect{By: s.jane})
	return s
}

func newID(time.Time) chat.ID { return chat.ID{UUID: uuid.Must(uuid.NewV7())} }

func (s *story) do(cmd chat.Command) chat.ID {
	s.Helper()
	out, err := chat.Decide(s.chat, cmd, time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), newID)
	if err != nil {
		s.Fatal(err)
	}
	s.chat.Apply(out.Entries...)
	return out.ID
}

// share has the customer share a file.
func (s *story) share(text string) blob.Key {
	s.Helper()
	f := chat.File{Name: "a.txt", Type: "text/plain", Size: int64(len(text))}
	f.ID = s.do(chat.StartUpload{By: s.jane, File: f})
	s.do(chat.CompleteUpload{By: s.jane, ID: f.ID})
	k := blob.Key{Chat: s.chat.ID, Attachment: f.ID}
	if err := s.place.Put(s.Context(), k, blob.FileOf(s.chat.ID, f, account, "i"), strings.NewReader(text)); err != nil {
		s.Fatal(err)
	}
	return k
}

// copy copies to a place, which then has what the chat says.
func (s *story) copy(to blob.Store) blobcopy.Tally {
	s.Helper()
	var told blobcopy.Tally
	c := blobcopy.New(s.place, to, account, func(t blobcopy.Tally) { told = t })
	if err := c.Copy(s.Context(), s.chat); err != nil {
		s.Fatal(err)
	}
	got := c.Tally()
	if fmt.Sprint(told) != fmt.Sprint(got) {
		s.Errorf("it was told %+v, in the end it is %+v", told, got)
	}
	return got
}

// want looks for a file.
func (s *story) want(place blob.Store, k blob.Key, text string) {
	s.Helper()
	r, err := place.Open(s.Context(), k)
	if err != nil {
		s.Error(err)
		return
	}
	defer r.Close()
	if got, err := io.ReadAll(r); string(got) != text || err != nil {
		s.Errorf("the file has %q, %v; want %q", got, err, text)
	}
}

// replace gives a file other bytes.
func (s *story) replace(place blob.Store, k blob.Key, text string) {
	s.Helper()
	err := place.Delete(s.Context(), k)
	if err == nil && text != "" {
		f := chat.File{Name: "a.txt", Type: "text/plain", Size: int64(len(text))}
		err = place.Put(s.Context(), k, blob.FileOf(k.Chat, f, account, "i"), strings.NewReader(text))
	}
	if err != nil {
		s.Fatal(err)
	}
}

// What somebody can get is copied, once; what is spoilt in the copy is copied anew.
func TestCopy(t *testing.T) {
	s := newStory(t)
	large := strings.Repeat("three", 100_000)
	one, second, third := s.share("one"), s.share("the second"), s.share(large)
	s.do(chat.StartUpload{By: s.jane, File: chat.File{Name: "never.txt", Type: "text/plain", Size: 9}})
	to, err := diskblob.Open(t.TempDir(), config(t))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	for _, step := range []struct {
		what    string
		change  func()
		written int64
	}{
		{"all", func() {}, 3},
		{"nothing more", func() {}, 0},
		{"what has gone", func() { s.replace(to, one, "") }, 1},
		{"what is spoilt", func() { s.replace(to, second, "the s3cond") }, 1},
		{"what is shorter", func() { s.replace(to, second, "the"); s.replace(to, third, "three") }, 2},
	} {
		step.change()
		want := blobcopy.Tally{Files: 3, Bytes: 3 + 10 + 500_000, Written: step.written}
		if got := s.copy(to); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v; want %+v", step.what, got, want)
		}
		s.want(to, one, "one")
		s.want(to, second, "the second")
		s.want(to, third, large)
	}
}

// What the original lacks is named, and the rest is copied.
func TestLacking(t *testing.T) {
	s, to := newStory(t), memblob.New(config(t))
	gone, short, fine, spoilt := s.share("one"), s.share("the second"), s.share("the third"), s.share("the fourth")
	s.copy(to)
	s.replace(to, short, "")
	s.replace(to, gone, "")
	s.replace(s.place, gone, "")
	s.replace(s.place, short, "the")
	s.replace(s.place, spoilt, "the four")
	got := s.copy(to)
	if got.Files != 1 || got.Bytes != 9 || got.Written != 0 || got.Lacking != 3 || len(got.Lacks) != 3 {
		t.Fatalf("%+v; want 1 file of 9 bytes, and 3 that lack", got)
	}
	for i, says := range []string{
		gone.String() + ` ("a.txt"): the file is not there`,
		short.String() + ` ("a.txt"): the file is not as announced: it ends after 3 bytes, and not 10`,
		spoilt.String() + ` ("a.txt"): the file is not as announced: it has 8 bytes, and not 10`,
	} {
		if !strings.Contains(got.Lacks[i], says) {
			t.Errorf("%q; want %q in it", got.Lacks[i], says)
		}
	}
	s.want(to, fine, "the third")
	s.want(to, spoilt, "the fourth") // better than nothing
	for _, k := range []blob.Key{gone, short} {
		if _, err := to.Open(t.Context(), k); !errors.Is(err, blob.ErrMissing) {
			t.Errorf("Open = %v; want %v", err, blob.ErrMissing)
		}
	}
}

// Not more is named than anybody reads.
func TestManyLacking(t *testing.T) {
	c := blobcopy.New(memblob.New(config(t)), memblob.New(config(t)), account, func(blobcopy.Tally) {})
	for range 4 {
		s := newStory(t)
		for range 35 {
			s.share("one")
		}
		if err := c.Copy(t.Context(), s.chat); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.Tally(); got.Lacking != 140 || len(got.Lacks) != blobcopy.MaxLacks {
		t.Errorf("%d lack, %d are named; want 140 and %d", got.Lacking, len(got.Lacks), blobcopy.MaxLacks)
	}
}

// faulty is a place that fails, or doesn't keep what it is given.
type faulty struct {
	blob.Store
	fails, spoils bool
}

var errBroken = errors.New("the disk is on fire")

func (f *faulty) Put(ctx context.Context, k blob.Key, file blob.File, r io.Reader) error {
	switch {
	case f.fails:
		return errBroken
	case f.spoils:
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
		r = strings.NewReader(strings.Repeat("x", int(file.Size)))
	}
	return f.Store.Put(ctx, k, file, r)
}

// A copy that can't be made, or is not like the original, is an error that names the file;
// when the reason is gone, copying again mends it.
func TestFaulty(t *testing.T) {
	s := newStory(t)
	k := s.share("one")
	to := &faulty{Store: memblob.New(config(t))}
	fails := func(says string, cause error) {
		t.Helper()
		err := blobcopy.New(s.place, to, account, func(blobcopy.Tally) {}).Copy(t.Context(), s.chat)
		if err == nil || cause != nil && !errors.Is(err, cause) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), k.Attachment.String()) {
			t.Errorf("Copy = %v; want the attachment and %q", err, says)
		}
	}
	to.fails = true
	fails("fire", errBroken)
	to.fails, to.spoils = false, true
	fails("the copy has 3 bytes with the sha256 ", nil)
	to.spoils = false
	if got := s.copy(to); got.Written != 1 {
		t.Errorf("%+v; want one written", got)
	}
	s.want(to, k, "one")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := blobcopy.New(s.place, to, account, func(blobcopy.Tally) {}).Copy(ctx, s.chat); !errors.Is(err, context.Canceled) {
		t.Errorf("Copy = %v; want %v", err, context.Canceled)
	}
}
