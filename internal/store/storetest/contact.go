package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

var summaryChecks = []check{
	{"summary", summaries},
	{"summary alone", summaryAlone},
	{"summary conflict", summaryConflict},
	{"summary of each contact", summaryOfEach},
}

var contactChecks = []check{
	{"contact not found", contactNotFound},
	{"due", due},
	{"due changes", dueChanges},
}

// instance is that of the suite's contacts.
const instance = "00000000-0000-4000-8000-000000000001"

// summary makes the row of a chat's first contact, with everything in it.
func summary(id chat.ChatID) chat.Summary {
	return chat.Summary{
		Chat: id, Contact: id.FirstContact(), Previous: NewChat().FirstContact(), Instance: instance,
		Method: chat.MethodQueueTransfer, InitiatedAt: base, QueuedAt: at(1), ConnectedAt: at(2),
		Deadline: base.Add(5 * time.Minute), Queue: "Søppel 🦉", Agent: "agent 'a'", Customer: "Ann \"\\\"",
		Name: "née % _", Cause: chat.CauseExpired, Labels: chat.TagLabel("k", "v") + chat.AttributeLabel("k", "w"),
	}
}

func (k *kit) wantContact(want chat.Summary) {
	k.Helper()
	got, err := k.store.Contact(k.Context(), want.Contact)
	if err != nil {
		k.Errorf("Contact: %v", err)
	} else if got != want {
		k.Errorf("Contact\n got %+v\nwant %+v", got, want)
	}
}

func (k *kit) wantNoContact(id chat.ContactID) {
	k.Helper()
	if _, err := k.store.Contact(k.Context(), id); !errors.Is(err, store.ErrNotFound) {
		k.Errorf("Contact = %v; want %v", err, store.ErrNotFound)
	}
}

// summaries: written with the entries, and replaced whole with later ones.
func summaries(k *kit) {
	first := summary(NewChat())
	a := Messages(first.Chat, 0, 2)
	a.Summaries = []chat.Summary{first}
	k.append(a)
	k.wantContact(first)

	k.append(Messages(first.Chat, 2, 1)) // without a summary
	k.wantContact(first)

	second := chat.Summary{Chat: first.Chat, Contact: first.Contact, EndedAt: at(9)}
	a = Messages(first.Chat, 3, 1)
	a.Summaries = []chat.Summary{second}
	k.append(a)
	k.wantContact(second) // what isn't set any more is gone

	k.append(store.Append{Chat: first.Chat, After: 4, Summaries: []chat.Summary{first}})
	k.wantContact(first)
	k.wantLog(first.Chat, Messages(first.Chat, 0, 4).Entries)
}

// summaryAlone: a batch may have nothing but a summary, and must still follow the
// last entry.
func summaryAlone(k *kit) {
	s := summary(NewChat())
	k.append(Messages(s.Chat, 0, 2))
	for _, after := range []int64{0, 1, 3} {
		k.refused(store.Append{Chat: s.Chat, After: after, Summaries: []chat.Summary{s}}, store.ErrConflict)
	}
	k.wantNoContact(s.Contact)
	k.append(store.Append{Chat: s.Chat, After: 2, Summaries: []chat.Summary{s}})
	k.append(store.Append{Chat: s.Chat, After: 2, Summaries: []chat.Summary{s}})
	k.wantContact(s)
	k.wantLog(s.Chat, Messages(s.Chat, 0, 2).Entries)
}

// summaryConflict: a conflict leaves the row as it was.
func summaryConflict(k *kit) {
	s := summary(NewChat())
	a := Messages(s.Chat, 0, 1)
	a.Summaries = []chat.Summary{s}
	k.append(a)
	changed := s
	changed.Queue, changed.Deadline = "other", time.Time{}
	for _, after := range []int64{0, 2} {
		a := Messages(s.Chat, after, 2)
		a.Summaries = []chat.Summary{changed}
		k.refused(a, store.ErrConflict)
	}
	k.wantContact(s)
}

// summaryOfEach: each contact of a chat has its own row.
func summaryOfEach(k *kit) {
	first := summary(NewChat())
	second := first
	second.Contact, second.Queue = chat.ContactID{ID: entryID(first.Chat, 77)}, "second"
	a := Messages(first.Chat, 0, 1)
	a.Summaries = []chat.Summary{first}
	k.append(a)
	a = Messages(first.Chat, 1, 1)
	a.Summaries = []chat.Summary{second}
	k.append(a)
	k.wantContact(first)
	k.wantContact(second)

	// A transfer: the old one ends, the new one begins.
	first.EndedAt, first.Deadline, first.Cause = at(7), time.Time{}, "TRANSFERRED"
	third := second
	third.Contact, third.Previous = chat.ContactID{ID: entryID(first.Chat, 78)}, second.Contact
	third.Deadline = at(60)
	second.EndedAt = at(8) // and its deadline stays, to be ignored
	a = Messages(first.Chat, 2, 2)
	a.Summaries = []chat.Summary{first, second, third}
	k.append(a)
	for _, s := range a.Summaries {
		k.wantContact(s)
	}
	k.wantDue(10, store.Due{Chat: first.Chat, At: third.Deadline})
}

func contactNotFound(k *kit) {
	id := NewChat()
	k.wantNoContact(id.FirstContact())
	k.append(Messages(id, 0, 1)) // entries alone make no row
	k.wantNoContact(id.FirstContact())
	k.wantNoContact(chat.ContactID{})
}

// putDeadline stores a chat with a deadline d after base; nil means none.
func (k *kit) putDeadline(d *time.Duration, ended time.Time) chat.ChatID {
	k.Helper()
	s := summary(NewChat())
	s.Deadline, s.EndedAt = time.Time{}, ended
	if d != nil {
		s.Deadline = base.Add(*d)
	}
	a := Messages(s.Chat, 0, 1)
	a.Summaries = []chat.Summary{s}
	k.append(a)
	return s.Chat
}

func (k *kit) wantDue(limit int, want ...store.Due) {
	k.Helper()
	got, err := k.store.Due(k.Context(), limit)
	if err != nil {
		k.Errorf("Due: %v", err)
	} else if !slices.Equal(got, want) {
		k.Errorf("Due(%d) = %v; want %v", limit, got, want)
	}
}

// due: the earliest first, those without a deadline and the ended left out.
func due(k *kit) {
	k.wantDue(10)
	// In no order, and some before 1970.
	offsets := []time.Duration{3 * time.Hour, time.Millisecond, -600000 * time.Hour, 0, time.Hour, 2 * time.Hour}
	byOffset := make(map[time.Duration]store.Due)
	for _, d := range offsets {
		byOffset[d] = store.Due{Chat: k.putDeadline(&d, time.Time{}), At: base.Add(d)}
		k.putDeadline(nil, time.Time{})
		k.putDeadline(&d, at(5))
	}
	slices.Sort(offsets)
	var want []store.Due
	for _, d := range offsets {
		want = append(want, byOffset[d])
	}
	for limit := -1; limit <= len(want)+1; limit++ {
		k.wantDue(limit, want[:min(max(limit, 0), len(want))]...)
	}
}

// dueChanges: a deadline moves, goes and comes with the row.
func dueChanges(k *kit) {
	a, b := summary(NewChat()), summary(NewChat())
	b.Deadline = a.Deadline.Add(time.Second)
	put := func(s chat.Summary) {
		k.Helper()
		k.append(store.Append{Chat: s.Chat, Summaries: []chat.Summary{s}})
	}
	dueOf := func(s chat.Summary) store.Due { return store.Due{Chat: s.Chat, At: s.Deadline} }
	put(a)
	put(b)
	k.wantDue(10, dueOf(a), dueOf(b))
	a.Deadline = b.Deadline.Add(time.Second)
	put(a)
	k.wantDue(10, dueOf(b), dueOf(a))
	b.Deadline = time.Time{}
	put(b)
	k.wantDue(10, dueOf(a))
	a.EndedAt = at(3)
	put(a)
	k.wantDue(10)
	a.EndedAt = time.Time{}
	put(a)
	k.wantDue(10, dueOf(a))
}
