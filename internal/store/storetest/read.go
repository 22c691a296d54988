package storetest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

var readChecks = []check{
	{"empty", empty},
	{"entries", entries},
	{"items", items},
	{"seq at", seqAt},
	{"last seqs", lastSeqs},
	{"chats", listChats},
}

// empty: an empty store has an answer for everything.
func empty(k *kit) {
	id := NewChat()
	k.wantLog(id, nil)
	got, err := k.store.Items(k.Context(), id, store.Query{From: 1, To: math.MaxInt64, Limit: 10})
	if err != nil || len(got) != 0 {
		k.Errorf("Items = %v, %v; want none", got, err)
	}
	k.wantSeqAt(id, base, 0)
	k.wantLastSeqs([]chat.ChatID{id}, map[chat.ChatID]int64{})
	k.wantNoContact(id.FirstContact())
	k.wantDue(10)
}

// entries: pages follow each other until there are no more.
func entries(k *kit) {
	id := NewChat()
	want := mixed(id, 23)
	k.append(store.Append{Chat: id, Entries: want})
	for _, size := range []int{1, 2, 7, 22, 23, 24, math.MaxInt32} {
		var got []chat.Entry
		for {
			page, err := k.store.Entries(k.Context(), id, int64(len(got)), size)
			if err != nil {
				k.Fatalf("Entries: %v", err)
			}
			if len(page) == 0 {
				break
			}
			if full := min(size, len(want)-len(got)); len(page) != full {
				k.Fatalf("a page of %d after %d has %d entries; want %d", size, len(got), len(page), full)
			}
			got = append(got, page...)
		}
		k.same(fmt.Sprintf("pages of %d", size), got, want)
	}
	for _, c := range []struct {
		after int64
		limit int
		want  []chat.Entry
	}{
		{-5, 2, want[:2]}, {0, 0, nil}, {0, -1, nil}, {22, 5, want[22:]}, {23, 5, nil}, {1 << 40, 5, nil},
		{math.MaxInt64, 5, nil},
	} {
		got, err := k.store.Entries(k.Context(), id, c.after, c.limit)
		if err != nil {
			k.Errorf("Entries(%d, %d): %v", c.after, c.limit, err)
		}
		k.same(fmt.Sprintf("Entries(%d, %d)", c.after, c.limit), got, c.want)
	}
}

// mixed makes n entries of which the 1st and every third are invisible.
func mixed(id chat.ChatID, n int) []chat.Entry {
	all := Messages(id, 0, n).Entries
	for i := range all {
		if i%3 == 0 {
			all[i] = chat.Entry{
				Seq: all[i].Seq, ID: all[i].ID, At: all[i].At, Contact: all[i].Contact,
				Kind: chat.KindQueued, Queue: "Support",
			}
		}
	}
	return all
}

// items: every combination of bounds, direction and limit, against the definition.
func items(k *kit) {
	id := NewChat()
	log := mixed(id, 12)
	k.append(store.Append{Chat: id, Entries: log})
	k.append(store.Append{Chat: NewChat(), Entries: mixed(id, 12)})
	bounds := []int64{math.MinInt64, -1, 0, 1, 2, 3, 4, 7, 8, 11, 12, 13, math.MaxInt64}
	for _, from := range bounds {
		for _, to := range bounds {
			for _, limit := range []int{-1, 0, 1, 2, 3, 8, 9, math.MaxInt32} {
				for _, newest := range []bool{false, true} {
					q := store.Query{From: from, To: to, Newest: newest, Limit: limit}
					got, err := k.store.Items(k.Context(), id, q)
					if err != nil {
						k.Fatalf("Items(%+v): %v", q, err)
					}
					k.same(fmt.Sprintf("Items(%+v)", q), got, selected(log, q))
				}
			}
		}
	}
}

// selected is the definition of Query in the fewest words.
func selected(log []chat.Entry, q store.Query) []chat.Entry {
	var in []chat.Entry
	for _, e := range log {
		if e.Visible() && q.From <= e.Seq && e.Seq <= q.To {
			in = append(in, e)
		}
	}
	for len(in) > max(q.Limit, 0) {
		if q.Newest {
			in = in[1:]
		} else {
			in = in[:len(in)-1]
		}
	}
	return slices.Clip(in)
}

func (k *kit) wantSeqAt(id chat.ChatID, t time.Time, want int64) {
	k.Helper()
	got, err := k.store.SeqAt(k.Context(), id, t)
	if err != nil || got != want {
		k.Errorf("SeqAt(%v) = %d, %v; want %d", t, got, err, want)
	}
}

// seqAt: the newest visible entry that is not later.
func seqAt(k *kit) {
	id := NewChat()
	k.append(store.Append{Chat: id, Entries: mixed(id, 9)}) // 1, 4 and 7 are invisible
	for seq, want := range []int64{0, 0, 2, 3, 3, 5, 6, 6, 8, 9} {
		exact := at(int64(seq))
		k.wantSeqAt(id, exact, want)
		k.wantSeqAt(id, exact.Add(999*time.Millisecond), want)
		k.wantSeqAt(id, exact.Add(999*time.Microsecond), want) // finer than what is stored
		if seq > 0 {
			before := []int64{0, 0, 0, 2, 3, 3, 5, 6, 6, 8}[seq]
			k.wantSeqAt(id, exact.Add(-time.Nanosecond), before)
			k.wantSeqAt(id, exact.Add(-time.Millisecond), before)
		}
	}
	k.wantSeqAt(id, time.Time{}, 0)
	k.wantSeqAt(id, time.Unix(0, 0), 0)
	k.wantSeqAt(id, base.AddDate(5000, 0, 0), 9)
	k.wantSeqAt(id, at(3).In(time.FixedZone("east", 3600)), 3)
	k.wantSeqAt(NewChat(), at(3), 0)
}

func (k *kit) wantLastSeqs(ids []chat.ChatID, want map[chat.ChatID]int64) {
	k.Helper()
	got, err := k.store.LastSeqs(k.Context(), ids)
	if err != nil || len(got) != len(want) {
		k.Fatalf("LastSeqs of %d chats = %d, %v; want %d", len(ids), len(got), err, len(want))
	}
	for id, seq := range want {
		if got[id] != seq {
			k.Errorf("LastSeqs of %d chats: %d of one; want %d", len(ids), got[id], seq)
		}
	}
}

// lastSeqs: of as many chats as are asked for, in whatever order, and of no others.
func lastSeqs(k *kit) {
	const many = 300
	var ids []chat.ChatID
	want := make(map[chat.ChatID]int64)
	for i := range int64(many) {
		s := summary(NewChat())
		a := Messages(s.Chat, 0, int(1+i%3))
		a.Summaries = []chat.Summary{s}
		if i%4 == 0 { // transferred
			next := s
			next.Contact = NewChat().FirstContact()
			a.Summaries = append(a.Summaries, next)
		}
		k.append(a)
		ids = append(ids, s.Chat)
		want[s.Chat] = 1 + i%3
	}
	k.append(Messages(ids[0], 1, 1))
	want[ids[0]] = 2
	k.wantLastSeqs(nil, map[chat.ChatID]int64{})
	k.wantLastSeqs(ids, want)
	k.wantLastSeqs(append([]chat.ChatID{NewChat(), ids[1], ids[0], NewChat()}, ids...), want)
	k.wantLastSeqs(ids[5:6], map[chat.ChatID]int64{ids[5]: want[ids[5]]})
}

// listChats: each chat that has entries once, in the order of their ids.
func listChats(k *kit) {
	list := func(after chat.ChatID, limit int) []chat.ChatID {
		k.Helper()
		ids, err := k.store.Chats(k.Context(), after, limit)
		if err != nil {
			k.Fatalf("Chats: %v", err)
		}
		return ids
	}
	if ids := list(chat.ChatID{}, 10); len(ids) > 0 {
		k.Errorf("an empty store has the chats %v", ids)
	}
	var want []chat.ChatID
	for i := range 20 {
		id := chat.ChatID{ID: chat.ID{UUID: uuid.New()}} // in no order
		k.append(Messages(id, 0, 1+i%3))
		want = append(want, id)
	}
	s := summary(NewChat())
	k.append(store.Append{Chat: s.Chat, Summaries: []chat.Summary{s}}) // has no entries
	slices.SortFunc(want, func(a, b chat.ChatID) int { return bytes.Compare(a.UUID[:], b.UUID[:]) })
	for _, limit := range []int{1, 3, 7, 20, 21} {
		var got []chat.ChatID
		for page := list(chat.ChatID{}, limit); len(page) > 0; page = list(got[len(got)-1], limit) {
			if len(page) > limit || len(got) > len(want) {
				break
			}
			got = append(got, page...)
		}
		if !slices.Equal(got, want) {
			k.Errorf("pages of %d chats\n got %v\nwant %v", limit, got, want)
		}
	}
	if ids := list(chat.ChatID{}, 0); len(ids) > 0 {
		k.Errorf("a limit of 0 gives %v", ids)
	}
}
