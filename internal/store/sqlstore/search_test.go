package sqlstore

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/storetest"
)

// TestSearchPlans: a page is read from an index, in its order.
func TestSearchPlans(t *testing.T) {
	file := filled(t)
	db := openPools(t, file)
	d := sqliteDialect(file)
	for by := store.Initiated; by <= store.Ended; by++ {
		for _, ascending := range []bool{true, false} {
			q := store.Search{
				By: by, Ascending: ascending, From: time.Unix(1, 0), To: time.Unix(2, 0), After: &store.Cursor{},
				Agents: []string{"a"}, Labels: [][]string{{"a", "b"}, {"c"}},
			}
			c := d.where(&q)
			c.page(&q)
			wantPlan(t, db, sqlSearchContacts+c.text.String())
			if plan := explain(t, db, sqlSearchContacts+c.text.String()); !strings.Contains(plan, "instance_id=? AND "+timeColumns[by]) {
				t.Errorf("a search by %s is planned as\n%s", timeColumns[by], plan)
			}
		}
	}
}

// TestMigrateContacts has a database of the first schema: its contacts can be found
// as if they had been written today.
func TestMigrateContacts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "chats.db")
	write(t, file, nil)
	db := openPools(t, file)
	d := sqliteDialect(file)
	steps, err := d.steps()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.migrate(t.Context(), conn, steps[:1]); err != nil {
		t.Fatal(err)
	}
	conn.Close()

	c, log := eventful(t)
	b := mustEncode(t, store.Append{Chat: c.ID, Entries: log})
	for i := range b.rows {
		if _, err := db.Exec(sqlInsertEntry, b.args(&b.rows[i])...); err != nil {
			t.Fatal(err)
		}
	}
	want := c.Summaries()[0]
	for _, s := range []chat.Summary{want, {Chat: storetest.NewChat()}} { // the second has no entries
		if _, err := db.Exec(`INSERT INTO contact (chat_id, contact_id, instance_id, initiated_at, ended_at, deadline, queue, agent)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			s.Chat.UUID[:], s.Contact.UUID[:], s.Instance, millis(s.InitiatedAt), millis(s.EndedAt), millis(s.Deadline), s.Queue, s.Agent); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()

	s := open(t, file)
	if got, err := s.Contact(t.Context(), want.Contact); err != nil || got != want {
		t.Errorf("after the migration\n got %+v, %v\nwant %+v", got, err, want)
	}
	found, err := s.Search(t.Context(), store.Search{
		By: store.Queued, Limit: 1, Labels: [][]string{{chat.AttributeLabel("b", "new \"\\\n")}},
	})
	if err != nil || !slices.Equal(found.Contacts, []chat.Summary{want}) {
		t.Errorf("after the migration there are found %+v, %v", found, err)
	}
}

// eventful makes a chat whose contact has all that a row of the second schema holds,
// and its log.
func eventful(t *testing.T) (*chat.Chat, []chat.Entry) {
	t.Helper()
	c := chat.New(storetest.NewChat())
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	var log []chat.Entry
	do := func(cmd chat.Command) chat.ID {
		t.Helper()
		now = now.Add(time.Second)
		out, err := chat.Decide(c, cmd, now, func(time.Time) chat.ID { return storetest.NewChat().ID })
		if err != nil {
			t.Fatal(err)
		}
		c.Apply(out.Entries...)
		log = append(log, out.Entries...)
		return out.ID
	}
	jane := do(chat.Start{Settings: chat.Settings{
		Customer: chat.Author{Name: `Jane "é" \`}, Flow: chat.Flow{Steps: []chat.Step{{Queue: "orders"}}},
		Attributes: map[string]string{"c": "1", "b": "old", `a"\` + "\n": "日本"},
	}})
	do(chat.Connect{By: chat.ParticipantID{ID: jane}})
	for _, name := range []string{"Bob", "Eve"} {
		agent := do(chat.AddParticipant{Role: chat.Agent, Name: name})
		do(chat.Connect{By: chat.ParticipantID{ID: agent}})
	}
	do(chat.UpdateAttributes{Attributes: map[string]string{"b": "newer", "d": "2"}})
	do(chat.UpdateAttributes{Attributes: map[string]string{"b": "new \"\\\n"}})
	do(chat.Leave{By: chat.ParticipantID{ID: jane}})
	s := c.Summaries()[0]
	if s.QueuedAt.IsZero() || s.ConnectedAt.IsZero() || s.Cause == "" || s.Labels == "" || s.Customer == "" {
		t.Fatalf("the row lacks something: %+v", s)
	}
	return c, log
}
