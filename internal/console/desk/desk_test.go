package desk_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/console/desk"
)

// Everybody sees what is theirs to see: agents what waits in their queues, and the chats
// that they are in or invited to; supervisors all.
func TestBoard(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support", "Hello?", "Anybody?")
	w.start("Omar", "orders")
	bob, sue, tom, max := w.as("bob"), w.as("sue"), w.as("tom"), w.as("max")
	for b, want := range map[*browser]string{
		bob: "Jane waiting;", sue: "Jane waiting;", tom: "Omar waiting;", max: "Omar waiting;Jane waiting;",
	} {
		if got := b.board(); got != want {
			t.Errorf("the board has %q, want %q", got, want)
		}
	}
	bob.accept(jane)
	if got := bob.board(); got != "Jane active;" {
		t.Errorf("Bob has %q", got)
	}
	if got := sue.board(); got != "" {
		t.Errorf("Sue still sees %q", got)
	}
	bob.must("POST", "contacts/"+jane.contact()+"/invite", `{"UserId":"tom"}`, nil)
	if got := tom.board(); got != "Jane active;Omar waiting;" && got != "Omar waiting;Jane active;" {
		t.Errorf("Tom has %q", got)
	}

	var board desk.Board
	tom.must("GET", "board", "", &board)
	for _, c := range board.Contacts {
		if c.Customer == "Jane" && (c.FirstMessage != "Hello?" || len(c.Seats) != 1 || c.Seats[0].Present || c.QueueName != "Support") {
			t.Errorf("Tom sees %+v", c)
		}
	}
	if board.Total != 2 || board.Time == "" {
		t.Errorf("of all: %+v", board)
	}
	tom.accept(jane)
	tom.must("GET", "board", "", &board)
	for _, c := range board.Contacts {
		if c.Customer == "Jane" && (len(c.Seats) != 1 || !c.Seats[0].Present) {
			t.Errorf("in the chat, Tom sees %+v", c)
		}
	}
	jane.do(chat.Leave{By: jane.id})
	if got := bob.board(); got != "" {
		t.Errorf("the chat is over, and Bob has %q", got)
	}
}

func TestAccept(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support")
	path := "contacts/" + jane.contact() + "/accept"
	bob, sue, tom := w.as("bob"), w.as("sue"), w.as("tom")
	tom.refused("POST", path, "{}", http.StatusNotFound, "no such contact")
	var first, second desk.Place
	bob.must("POST", path, "{}", &first)
	sue.refused("POST", path, "{}", http.StatusConflict, "Bob has been asked to take the chat")
	at := w.place(first)
	at.connect()
	bob.must("POST", path, "{}", &second)
	if second.ParticipantId != first.ParticipantId {
		t.Errorf("after a reload Bob has another place: %+v, %+v", first, second)
	}
	sue.refused("POST", path, "{}", http.StatusNotFound, "")
	jane.do(chat.Leave{By: jane.id})
	bob.refused("POST", path, "{}", http.StatusConflict, "The chat has ended")
	bob.refused("POST", "contacts/00000000-0000-4000-8000-000000000009/accept", "{}", http.StatusNotFound, "")
	bob.refused("POST", "contacts/nonsense/accept", "{}", http.StatusNotFound, "")
}

// Supervisors take over what others were asked to take.
func TestSupervisorAccepts(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support")
	w.as("bob").must("POST", "contacts/"+jane.contact()+"/accept", "{}", nil)
	w.as("max").accept(jane)
}

func TestWatch(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support")
	path := "contacts/" + jane.contact() + "/watch"
	w.as("bob").refused("POST", path, "{}", http.StatusForbidden, "Only supervisors")
	var first, second desk.Place
	max := w.as("max")
	max.must("POST", path, "{}", &first)
	max.must("POST", path, "{}", &second)
	if first.Role != "SUPERVISOR" || first.ParticipantId != second.ParticipantId {
		t.Errorf("Max watches as %+v and %+v", first, second)
	}
	w.place(first).connect() // may barge in
}

func TestTransfer(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support")
	bob, tom := w.as("bob"), w.as("tom")
	path := "contacts/" + jane.contact() + "/transfer"
	bob.refused("POST", path, `{"QueueId":"orders"}`, http.StatusForbidden, "who is in the chat")
	bob.accept(jane)
	for body, status := range map[string]int{
		`{}`: http.StatusBadRequest, `{"QueueId":"orders","UserId":"tom"}`: http.StatusBadRequest,
		`{"QueueId":"none"}`: http.StatusNotFound, `{"UserId":"none"}`: http.StatusNotFound, `{"UserId":7}`: http.StatusBadRequest,
	} {
		bob.refused("POST", path, body, status, "")
	}
	bob.must("POST", path, `{"QueueId":"orders"}`, nil)
	if got := tom.board(); got != "Jane waiting;" {
		t.Errorf("in the queue, Tom has %q", got)
	}
	tom.accept(jane)
	tom.must("POST", path, `{"UserId":"sue"}`, nil)
	w.as("sue").accept(jane)
	if got := tom.board(); got != "" {
		t.Errorf("Tom has handed it over, and has %q", got)
	}
	var d desk.ContactDetails
	w.as("max").must("GET", "contacts/"+jane.contact(), "", &d)
	if len(d.Chain) != 3 {
		t.Errorf("the chain is %v", d.Chain)
	}
}

func TestInviteAndEnd(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support")
	bob := w.as("bob")
	bob.accept(jane)
	path := "contacts/" + jane.contact()
	bob.refused("POST", path+"/invite", `{"UserId":"none"}`, http.StatusNotFound, "UserId")
	bob.refused("POST", path+"/invite", `{"UserId":"bob"}`, http.StatusConflict, "already")
	bob.must("POST", path+"/invite", `{"UserId":"tom"}`, nil)
	w.as("tom").accept(jane)
	w.as("sue").refused("POST", path+"/end", "{}", http.StatusNotFound, "")
	w.as("max").must("POST", path+"/end", "{}", nil)
	var d desk.ContactDetails
	bob.must("GET", path, "", &d)
	if d.Contact.State != "ended" || d.Contact.DisconnectReason != "API" {
		t.Errorf("%+v", d.Contact)
	}
}

func TestAttributes(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support")
	bob := w.as("bob")
	bob.accept(jane)
	path := "contacts/" + jane.contact() + "/attributes"
	for _, bad := range []string{`{}`, `{"Attributes":{}}`, `{"Attributes":{"a b":"c"}}`, `{"Attributes":{"a":7}}`, `{`} {
		bob.refused("POST", path, bad, http.StatusBadRequest, "")
	}
	bob.must("POST", path, `{"Attributes":{"order":"4711"}}`, nil)
	var out desk.AttributesOut
	bob.must("POST", path, `{"Attributes":{"colour":"red"}}`, &out)
	if out.Attributes["order"] != "4711" || out.Attributes["colour"] != "red" {
		t.Errorf("%v", out.Attributes)
	}
	var list desk.ListContactsOut
	bob.must("GET", "contacts?text=471", "", &list)
	if len(list.Contacts) != 1 {
		t.Errorf("by the attribute: %v", list.Contacts)
	}
}

func TestListContacts(t *testing.T) {
	w := newWorld(t, false)
	jane, omar := w.start("Jane", "support"), w.start("Omar", "orders")
	bob, max := w.as("bob"), w.as("max")
	bob.accept(jane)
	omar.do(chat.Leave{By: omar.id})
	for query, want := range map[string]string{
		"": "Omar Jane", "state=active": "Jane", "state=ended": "Omar", "queue=support": "Jane", "agent=bob": "Jane",
		"text=OMA": "Omar", "text=" + jane.contact(): "Jane", "text=nothing": "", "text=00000000-0000-4000-8000-000000000009": "",
	} {
		var out desk.ListContactsOut
		max.must("GET", "contacts?"+query, "", &out)
		var names []string
		for _, c := range out.Contacts {
			names = append(names, c.Customer)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	var mine desk.ListContactsOut
	bob.must("GET", "contacts?agent=sue", "", &mine)
	if len(mine.Contacts) != 1 || mine.Contacts[0].Customer != "Jane" {
		t.Errorf("Bob finds %v", mine.Contacts)
	}
	max.refused("GET", "contacts?state=odd", "", http.StatusBadRequest, "state")
	max.refused("GET", "contacts?next=odd", "", http.StatusBadRequest, "NextToken")
}

// A list is read to its end, page by page, each contact once.
func TestListContactsInPages(t *testing.T) {
	w := newWorld(t, false)
	seen := make(map[string]bool)
	for range 120 {
		seen[w.start("Jane", "support").contact()] = false
	}
	max := w.as("max")
	next, pages := "", 0
	for ; pages == 0 || next != ""; pages++ {
		path := "contacts?text=jane"
		if next != "" {
			path += "&next=" + next
		}
		var out desk.ListContactsOut
		max.must("GET", path, "", &out)
		for _, c := range out.Contacts {
			if was, ours := seen[c.ContactId]; was || !ours {
				t.Errorf("%s comes twice, or is none of ours", c.ContactId)
			}
			seen[c.ContactId] = true
		}
		next = out.NextToken
	}
	for id, was := range seen {
		if !was {
			t.Errorf("%s was not found", id)
		}
	}
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
}

func TestTranscript(t *testing.T) {
	w := newWorld(t, false)
	jane := w.start("Jane", "support", "Hello?\nAnybody?")
	bob := w.as("bob")
	at := bob.accept(jane)
	at.say("Here I am")
	bob.must("POST", "contacts/"+jane.contact()+"/transfer", `{"QueueId":"orders"}`, nil)
	w.as("tom").accept(jane).say("Tom here")
	jane.do(chat.Leave{By: jane.id})

	path := "contacts/" + jane.contact() + "/transcript"
	var one, all desk.Transcript
	bob.must("GET", path, "", &one)
	bob.must("GET", path+"?scope=chat", "", &all)
	if one.Version != "2019-08-26" || one.InstanceId != "i" || one.ContactId != jane.contact() || one.InitialContactId != jane.chat.String() {
		t.Errorf("the head is %+v", one)
	}
	if len(one.Participants) != 3 || len(all.Participants) != 4 || len(one.Transcript) >= len(all.Transcript) {
		t.Errorf("participants %v, %v; items %d, %d", one.Participants, all.Participants, len(one.Transcript), len(all.Transcript))
	}
	if last := all.Transcript[len(all.Transcript)-1]; last.ContentType != chat.EventEnded || last.ContactId != "" || last.InitialContactId != "" {
		t.Errorf("the last item is %+v", last)
	}
	a := bob.ask("GET", path+".txt", "")
	for _, want := range []string{"2026-11-23 (UTC)", "10:00:01  Jane: Hello?\n          Anybody?\n", "Bob: Here I am", "Tom: Tom here", "— chat.ended"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the text has no %q:\n%s", want, a.body)
		}
	}
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="`+jane.contact()+`.txt"` {
		t.Errorf("Content-Disposition: %s", got)
	}
	w.as("sue").refused("GET", path, "", http.StatusNotFound, "not yours to see")
	w.as("sue").refused("GET", path+".txt", "", http.StatusNotFound, "not yours to see")
}

func TestNow(t *testing.T) {
	w := newWorld(t, false)
	w.start("Jane", "support")
	w.as("bob").refused("GET", "now", "", http.StatusForbidden, "supervisors")
	var now desk.Now
	w.as("max").must("GET", "now", "", &now)
	if now.Active != 1 || now.Waiting != 1 || now.Sockets != 7 || len(now.Seconds) != 60 {
		t.Errorf("%+v", now)
	}
	if newWorld(t, true).as("bob").ask("GET", "now", "").status != http.StatusOK {
		t.Error("on a developer's own server, Bob sees no figures")
	}
}

func TestUnknownPath(t *testing.T) {
	w := newWorld(t, false)
	w.as("bob").refused("GET", "nothing", "", http.StatusNotFound, "")
	w.as("bob").refused("GET", "sign-in", "", http.StatusMethodNotAllowed, "")
}
