package sqlstore

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storetest"
)

// documented gives the SQL in docs/operating.md that follows a mark.
func documented(t *testing.T, mark string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "<!-- "+mark+" -->\n```sql\n")
	block, _, ok := strings.Cut(after, "\n```")
	if !ok {
		t.Fatalf("docs/operating.md has no SQL marked %q", mark)
	}
	return block
}

// TestPostgresPartitioned runs the suite on tables as the manual partitions them.
func TestPostgresPartitioned(t *testing.T) {
	url := pgtest.Database(t)
	s := openPostgres(t, url)
	before := storetest.NewChat()
	if err := s.Append(t.Context(), storetest.Messages(before, 0, 3)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	pgtest.Exec(t, url, documented(t, "partition"))
	s = openPostgres(t, url)
	wantLog(t, s, before, 3)
	l := startLoad(t, s)
	l.more(t, 100)
	l.end(t, s)
	if err := s.Append(t.Context(), storetest.Another(storetest.Messages(before, 2, 1))); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Append of an entry that is there = %v; want %v", err, store.ErrConflict)
	}
}

// TestPostgresExpire deletes as the manual does: chats of which all is old, and no others.
func TestPostgresExpire(t *testing.T) {
	url := pgtest.Database(t)
	s := openPostgres(t, url)
	old, recent := time.Now().AddDate(0, 0, -91), time.Now().AddDate(0, 0, -89)
	type contact struct{ ended time.Time }
	chats := map[string][]contact{
		"old": {{old}}, "old chain": {{old}, {old}}, "recent": {{recent}}, "going on": {{}},
		"recently transferred": {{old}, {recent}}, "transferred": {{old}, {}},
	}
	ids := make(map[string]chat.ChatID)
	for name, contacts := range chats {
		id := storetest.NewChat()
		ids[name] = id
		a := storetest.Messages(id, 0, 5)
		for _, c := range contacts {
			a.Summaries = append(a.Summaries, chat.Summary{
				Chat: id, Contact: storetest.NewChat().FirstContact(), Instance: "00000000-0000-4000-8000-000000000001", EndedAt: c.ended,
			})
		}
		if err := s.Append(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, url, documented(t, "expire"))
	for name, id := range ids {
		n := 5
		if strings.HasPrefix(name, "old") {
			n = 0
		}
		wantRows(t, openDB(t, url), map[chat.ChatID]int{id: n})
	}
	left, err := s.Search(t.Context(), store.Search{Instance: "00000000-0000-4000-8000-000000000001", By: store.Ended})
	if err != nil || left.Total != 4 { // recent, and three of what was transferred
		t.Errorf("there are %d ended contacts left, %v; want 4", left.Total, err)
	}
}
