package sqlstore

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storetest"
)

// engines open an empty store for a benchmark.
var engines = map[string]func(b *testing.B) *Store{
	"sqlite": func(b *testing.B) *Store {
		s, err := OpenSQLite(filepath.Join(b.TempDir(), "chats.db"), Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		return s
	},
	"postgres": func(b *testing.B) *Store { return openPostgres(b, pgtest.Database(b)) },
}

// BenchmarkAppend has 256 appenders, each of which has 20 chats, on two cores (the
// factor is per core). It reports appends per second; run it with -cpuprofile to see
// what they cost.
func BenchmarkAppend(b *testing.B) {
	for name, open := range engines {
		b.Run(name, func(b *testing.B) { benchmarkAppend(b, open(b)) })
	}
}

func benchmarkAppend(b *testing.B, s *Store) {
	text := strings.Repeat("a message ", 12)
	b.SetParallelism(128)
	b.ReportAllocs()
	var failed atomic.Pointer[error]
	b.RunParallel(func(pb *testing.PB) {
		const chats = 20
		ids := make([]chat.ChatID, chats)
		for i := range ids {
			ids[i] = storetest.NewChat()
		}
		for n := int64(0); pb.Next(); n++ {
			id, seq := ids[n%chats], n/chats
			a := store.Append{Chat: id, After: seq, Entries: []chat.Entry{storetest.Message(id, seq+1, text)}}
			if err := s.Append(context.Background(), a); err != nil {
				failed.Store(&err)
				return
			}
		}
	})
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// BenchmarkItems reads the newest of a chat's items: a page of GetTranscript.
func BenchmarkItems(b *testing.B) {
	for name, open := range engines {
		b.Run(name, func(b *testing.B) { benchmarkItems(b, open(b)) })
	}
}

func benchmarkItems(b *testing.B, s *Store) {
	id := storetest.NewChat()
	if err := s.Append(context.Background(), storetest.Messages(id, 0, 200)); err != nil {
		b.Fatal(err)
	}
	for _, limit := range []int{15, 100} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			b.ReportAllocs()
			q := store.Query{From: 1, To: 1 << 40, Newest: true, Limit: limit}
			for b.Loop() {
				items, err := s.Items(b.Context(), id, q)
				if err != nil || len(items) != limit {
					b.Fatal(len(items), err)
				}
			}
		})
	}
}
