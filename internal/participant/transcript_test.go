package participant_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/participant"
	"github.com/parley-chat/parley/internal/token"
	"github.com/parley-chat/parley/internal/wire"
)

const transcriptPath = "/participant/transcript"

// longChat is a chat with a dozen items, and entries in between that are none.
func longChat(w *world) person {
	p := w.connected()
	agent := w.add(p, chat.Agent)
	w.must(agent.participant, connectionPath, `{"ConnectParticipant":true}`, nil)
	for i := range 10 {
		m := w.say(p, fmt.Sprint("message ", i))
		if i%3 == 0 {
			w.must(agent.connection, eventPath, event(chat.EventRead, `{"messageId":"`+m.Id+`"}`, ""), nil)
		}
		w.clock.Advance(time.Duration(i%4) * 700 * time.Microsecond)
	}
	return p
}

// visible is the whole transcript, straight from the store.
func (w *world) visible(p person) (all []chat.Entry) {
	for _, e := range w.log(p.chat) {
		if e.Visible() {
			all = append(all, e)
		}
	}
	return all
}

// start is a StartPosition; expect finds the items that follow from it, the nearest
// first, in all: the definition in semantics.md 5, as simple as can be.
type start struct {
	json   string
	given  bool
	expect func(all []chat.Entry, backward bool) []chat.Entry
}

// from gives the items from index i on in the direction.
func from(all []chat.Entry, i int, backward bool) []chat.Entry {
	if !backward {
		return all[max(i, 0):]
	}
	if i < 0 {
		return nil
	}
	items := slices.Clone(all[:i+1])
	slices.Reverse(items)
	return items
}

func noStart(json string) start {
	return start{json, false, func(all []chat.Entry, backward bool) []chat.Entry {
		if !backward {
			return nil
		}
		return from(all, len(all)-1, true)
	}}
}

func startAtID(id string) start {
	return start{`{"Id":"` + id + `"}`, true, func(all []chat.Entry, backward bool) []chat.Entry {
		i := slices.IndexFunc(all, func(e chat.Entry) bool { return e.ID.String() == id })
		if i < 0 {
			return nil
		}
		return from(all, i, backward)
	}}
}

func startAtTime(text string, at time.Time) start {
	return start{`{"AbsoluteTime":"` + text + `"}`, true, func(all []chat.Entry, backward bool) []chat.Entry {
		var found []chat.Entry
		for _, e := range all {
			if !backward && !e.At.Before(at) || backward && !e.At.After(at) {
				found = append(found, e)
			}
		}
		if backward {
			slices.Reverse(found)
		}
		return found
	}}
}

func startAtRecent(n int) start {
	return start{fmt.Sprintf(`{"MostRecent":%d}`, n), true, func(all []chat.Entry, backward bool) []chat.Entry {
		return from(all, len(all)-1-n, backward)
	}}
}

// starts are all the interesting places to start at.
func starts(all []chat.Entry) []start {
	list := []start{
		noStart(`{}`), noStart(`null`), noStart(`{"Id":null,"AbsoluteTime":null,"MostRecent":null}`),
		startAtID("x"), startAtID(uuid.Nil.String()), startAtID(uuid.NewString()), startAtID(strings.ToUpper(node.NewID(all[3].At).String())),
		startAtTime("0001-01-01T00:00:00Z", time.Time{}), startAtTime("9999-12-31T23:59:59Z", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)),
	}
	for _, n := range []int{0, 1, len(all) - 1, len(all), 100} {
		list = append(list, startAtRecent(n))
	}
	for i, e := range all {
		list = append(list, startAtID(e.ID.String()))
		at := e.At.Add(time.Duration(i%3-1) * 300 * time.Microsecond)
		list = append(list, startAtTime(wire.Time(e.At), e.At), startAtTime(at.Format("2006-01-02T15:04:05.999999999Z07:00"), at))
	}
	berlin := time.FixedZone("", 3600)
	for _, layout := range []string{"2006-01-02T15:04:05.000-07:00", "2006-01-02T15:04:05.000-0700"} {
		list = append(list, startAtTime(all[5].At.In(berlin).Format(layout), all[5].At))
	}
	list = append(list, startAtTime(all[5].At.Format("2006-01-02T15:04:05.000"), all[5].At))
	// The first of Id, AbsoluteTime and MostRecent counts.
	id, at := startAtID(all[4].ID.String()), startAtTime(wire.Time(all[7].At), all[7].At)
	id.json = `{"MostRecent":1,"AbsoluteTime":"` + wire.Time(all[7].At) + `","Id":"` + all[4].ID.String() + `"}`
	at.json = `{"MostRecent":1,"AbsoluteTime":"` + wire.Time(all[7].At) + `"}`
	return append(list, id, at)
}

// TestTranscriptPages walks through every combination of what can be asked for, page
// by page, and compares with the whole list.
func TestTranscriptPages(t *testing.T) {
	w := newWorld(t)
	p := longChat(w)
	all := w.visible(p)
	for _, s := range starts(all) {
		for _, direction := range []string{"", "FORWARD", "BACKWARD"} {
			for _, order := range []string{"", "ASCENDING", "DESCENDING"} {
				for _, size := range []string{"", "0", "1", "4", "100"} {
					walk(w, p, s, direction, order, size, all)
				}
			}
		}
	}
}

// walk reads all the pages of one combination.
func walk(w *world, p person, s start, direction, order, size string, all []chat.Entry) {
	w.t.Helper()
	backward := direction == "BACKWARD" || direction == "" && !s.given
	limit := map[string]int{"": 10, "0": 10, "1": 1, "4": 4, "100": 100}[size]
	want := s.expect(all, backward)
	body := `{"StartPosition":` + s.json + member("ScanDirection", direction) + member("SortOrder", order)
	if size != "" {
		body += `,"MaxResults":` + size
	}
	next := ""
	for n := 0; ; n++ {
		var page participant.GetTranscriptOut
		request := body + member("NextToken", next) + "}"
		w.must(p.connection, transcriptPath, request, &page)
		part := want[:min(limit, len(want))]
		want = want[len(part):]
		if got, expected := ids(page.Transcript), sorted(part, order != "ASCENDING"); !slices.Equal(got, expected) {
			w.t.Fatalf("%s, page %d: %v, want %v", request, n, got, expected)
		}
		if (page.NextToken != "") != (len(want) > 0) || page.InitialContactId != p.chat.String() {
			w.t.Fatalf("%s, page %d: %d items are left, NextToken %q", request, n, len(want), page.NextToken)
		}
		if next = page.NextToken; next == "" {
			return
		}
	}
}

func member(name, value string) string {
	if value == "" {
		return ""
	}
	return `,"` + name + `":"` + value + `"`
}

func ids(items []wire.Item) []string {
	var all []string
	for _, it := range items {
		all = append(all, it.Id)
	}
	return all
}

func sorted(items []chat.Entry, descending bool) []string {
	items = slices.SortedFunc(slices.Values(items), func(a, b chat.Entry) int { return int(a.Seq - b.Seq) })
	if descending {
		slices.Reverse(items)
	}
	var all []string
	for _, e := range items {
		all = append(all, e.ID.String())
	}
	return all
}

func TestTranscriptShape(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	a := w.post(p.connection, transcriptPath, `{"ScanDirection":"FORWARD"}`)
	if want := `{"InitialContactId":"` + p.chat.String() + `","Transcript":[]}`; a.body != want {
		t.Errorf("%s, want %s", a.body, want)
	}
	a = w.post(p.connection, transcriptPath, ``)
	e := w.visible(p)[0]
	want := `{"InitialContactId":"` + p.chat.String() + `","Transcript":[{"AbsoluteTime":"` + wire.Time(e.At) +
		`","ContentType":"application/vnd.amazonaws.connect.event.participant.joined","Id":"` + e.ID.String() +
		`","Type":"EVENT","ParticipantId":"` + p.id.String() + `","DisplayName":"Jane","ParticipantRole":"CUSTOMER","InitialContactId":"` +
		p.chat.String() + `","ContactId":"` + p.chat.String() + `"}]}`
	if a.body != want {
		t.Errorf("%s, want %s", a.body, want)
	}
}

// TestNextTokens: they stay valid, know their direction, and belong to one chat.
func TestNextTokens(t *testing.T) {
	w := newWorld(t)
	p, other := longChat(w), longChat(w)
	var first, again, later participant.GetTranscriptOut
	w.must(p.connection, transcriptPath, `{"MaxResults":4}`, &first)
	request := `{"MaxResults":4` + member("NextToken", first.NextToken)
	w.must(p.connection, transcriptPath, request+`}`, &again)
	w.say(p, "one more")
	w.clock.Advance(23 * time.Hour)
	w.must(p.connection, transcriptPath, request+`,"ScanDirection":"FORWARD","StartPosition":{"AbsoluteTime":"nonsense"}}`, &later)
	if !slices.Equal(ids(again.Transcript), ids(later.Transcript)) {
		t.Errorf("%v, later %v", ids(again.Transcript), ids(later.Transcript))
	}
	for _, bad := range []string{
		"x", first.NextToken + "x", first.NextToken[:len(first.NextToken)-3] + "AAA", p.connection,
		w.tokens.Seal(token.Page, []byte("short")), strings.Repeat("x", 1000),
	} {
		w.refused(p.connection, transcriptPath, `{"NextToken":"`+bad+`"}`, 400, "ValidationException", "nextToken")
	}
	w.refused(other.connection, transcriptPath, `{"NextToken":"`+first.NextToken+`"}`, 400, "ValidationException", "nextToken")
}

func TestTranscriptRefusals(t *testing.T) {
	w := newWorld(t)
	p, other := w.connected(), w.connected()
	for _, at := range []string{"yesterday", "2026-11-23", "2026-13-01T00:00:00Z", "1700000000", "2026-11-23 10:00:00Z"} {
		w.refused(p.connection, transcriptPath, `{"StartPosition":{"AbsoluteTime":"`+at+`"}}`, 400, "ValidationException", "startPosition.absoluteTime")
	}
	for _, id := range []string{"x", other.chat.String(), p.id.String()} {
		w.refused(p.connection, transcriptPath, `{"ContactId":"`+id+`"}`, 400, "ValidationException", "contactId")
	}
	for _, id := range []string{p.chat.String(), strings.ToUpper(p.chat.String())} {
		w.must(p.connection, transcriptPath, `{"ContactId":"`+id+`"}`, nil)
	}
}

// TestWatchersRead: an invited supervisor or agent may read before being heard.
func TestWatchersRead(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	w.say(p, "hi")
	var page participant.GetTranscriptOut
	w.must(w.add(p, chat.Supervisor).connection, transcriptPath, `{}`, &page)
	if len(page.Transcript) != 2 {
		t.Errorf("%d items", len(page.Transcript))
	}
}

func FuzzNextToken(f *testing.F) {
	w := newWorld(f)
	p := longChat(w)
	var page participant.GetTranscriptOut
	w.must(p.connection, transcriptPath, `{"MaxResults":4}`, &page)
	f.Add(page.NextToken)
	f.Add("")
	f.Add(p.connection)
	f.Fuzz(func(t *testing.T, tok string) {
		body, err := json.Marshal(map[string]string{"NextToken": tok})
		if err != nil {
			return // not UTF-8
		}
		a := w.post(p.connection, transcriptPath, string(body))
		if (a.status == 200) != (tok == page.NextToken) || a.status != 200 && a.status != 400 {
			t.Errorf("%q: %d %s", tok, a.status, a.body)
		}
	})
}
