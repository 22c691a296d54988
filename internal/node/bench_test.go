package node_test

import (
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/localbus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/store/memstore"
)

// perChat is how long the chats of a benchmark grow.
const perChat = 100

// BenchmarkDo sends messages; watched has a watcher in each chat, as sockets are.
// BenchmarkDecide is the part of it that the rules take.
func BenchmarkDo(b *testing.B) {
	for _, watched := range []bool{false, true} {
		name := map[bool]string{false: "unwatched", true: "watched"}[watched]
		b.Run(name, func(b *testing.B) {
			n := node.New(node.Config{Store: memstore.New(), Bus: localbus.New(), Clock: clockwork.NewRealClock()})
			defer n.Close()
			seen := 0
			b.ReportAllocs()
			var id chat.ChatID
			var jane chat.ParticipantID
			for i := range b.N {
				if i%perChat == 0 {
					var err error
					if id, jane, err = n.Start(b.Context(), settings, nil, ""); err != nil {
						b.Fatal(err)
					}
					if _, err = n.Do(b.Context(), id, chat.Connect{By: jane}); err != nil {
						b.Fatal(err)
					}
					if watched {
						_, stop, err := n.Watch(b.Context(), id, func(bus.Notice) { seen++ })
						if err != nil {
							b.Fatal(err)
						}
						defer stop()
					}
				}
				if _, err := n.Do(b.Context(), id, say(jane, "hello", "")); err != nil {
					b.Fatal(err)
				}
			}
			if watched && seen != b.N {
				b.Errorf("watchers saw %d of %d", seen, b.N)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	b.ReportAllocs()
	var c *chat.Chat
	var jane chat.ParticipantID
	do := func(cmd chat.Command) chat.ID {
		out, err := chat.Decide(c, cmd, dawn, node.NewID)
		if err != nil {
			b.Fatal(err)
		}
		c.Apply(out.Entries...)
		return out.ID
	}
	for i := range b.N {
		if i%perChat == 0 {
			c = chat.New(chat.ChatID{ID: node.NewID(dawn)})
			jane = chat.ParticipantID{ID: do(chat.Start{Settings: settings})}
			do(chat.Connect{By: jane})
		}
		do(say(jane, "hello", ""))
	}
}
