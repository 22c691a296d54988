package node_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// rivals have a chat that is watched on both of two nodes, and of which the first has just
// found the second faster, and then had the last word.
func rivals(w *world) (chat.ChatID, chat.ParticipantID) {
	w.Helper()
	id, jane := w.start()
	w.watch(0, id)
	w.watch(1, id)
	w.store.next(after(func() { w.do(1, id, say(jane, "faster", "")) }))
	w.do(0, id, say(jane, "late", ""))
	synctest.Wait()
	return id, jane
}

// Nodes that compete in a chat take turns.
func TestGiveWay(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := rivals(w)
		before := len(w.log(id))
		for range 3 {
			done := make(chan struct{})
			go func() {
				defer close(done)
				w.do(0, id, say(jane, "after you", ""))
			}()
			synctest.Wait()
			if got := len(w.log(id)); got != before {
				t.Fatalf("%d entries, want %d until the other has had its turn", got, before)
			}
			w.do(1, id, say(jane, "thanks", ""))
			<-done
			synctest.Wait()
			before += 2
		}
		if got := len(w.log(id)); got != before {
			t.Errorf("%d entries, want %d", got, before)
		}
	})
}

// A rival that has nothing to say is waited for once, and not long; one of long ago, not at
// all; nor is anybody, after what others have said.
func TestGiveWayIsShort(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := rivals(w)
		takes := func(want time.Duration) {
			t.Helper()
			began := time.Now()
			w.do(0, id, say(jane, "anybody?", ""))
			if took := time.Since(began); took != want {
				t.Errorf("took %v, want %v", took, want)
			}
		}
		takes(node.Courtesy)
		takes(0)
		w.do(1, id, say(jane, "yes", ""))
		synctest.Wait()
		takes(0)

		id, jane = rivals(w)
		w.do(1, id, say(jane, "me", ""))
		synctest.Wait()
		takes(0)
		time.Sleep(node.Rivalry + 1)
		takes(0)
	})
}
