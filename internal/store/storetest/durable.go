package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

var closeChecks = []check{
	{"close", closes},
	{"close under load", func(k *kit) { closeUnderLoad(k) }},
}

// closes: nothing works afterwards, and everything says why.
func closes(k *kit) {
	s := summary(NewChat())
	a := Messages(s.Chat, 0, 1)
	a.Summaries = []chat.Summary{s}
	k.append(a)
	if err := k.store.Close(); err != nil {
		k.Fatalf("Close: %v", err)
	}
	ctx := k.Context()
	results := map[string]error{
		"Append": k.store.Append(ctx, Messages(s.Chat, 1, 1)),
		"Close":  k.store.Close(),
	}
	_, results["Entries"] = k.store.Entries(ctx, s.Chat, 0, 1)
	_, results["Items"] = k.store.Items(ctx, s.Chat, store.Query{From: 1, To: 1, Limit: 1})
	_, results["SeqAt"] = k.store.SeqAt(ctx, s.Chat, base)
	_, results["LastSeqs"] = k.store.LastSeqs(ctx, []chat.ChatID{s.Chat})
	_, results["Chats"] = k.store.Chats(ctx, chat.ChatID{}, 1)
	_, results["Contact"] = k.store.Contact(ctx, s.Contact)
	_, results["Due"] = k.store.Due(ctx, 1)
	_, results["Search"] = k.store.Search(ctx, store.Search{})
	for method, err := range results {
		if !errors.Is(err, store.ErrClosed) {
			k.Errorf("%s after Close = %v; want %v", method, err, store.ErrClosed)
		}
	}
}

// closeUnderLoad closes the store in the middle of appends to many chats: each of
// them is stored or told ErrClosed. It gives for each chat how many were stored.
func closeUnderLoad(k *kit) map[chat.ChatID]int {
	const chats = 32
	stored := make(map[chat.ChatID]int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	some := make(chan struct{}, chats)
	for range chats {
		id := NewChat()
		wg.Go(func() {
			var n int
			var err error
			for ; err == nil; n++ {
				if n == 3 {
					some <- struct{}{}
				}
				err = k.store.Append(k.Context(), Messages(id, int64(n), 1))
			}
			if !errors.Is(err, store.ErrClosed) {
				k.Errorf("Append while closing = %v; want nil or %v", err, store.ErrClosed)
			}
			mu.Lock()
			defer mu.Unlock()
			stored[id] = n - 1
		})
	}
	for range chats / 2 {
		<-some
	}
	if err := k.store.Close(); err != nil {
		k.Errorf("Close: %v", err)
	}
	wg.Wait()
	return stored
}

// RunDurable tests what a store that survives its process must do besides what Run
// tests. open opens the store that lives in dir, which is new at first.
func RunDurable(t *testing.T, open func(t *testing.T, dir string) store.Store) {
	t.Run("durable reopen", func(t *testing.T) { reopen(t, open) })
	t.Run("durable close under load", func(t *testing.T) { reopenAfterLoad(t, open) })
}

// reopen: all that was stored is there after each reopening, and can be added to.
func reopen(t *testing.T, open func(*testing.T, string) store.Store) {
	dir := t.TempDir()
	s := summary(NewChat())
	want := Kinds(s.Chat)
	k := newKit(t, open(t, dir))
	k.append(store.Append{Chat: s.Chat, Entries: want, Summaries: []chat.Summary{s}})
	for range 3 {
		if err := k.store.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		k = newKit(t, open(t, dir))
		k.wantLog(s.Chat, want)
		k.wantContact(s)
		k.wantDue(10, store.Due{Chat: s.Chat, At: s.Deadline})
		last := int64(len(want))
		k.wantSeqAt(s.Chat, at(last), visibleLast(want))
		k.refused(Messages(s.Chat, last-1, 1), store.ErrConflict)
		more := Messages(s.Chat, last, 2)
		k.append(more)
		want = append(want, more.Entries...)
	}
}

func visibleLast(log []chat.Entry) int64 {
	for i := len(log) - 1; i >= 0; i-- {
		if log[i].Visible() {
			return log[i].Seq
		}
	}
	return 0
}

// reopenAfterLoad: what was acknowledged before Close is there, and nothing else.
func reopenAfterLoad(t *testing.T, open func(*testing.T, string) store.Store) {
	dir := t.TempDir()
	stored := closeUnderLoad(newKit(t, open(t, dir)))
	k := newKit(t, open(t, dir))
	for id, n := range stored {
		k.wantLog(id, Messages(id, 0, n).Entries)
	}
}
