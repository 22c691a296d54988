package participant_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/participant"
)

// run starts a chat with a flow, and connects its customer.
func (w *world) run(c *center.Center, flow string, mode string, content ...string) person {
	w.t.Helper()
	f, ok := c.Flow(flow)
	if !ok {
		w.t.Fatalf("no flow %s", flow)
	}
	p := w.startWith(chat.Settings{Flow: f.Flow, ResponseMode: mode}, content...)
	w.must(p.participant, connectionPath, `{"ConnectParticipant":true}`, nil)
	return p
}

// last is the newest item of a chat.
func (w *world) last(p person) (contentType, content string) {
	w.t.Helper()
	var page participant.GetTranscriptOut
	w.must(p.connection, "/participant/transcript", `{"MaxResults":1}`, &page)
	return page.Transcript[0].ContentType, page.Transcript[0].Content
}

const views = `
views:
  - {id: form, name: Form, version: 2, template: {Body: []}, input-schema: '{"type": "object"}', actions: [Submit, Cancel]}
  - {id: form, version: 3}
flows:
  - id: guide
    steps:
      - view: {id: form, data: {a: 1}, within: 5m, else: [{say: no answer}]}
      - say: thanks
`

// A flow shows a view: the customer's client asks for it by the token in the message.
func TestDescribeView(t *testing.T) {
	w := newWorld(t)
	old := w.configure(strings.Replace(views, "  - {id: form, version: 3}\n", "", 1))
	p := w.run(old, "guide", "", chat.TypeInteractive, chat.TypeInteractiveResponse)
	kind, content := w.last(p)
	var message struct {
		Data struct {
			Content struct {
				ViewToken string `json:"viewToken"`
			} `json:"content"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(content), &message); err != nil || kind != chat.TypeInteractive {
		t.Fatalf("%s %s: %v", kind, content, err)
	}
	describe := func(token string) answer {
		return w.send(w.request("GET", "/participant/views/"+url.PathEscape(token), p.connection, ""))
	}
	const want = `{"View":{"Id":"form","Arn":"arn:aws:connect:eu-central-1:123456789012:instance/i/view/form","Name":"Form",` +
		`"Version":2,"Content":{"InputSchema":"{\"type\": \"object\"}","Template":"{\"Body\":[]}","Actions":["Submit","Cancel"]}}}`
	w.configure(views) // there is a newer one by now
	if a := describe(message.Data.Content.ViewToken); a.status != 200 || a.body != want {
		t.Errorf("%d %s", a.status, a.body)
	}
	other := newWorld(t)
	for name, token := range map[string]string{
		"not a token": "v/1+a=", "another kind": p.connection, "not configured": w.tokens.MintView("gone", 1),
		"another version": w.tokens.MintView("form", 1), "altered": message.Data.Content.ViewToken + "A",
		"a view of nobody": other.tokens.MintView("", 0),
	} {
		if a := describe(token); a.status != 404 || a.code != "ResourceNotFoundException" || a.message() == "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	w.must(p.connection, messagePath, `{"ContentType":"`+chat.TypeInteractiveResponse+
		`","Content":"{\"action\":\"Submit\",\"data\":{},\"templateType\":\"ViewResource\",\"version\":\"1.0\"}"}`, nil)
	if _, content := w.last(p); content != "thanks" {
		t.Errorf("after the answer: %s", content)
	}
}

// A contact that takes no interactive messages gets what comes otherwise.
func TestViewNotTaken(t *testing.T) {
	w := newWorld(t)
	p := w.run(w.configure(views), "guide", "")
	log := w.log(p.chat)
	if n := len(log); log[n-2].Content.Text != "no answer" || log[n-1].Content.Text != "thanks" {
		t.Errorf("%+v", log)
	}
}

// A bot writes its messages in parts: our extension.
func TestParts(t *testing.T) {
	w := newWorld(t)
	p := w.startWith(chat.Settings{ResponseMode: chat.Incremental})
	w.must(p.participant, connectionPath, `{"ConnectParticipant":true}`, nil)
	bot := w.joined(p, chat.CustomBot)
	send := func(kind, text string) participant.SendMessageOut {
		t.Helper()
		var out participant.SendMessageOut
		w.must(bot.connection, messagePath, `{"ContentType":"`+kind+`","Content":"`+text+`"}`, &out)
		return out
	}
	before := len(w.log(p.chat))
	id := send("text/plain;chunk=1", "Hel").Id
	if again := send("text/plain; id="+id+"; chunk=2", "lo"); again.Id != id || len(w.log(p.chat)) != before {
		t.Errorf("the second part: %+v", again)
	}
	if done := send("text/plain;id="+id, "Hello"); done.Id != id {
		t.Errorf("the whole: %+v", done)
	}
	if kind, text := w.last(p); kind != chat.TypePlain || text != "Hello" {
		t.Errorf("the item: %s %s", kind, text)
	}
	for kind, want := range map[string]string{
		"text/plain;": "is not a media type", "text/plain;;": "is not a media type", "text/plain;chunk": "is not a media type",
		"text/plain;chunk=0": "must be a number from 1", "text/plain;chunk=x": "must be a number from 1",
		"text/plain;id=x": "must be the Id that", "text/plain;id=00000000-0000-0000-0000-000000000000": "must be the Id that",
		"text/plain;charset=utf-8": `unknown parameter "charset"`, "text/plain;chunk=2": "has no id",
		"text/plain;id=" + id: "complete already", "text/html;chunk=1": "is not supported by this contact",
	} {
		w.refused(bot.connection, messagePath, `{"ContentType":"`+kind+`","Content":"x"}`, 400, "ValidationException", want)
	}
	w.refused(p.connection, messagePath, `{"ContentType":"text/plain;chunk=1","Content":"x"}`, 400, "ValidationException", "only a CUSTOM_BOT")
	if _, err := w.node.Do(context.Background(), p.chat, chat.Tick{}); err != nil {
		t.Error(err)
	}
}
