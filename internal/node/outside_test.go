package node_test

import (
	"math"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// Those who look after chats from outside read what is over, too.
func TestItems(t *testing.T) {
	play(t, 1, func(w *world) {
		id, jane, _ := w.tale()
		w.do(0, id, chat.Leave{By: jane})
		all := store.Query{From: 1, To: math.MaxInt64, Limit: 1000}
		items, err := w.nodes[0].Items(w.ctx, id, all)
		if err != nil || len(items) < 3 || items[len(items)-1].Kind != chat.KindEnded {
			t.Errorf("%v, %v", items, err)
		}
		w.store.onRead(failing("Items"))
		if _, err := w.nodes[0].Items(w.ctx, id, all); err != errDisk {
			t.Errorf("the error is %v", err)
		}
	})
}
