package participant_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/participant"
	"github.com/parley-chat/parley/internal/store"
	"github.com/parley-chat/parley/internal/store/memstore"
)

const (
	messagePath = "/participant/message"
	eventPath   = "/participant/event"
)

// TestSentIsWhatIsStored: clients match the answer with the item (semantics.md 2.1).
func TestSentIsWhatIsStored(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	for _, text := range []string{"hi", " ", "a\tb\r\nc", "\\u0000", `"quoted"`, "👋🏽 ünï", "<b>&</b>", strings.Repeat("x", 16384)} {
		out := w.say(p, text)
		var page participant.GetTranscriptOut
		w.must(p.connection, "/participant/transcript", `{"MaxResults":1}`, &page)
		it := page.Transcript[0]
		if it.Id != out.Id || it.AbsoluteTime != out.AbsoluteTime || it.Content != text || it.Type != "MESSAGE" ||
			it.ParticipantRole != "CUSTOMER" || it.DisplayName != "Jane" || it.ContactId != p.chat.String() || it.InitialContactId != p.chat.String() {
			t.Errorf("sent %+v %.20q, stored %+v", out, text, it)
		}
	}
}

func TestMessageContentTypes(t *testing.T) {
	w := newWorld(t)
	p := w.connected(chat.TypeMarkdown)
	w.must(p.connection, messagePath, `{"ContentType":"text/markdown","Content":"*x*"}`, nil)
	w.refused(p.connection, messagePath, `{"ContentType":"application/json","Content":"{}"}`, 400, "ValidationException",
		`it takes text/plain, text/markdown (SupportedMessagingContentTypes`)
}

// TestStrictLengths: the older limits, on request (semantics.md 3.11).
func TestStrictLengths(t *testing.T) {
	w := newWorld(t)
	p := w.connected(chat.TypePlain, chat.TypeJSON)
	w.serve(func(c *participant.Config) { c.Strict = true })
	send := func(kind string, n int) string {
		return `{"ContentType":"` + kind + `","Content":"` + strings.Repeat("é", n) + `"}`
	}
	w.must(p.connection, messagePath, send(chat.TypePlain, 1024), nil)
	w.refused(p.connection, messagePath, send(chat.TypePlain, 1025), 400, "ValidationException",
		"Content has 1025 characters; 1024 are the most for text/plain on this server")
	w.must(p.connection, messagePath, send(chat.TypeJSON, 1025), nil)
	w.refused(p.connection, messagePath, send(chat.TypeJSON, 9000), 400, "ValidationException", "16384 bytes")
}

func TestNotConnectedYet(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	a := w.refused(p.connection, messagePath, `{"ContentType":"text/plain","Content":"x"}`, 403, "AccessDeniedException", "Access denied")
	if !strings.Contains(a.header.Get("X-Parley-Detail"), "not connected yet") {
		t.Errorf("detail %q", a.header.Get("X-Parley-Detail"))
	}
}

// TestTypingForms: ChatJS leaves Content out or sends null, iOS an empty text.
func TestTypingForms(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	n := len(w.log(p.chat))
	for _, rest := range []string{``, `,"Content":null`, `,"Content":""`, `,"ClientToken":""`, `,"Content":"x"`} {
		var out participant.SendEventOut
		w.must(p.connection, eventPath, `{"ContentType":"`+chat.EventTyping+`"`+rest+`}`, &out)
		if len(out.Id) != 36 || len(out.AbsoluteTime) != len("2026-11-23T10:00:00.000Z") {
			t.Errorf("%s: %+v", rest, out)
		}
	}
	if got := len(w.log(p.chat)); got != n {
		t.Error("typing was stored")
	}
}

func event(kind, content, token string) string {
	b, _ := json.Marshal(map[string]string{"ContentType": kind, "Content": content, "ClientToken": token})
	return string(b)
}

// TestReceiptsWithAConstantToken: ChatJS sends all its receipts with one ClientToken
// (semantics.md 3.2).
func TestReceiptsWithAConstantToken(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	agent := w.add(p, chat.Agent)
	w.must(agent.participant, connectionPath, `{"ConnectParticipant":true}`, nil)
	for _, text := range []string{"one", "two"} {
		m := w.say(agent, text)
		w.must(p.connection, eventPath, event(chat.EventRead, `{"messageId":"`+m.Id+`","disableThrottle":true}`, "INCOMING_READ_RECEIPT"), nil)
	}
	var page participant.GetTranscriptOut
	w.must(p.connection, "/participant/transcript", `{"MaxResults":2}`, &page)
	for _, it := range page.Transcript {
		if m := it.MessageMetadata; m == nil || m.MessageId != it.Id || len(m.Receipts) != 1 || m.Receipts[0].ReadTimestamp == "" ||
			m.Receipts[0].DeliveredTimestamp == "" || m.Receipts[0].RecipientParticipantId != p.id.String() {
			t.Errorf("%s: %+v", it.Content, m)
		}
	}
}

func TestBadEvents(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	n := len(w.log(p.chat))
	for _, c := range []struct{ kind, content, message string }{
		{"application/vnd.amazonaws.connect.event.participant.joined", "", "SendEvent takes"},
		{"text/plain", "x", "SendEvent takes"},
		{chat.EventRead, "", "Content is missing"},
		{chat.EventRead, "{", "Content is malformed"},
		{chat.EventRead, "{}", "no messageId"},
		{chat.EventRead, `{"messageId":5}`, "Content is malformed"},
		{chat.EventDelivered, `{"messageId":"x"}`, "names no message"},
		{chat.EventDelivered, `{"messageId":"` + p.id.String() + `"}`, "names no message"},
	} {
		w.refused(p.connection, eventPath, event(c.kind, c.content, ""), 400, "ValidationException", c.message)
	}
	if got := len(w.log(p.chat)); got != n {
		t.Error("refused events were stored")
	}
}

func TestReceiptsRest(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	m := w.say(p, "hi")
	var agents []person
	for range 2 {
		a := w.add(p, chat.Agent)
		w.must(a.participant, connectionPath, `{"ConnectParticipant":true}`, nil)
		agents = append(agents, a)
	}
	body := event(chat.EventRead, `{"messageId":"`+m.Id+`"}`, "")
	a := w.refused(agents[0].connection, eventPath, body, 409, "ConflictException", "Operation can not be performed due to the state of the contact.")
	if a.message() != "Operation can not be performed due to the state of the contact." {
		t.Error(a.message())
	}
	w.must(agents[1].connection, "/participant/disconnect", `{}`, nil)
	w.must(agents[0].connection, eventPath, body, nil)
}

// TestOneTokenManyRequests: browsers and SDKs repeat requests, even at the same time.
func TestOneTokenManyRequests(t *testing.T) {
	w := newWorld(t)
	p := w.connected()
	n := len(w.log(p.chat))
	bodies := make([]string, 40)
	var wg sync.WaitGroup
	for i := range bodies {
		wg.Go(func() {
			bodies[i] = w.post(p.connection, messagePath, `{"ContentType":"text/plain","Content":"once","ClientToken":"t"}`).body
		})
	}
	wg.Wait()
	for _, b := range bodies {
		if b != bodies[0] || !strings.Contains(b, `"Id"`) {
			t.Errorf("%s, another got %s", b, bodies[0])
		}
	}
	if got := len(w.log(p.chat)); got != n+1 {
		t.Errorf("%d entries, want %d", got, n+1)
	}
}

// hooked is a store whose Append goes through a function.
type hooked struct {
	store.Store
	append func(context.Context, store.Append) error
}

func (h *hooked) Append(ctx context.Context, a store.Append) error { return h.append(ctx, a) }

// TestLostAnswers: the client goes away, or the store fails, before or after the
// message was stored. Its repetition tells the same story once.
func TestLostAnswers(t *testing.T) {
	type appender = func(context.Context, store.Append) error
	for name, hook := range map[string]func(real appender, hangUp func()) appender{
		"gone before it was stored": func(real appender, hangUp func()) appender {
			return func(ctx context.Context, a store.Append) error {
				hangUp()
				return real(ctx, a)
			}
		},
		"gone after it was stored": func(real appender, hangUp func()) appender {
			return func(ctx context.Context, a store.Append) error {
				err := real(ctx, a)
				hangUp()
				return err
			}
		},
		"not stored": func(appender, func()) appender {
			return func(context.Context, store.Append) error { return errors.New("disk on fire") }
		},
		"stored though it said no": func(real appender, _ func()) appender {
			return func(ctx context.Context, a store.Append) error {
				return errors.Join(real(ctx, a), errors.New("disk on fire"))
			}
		},
	} {
		mem := memstore.New()
		st := &hooked{Store: mem, append: mem.Append}
		w := newWorldOn(t, st)
		p := w.connected()
		n := len(w.log(p.chat))
		ctx, hangUp := context.WithCancel(context.Background())
		defer hangUp()
		st.append = hook(mem.Append, hangUp)
		r := w.request("POST", messagePath, p.connection, `{"ContentType":"text/plain","Content":"once","ClientToken":"t"}`)
		first := w.send(r.WithContext(ctx))
		st.append = mem.Append
		stored := w.log(p.chat)[n:]
		var out participant.SendMessageOut
		w.must(p.connection, messagePath, `{"ContentType":"text/plain","Content":"once","ClientToken":"t"}`, &out)
		entries := w.log(p.chat)
		if len(entries) != n+1 || entries[n].ID.String() != out.Id || len(stored) == 1 && stored[0].ID.String() != out.Id {
			t.Errorf("%s: first %d %s, then %+v; stored %d", name, first.status, first.body, out, len(entries)-n)
		}
		if strings.Contains(first.body, "fire") {
			t.Errorf("%s: the cause is told: %s", name, first.body)
		}
	}
}

// TestBusyStore: too much to write is answered with 429, which SDKs repeat.
func TestBusyStore(t *testing.T) {
	mem := memstore.New()
	st := &hooked{Store: mem, append: mem.Append}
	w := newWorldOn(t, st)
	p := w.connected()
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{store.ErrBusy, 429, "ThrottlingException"},
		{fmt.Errorf("the store: %w", context.DeadlineExceeded), 500, "InternalServerException"},
		{errors.New("disk on fire"), 500, "InternalServerException"},
	} {
		st.append = func(context.Context, store.Append) error { return c.err }
		a := w.refused(p.connection, messagePath, `{"ContentType":"text/plain","Content":"x"}`, c.status, c.code, "")
		if got := a.header.Get("Retry-After"); (got == "1") != (c.status == 429) {
			t.Errorf("%v: Retry-After %q", c.err, got)
		}
		if strings.Contains(a.body, "fire") {
			t.Errorf("the cause is told: %s", a.body)
		}
	}
}
