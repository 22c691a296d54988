package node_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store"
)

// crowd is a story of a node that has room for two chats. start gives the error of a
// start with a ClientToken.
func crowd(t *testing.T, story func(w *world, start func(token string, want error) chat.ChatID)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		w.maxChats = 2
		w.addNode(0)
		story(w, func(token string, want error) chat.ChatID {
			t.Helper()
			id, _, err := w.nodes[0].Start(w.ctx, settings, nil, token)
			if !errors.Is(err, want) {
				t.Fatalf("start %s: %v, want %v", token, err, want)
			}
			return id
		})
	})
}

func TestMaxChats(t *testing.T) {
	crowd(t, func(w *world, start func(string, error) chat.ChatID) {
		first := start("1", nil)
		start("1", nil) // the same one again
		start("2", nil)
		start("3", node.ErrFull)
		start("", node.ErrFull)
		if again := start("1", nil); again != first {
			t.Errorf("a repetition starts %v, not %v", again, first)
		}
		other := settings
		other.Instance = "other"
		if _, _, err := w.nodes[0].Start(w.ctx, other, nil, ""); err != nil {
			t.Errorf("another instance: %v", err)
		}
		w.do(0, first, chat.Stop{})
		w.pass(time.Second)
		start("3", nil)
		start("4", node.ErrFull)
	})
}

// What others have started counts a moment later.
func TestMaxChatsCountsOthers(t *testing.T) {
	crowd(t, func(w *world, start func(string, error) chat.ChatID) {
		w.addNode(0)
		start("1", nil)
		if _, _, err := w.nodes[1].Start(w.ctx, settings, nil, "2"); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		start("3", node.ErrFull)
	})
}

func TestMaxChatsWithFaults(t *testing.T) {
	crowd(t, func(w *world, start func(string, error) chat.ChatID) {
		w.store.onRead(failing("Search"))
		start("1", errDisk)
		w.store.onRead(func(string) error { return store.ErrBusy })
		start("1", node.ErrBusy)
		w.store.onRead(nil)
		w.store.next(lost, lost)
		start("1", errDisk) // and it takes no room
		start("2", errDisk)
		start("1", nil)
		start("2", nil)
		w.store.onRead(failing("Entries"))
		start("3", errDisk)
	})
}

// Without a limit nobody is counted.
func TestNoLimitCostsNothing(t *testing.T) {
	play(t, 1, func(w *world) {
		w.store.onRead(failing("Search"))
		for range 5 {
			w.begin()
		}
	})
}
