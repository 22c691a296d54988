package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

var searchChecks = []check{
	{"search malformed", searchMalformed},
	{"search times", searchTimes},
	{"search criteria", searchCriteria},
	{"search texts", searchTexts},
	{"search labels", searchLabels},
	{"search pages", searchPages},
	{"search what changes", searchChanges},
	{"search random", searchRandom},
}

// put stores rows, each as the only one of a new chat, and gives them.
func (k *kit) put(change func(i int, s *chat.Summary), n int) []chat.Summary {
	k.Helper()
	all := make([]chat.Summary, n)
	for i := range all {
		all[i] = summary(NewChat())
		change(i, &all[i])
		a := Messages(all[i].Chat, 0, 1)
		a.Summaries = all[i : i+1]
		k.append(a)
	}
	return all
}

// find searches the suite's instance.
func (k *kit) find(q store.Search) store.Found {
	k.Helper()
	if q.Instance == "" {
		q.Instance = instance
	}
	found, err := k.store.Search(k.Context(), q)
	if err != nil {
		k.Fatalf("Search(%+v): %v", q, err)
	}
	return found
}

// wantFound compares what is found with the rows it must be, in order, and counts.
func (k *kit) wantFound(what string, q store.Search, want ...chat.Summary) {
	k.Helper()
	q.Limit = 1000
	found := k.find(q)
	if !slices.Equal(found.Contacts, want) || found.Total != len(want) {
		k.Errorf("Search %s\n got %v, %d in total\nwant %v", what, brief(found.Contacts), found.Total, brief(want))
	}
	q.Limit = 0
	if found := k.find(q); found.Total != len(want) || len(found.Contacts) > 0 {
		k.Errorf("Search %s, to count only: %d, with %d contacts; want %d", what, found.Total, len(found.Contacts), len(want))
	}
}

func brief(all []chat.Summary) []string {
	var ids []string
	for _, s := range all {
		ids = append(ids, s.Contact.String()[20:])
	}
	return ids
}

// searchMalformed: what Search.Check refuses is refused.
func searchMalformed(k *kit) {
	for what, q := range map[string]store.Search{
		"an unknown time":      {By: store.Ended + 1},
		"a negative limit":     {Limit: -1},
		"an empty alternative": {Labels: [][]string{{"a"}, {}}},
	} {
		if _, err := k.store.Search(k.Context(), q); err == nil {
			k.Errorf("Search with %s succeeded; want it refused", what)
		}
	}
}

// searchTimes: both bounds are inclusive, to the millisecond; who has no such time is
// not found; the order is that of the time.
func searchTimes(k *kit) {
	fields := map[store.TimeField]func(*chat.Summary) *time.Time{
		store.Initiated:        func(s *chat.Summary) *time.Time { return &s.InitiatedAt },
		store.Queued:           func(s *chat.Summary) *time.Time { return &s.QueuedAt },
		store.ConnectedToAgent: func(s *chat.Summary) *time.Time { return &s.ConnectedAt },
		store.Ended:            func(s *chat.Summary) *time.Time { return &s.EndedAt },
	}
	for by, field := range fields {
		inst := fmt.Sprint("instance of ", by)
		all := k.put(func(i int, s *chat.Summary) {
			s.Instance = inst
			s.InitiatedAt, s.QueuedAt, s.ConnectedAt, s.EndedAt = at(100), at(100), at(100), at(100)
			*field(s) = at(1).Add(time.Duration(i) * time.Millisecond)
			if i == 5 {
				*field(s) = time.Time{}
			}
		}, 6)
		q := store.Search{Instance: inst, By: by, Ascending: true}
		k.wantFound("without bounds", q, all[:5]...)
		q.From, q.To = at(1).Add(time.Millisecond), at(1).Add(3*time.Millisecond)
		k.wantFound("from and to", q, all[1:4]...)
		q.Ascending = false
		k.wantFound("backwards", q, all[3], all[2], all[1])
		q.From, q.To = time.Time{}, at(1)
		k.wantFound("to", q, all[0])
		q.From, q.To = at(1).Add(4*time.Millisecond), time.Time{}
		k.wantFound("from", q, all[4])
		q.From = at(200)
		k.wantFound("later than all", q)
	}
}

// searchCriteria: all criteria must hold, of each list one value.
func searchCriteria(k *kit) {
	methods := []chat.Method{chat.MethodAPI, chat.MethodTransfer, chat.MethodMonitor}
	all := k.put(func(i int, s *chat.Summary) {
		s.InitiatedAt = at(int64(i))
		s.Agent, s.Queue, s.Name = fmt.Sprint("agent ", i%2), fmt.Sprint("queue ", i%3), fmt.Sprint("name ", i)
		s.Method = methods[i%3]
		if i%4 == 0 {
			s.EndedAt = at(50)
		}
	}, 12)
	k.put(func(_ int, s *chat.Summary) { s.Instance = "another" }, 2)
	want := func(match func(i int) bool) (matching []chat.Summary) {
		for i := range all {
			if match(i) {
				matching = append(matching, all[i])
			}
		}
		return matching
	}
	yes, no := true, false
	for what, c := range map[string]struct {
		q     store.Search
		match func(i int) bool
	}{
		"everything":    {store.Search{}, func(int) bool { return true }},
		"going on":      {store.Search{Active: &yes}, func(i int) bool { return i%4 != 0 }},
		"ended":         {store.Search{Active: &no}, func(i int) bool { return i%4 == 0 }},
		"an agent":      {store.Search{Agents: []string{"agent 1"}}, func(i int) bool { return i%2 == 1 }},
		"of two agents": {store.Search{Agents: []string{"agent 1", "agent 0"}}, func(int) bool { return true }},
		"no agent":      {store.Search{Agents: []string{"agent"}}, func(int) bool { return false }},
		"two queues":    {store.Search{Queues: []string{"queue 0", "queue 2", "x"}}, func(i int) bool { return i%3 != 1 }},
		"names":         {store.Search{Names: []string{"name 3", "name 11"}}, func(i int) bool { return i == 3 || i == 11 }},
		"methods":       {store.Search{Methods: methods[1:]}, func(i int) bool { return i%3 > 0 }},
		"all together": {
			store.Search{
				Active: &yes, Agents: []string{"agent 1"}, Queues: []string{"queue 0", "queue 1"}, Methods: methods[:2],
				From: at(2), To: at(9), Names: []string{"name 1", "name 7", "name 9"},
			},
			func(i int) bool { return i == 7 || i == 9 },
		},
	} {
		c.q.Ascending = true
		k.wantFound(what, c.q, want(c.match)...)
	}
}

// searchTexts: texts are compared exactly, and are never more than texts.
func searchTexts(k *kit) {
	all := append([]string{"%", "_", "*", "A", "a", "e\u0301", "\u00e9", "' OR 1=1 --", "$1", "%s"}, texts...)
	rows := k.put(func(i int, s *chat.Summary) {
		s.Agent, s.Queue, s.Name, s.Method = all[i], all[i], all[i], chat.Method(all[i])
		s.Labels = chat.TagLabel(all[i], all[i])
	}, len(all))
	for i, text := range all {
		list := []string{text}
		k.wantFound("an agent by text", store.Search{Agents: list}, rows[i])
		k.wantFound("a queue by text", store.Search{Queues: list}, rows[i])
		k.wantFound("a name by text", store.Search{Names: list}, rows[i])
		k.wantFound("a method by text", store.Search{Methods: []chat.Method{chat.Method(text)}}, rows[i])
		k.wantFound("a label by text", store.Search{Labels: [][]string{{chat.TagLabel(text, text)}}}, rows[i])
		if text != instance {
			k.wantFound("an instance by text", store.Search{Instance: text + "?"})
		}
	}
}

// searchLabels: of each alternative one label.
func searchLabels(k *kit) {
	tag, attribute := chat.TagLabel, chat.AttributeLabel
	labels := []string{
		"", tag("a", "1"), attribute("a", "1"), tag("a", "1") + tag("b", "2"),
		tag("a", "1") + tag("b", "3") + attribute("c", "🦉"), tag("a", "11"), tag("aa", "1"), attribute("c", "🦉"),
	}
	all := k.put(func(i int, s *chat.Summary) { s.InitiatedAt, s.Labels = at(int64(i)), labels[i] }, len(labels))
	for what, c := range map[string]struct {
		labels [][]string
		want   []int
	}{
		"a tag":              {[][]string{{tag("a", "1")}}, []int{1, 3, 4}},
		"an attribute":       {[][]string{{attribute("c", "🦉")}}, []int{4, 7}},
		"one of two":         {[][]string{{tag("b", "2"), tag("b", "3")}}, []int{3, 4}},
		"both":               {[][]string{{tag("a", "1")}, {tag("b", "2")}}, []int{3}},
		"two of two":         {[][]string{{tag("b", "2"), tag("b", "3")}, {attribute("c", "🦉"), attribute("a", "1")}}, []int{4}},
		"what can't be":      {[][]string{{tag("b", "2")}, {tag("b", "3")}}, nil},
		"one that is no one": {[][]string{{tag("", "")}}, nil},
	} {
		var want []chat.Summary
		for _, i := range c.want {
			want = append(want, all[i])
		}
		k.wantFound(what, store.Search{Labels: c.labels, Ascending: true}, want...)
	}
}

// searchPages: pages join without a gap and without anything twice, also where times
// are equal, where the cursor's contact is gone, and while contacts are added.
func searchPages(k *kit) {
	all := k.put(func(i int, s *chat.Summary) { s.InitiatedAt = at(int64(i / 5)) }, 23)
	for _, ascending := range []bool{true, false} {
		q := store.Search{Ascending: ascending}
		want := slices.SortedFunc(slices.Values(all), func(a, b chat.Summary) int { return q.Cursor(&a).Compare(q.Cursor(&b)) })
		if !ascending {
			slices.Reverse(want)
		}
		for _, q.Limit = range []int{1, 2, 5, 7, 22, 23, 24} {
			var got []chat.Summary
			q.After = nil
			for page := 0; page <= len(all); page++ {
				found := k.find(q)
				if found.Total != len(all) {
					k.Errorf("with a cursor, Total is %d; want %d", found.Total, len(all))
				}
				got = append(got, found.Contacts...)
				if len(found.Contacts) < q.Limit {
					break
				}
				after := q.Cursor(&got[len(got)-1])
				q.After = &after
			}
			if !slices.Equal(got, want) {
				k.Errorf("pages of %d\n got %v\nwant %v", q.Limit, brief(got), brief(want))
			}
		}
	}
	// A place between two.
	q := store.Search{Ascending: true, Limit: 1, After: &store.Cursor{At: at(2).Add(time.Millisecond)}}
	if found := k.find(q); len(found.Contacts) != 1 || !found.Contacts[0].InitiatedAt.Equal(at(3)) {
		k.Errorf("after a place between contacts: %v", brief(found.Contacts))
	}
}

// searchChanges: what is found follows the rows, and each contact of a chat is one.
func searchChanges(k *kit) {
	s := summary(NewChat())
	k.wantFound("before", store.Search{})
	k.append(store.Append{Chat: s.Chat, Summaries: []chat.Summary{s}})
	k.wantFound("by the queue", store.Search{Queues: []string{s.Queue}}, s)
	next := s
	next.Contact, next.Previous, next.InitiatedAt = chat.ContactID{ID: entryID(s.Chat, 5)}, s.Contact, at(9)
	old := s.Queue
	s.Queue, s.EndedAt, s.Labels = "other", at(9), ""
	k.append(store.Append{Chat: s.Chat, Summaries: []chat.Summary{s, next}})
	k.wantFound("by the old queue", store.Search{Queues: []string{old}}, next)
	k.wantFound("by the new queue", store.Search{Queues: []string{"other"}}, s)
	k.wantFound("the ended", store.Search{By: store.Ended}, s)
	k.wantFound("both", store.Search{}, next, s)
}

// searchRandom compares with the plain meaning of a search.
func searchRandom(k *kit) {
	random := rand.New(rand.NewPCG(1, 2))
	few := []string{"a", "b", "c"}
	pick := func() string { return few[random.IntN(len(few))] }
	some := func() []string { return few[:random.IntN(len(few))] }
	all := k.put(func(i int, s *chat.Summary) {
		s.InitiatedAt, s.Agent, s.Queue, s.Name = at(int64(random.IntN(10))), pick(), pick(), pick()
		s.Labels = chat.TagLabel("k", pick()) + chat.AttributeLabel("k", pick())
	}, 60)
	for range 100 {
		q := store.Search{Agents: some(), Queues: some(), Names: some(), Ascending: random.IntN(2) == 0}
		if random.IntN(2) == 0 {
			q.From, q.To = at(int64(random.IntN(5))), at(int64(4+random.IntN(5)))
		}
		for range random.IntN(3) {
			q.Labels = append(q.Labels, []string{chat.TagLabel("k", pick()), chat.AttributeLabel("k", pick())})
		}
		var want []chat.Summary
		for _, s := range all {
			if plainly(&q, &s) {
				want = append(want, s)
			}
		}
		slices.SortFunc(want, func(a, b chat.Summary) int { return q.Cursor(&a).Compare(q.Cursor(&b)) })
		if !q.Ascending {
			slices.Reverse(want)
		}
		k.wantFound(fmt.Sprintf("%+v", q), q, want...)
	}
}

func plainly(q *store.Search, s *chat.Summary) bool {
	in := func(list []string, text string) bool { return len(list) == 0 || slices.Contains(list, text) }
	labels := strings.SplitAfter(s.Labels, "\n")
	for _, wanted := range q.Labels {
		if !slices.ContainsFunc(wanted, func(label string) bool { return slices.Contains(labels, label) }) {
			return false
		}
	}
	return in(q.Agents, s.Agent) && in(q.Queues, s.Queue) && in(q.Names, s.Name) &&
		(q.From.IsZero() || !s.InitiatedAt.Before(q.From)) && (q.To.IsZero() || !s.InitiatedAt.After(q.To))
}
