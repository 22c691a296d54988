package center_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/token"
)

// keys sign the tokens of views.
func keys(t *testing.T) *token.Keyring {
	t.Helper()
	k, err := token.NewKeyring([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// read makes a contact center of a configuration file.
func read(t *testing.T, file string) (*center.Center, error) {
	t.Helper()
	_, sections, err := config.Parse(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return center.New(sections, center.Options{FlowID: "built-in", Greeting: "Hello", Queue: "support", Tokens: keys(t)})
}

// must is read for files without mistakes.
func must(t *testing.T, file string) *center.Center {
	t.Helper()
	c, err := read(t, file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLocal(t *testing.T) {
	c := center.Local()
	for id, role := range map[string]center.Role{"agent": center.Agent, "agent2": center.Agent, "supervisor": center.Supervisor} {
		u, ok := c.LogIn(id, id)
		if !ok || u.ID != id || u.Name != id || u.Role != role {
			t.Errorf("%s: %+v, %v", id, u, ok)
		}
		if _, ok := c.LogIn(id, "other"); ok {
			t.Errorf("%s logs in with another password", id)
		}
	}
	if q, ok := c.Queue("arn:aws:connect:us-east-1:1:instance/i/queue/support"); !ok || q.Offer() != nil || len(q.Users) != 3 {
		t.Errorf("queue: %+v, %v", q, ok)
	}
	if f, ok := c.Flow("any"); !ok || !reflect.DeepEqual(f.Steps, []chat.Step{{Queue: "support"}}) {
		t.Errorf("flow: %+v, %v", f, ok)
	}
}

// What nobody has configured does not exist on a real server.
func TestBare(t *testing.T) {
	c := must(t, "")
	if f, ok := c.Flow("built-in"); !ok || !reflect.DeepEqual(f.Steps, []chat.Step{{Say: "Hello"}, {Queue: "support"}}) {
		t.Errorf("the built-in flow: %+v, %v", f, ok)
	}
	_, user := c.User("agent")
	_, loggedIn := c.LogIn("agent", "agent")
	_, flow := c.Flow("any")
	_, queue := c.Queue("sales")
	_, view := c.View("any", 0)
	_, provider := c.Provider("any")
	if user || loggedIn || flow || queue || view || provider {
		t.Error("there is something that was not configured")
	}
}

func TestPasswords(t *testing.T) {
	file, err := os.ReadFile("../../docs/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := must(t, string(file)+"\n")
	for _, id := range []string{"bob", "carol"} {
		if _, ok := c.LogIn(id, "example"); !ok {
			t.Errorf("%s can't log in", id)
		}
		if _, ok := c.LogIn(id, "Example"); ok {
			t.Errorf("%s logs in with another password", id)
		}
	}
	if _, ok := must(t, "users: [{id: dan}]").LogIn("dan", ""); ok {
		t.Error("somebody without a password logs in")
	}
}

func TestQueues(t *testing.T) {
	c := must(t, `
users: [{id: bob, name: Bob}, {id: ann}]
queues:
  - {id: sales, name: Sales, users: [bob], routing: offer, accept-within: 90s, rounds: 2}
  - {id: all, routing: offer}
  - {id: support, users: [ann]}
  - {id: slow, users: [ann], accept-within: 5m}
`)
	for id, want := range map[string]time.Duration{
		"sales": 90 * time.Second, "all": chat.AcceptWithin, "support": chat.AcceptWithin, "slow": 5 * time.Minute, "none": 0,
	} {
		if got := c.AcceptWithin(id); got != want {
			t.Errorf("%s: a user has %v to accept, want %v", id, got, want)
		}
	}
	for id, want := range map[string]*chat.Offer{
		"sales":   {Users: []chat.User{{ID: "bob", Name: "Bob"}}, Within: 90, Rounds: 2},
		"all":     {Users: []chat.User{{ID: "ann", Name: "ann"}, {ID: "bob", Name: "Bob"}}, Within: 20, Rounds: 3},
		"support": nil,
	} {
		if q, _ := c.Queue(id); q.ID != id || !reflect.DeepEqual(q.Offer(), want) {
			t.Errorf("%s: %+v %+v, want %+v", id, q, q.Offer(), want)
		}
	}
}

func TestViews(t *testing.T) {
	c := must(t, `
views:
  - {id: form, version: 2, template: '{"a": 1}', actions: [Submit]}
  - {id: form, name: Form, template: {b: [1, x]}, input-schema: {}}
`)
	newest, _ := c.View("form", 0)
	if want := (center.View{ID: "form", Name: "form", Version: 2, Template: `{"a": 1}`, InputSchema: "{}", Actions: []string{"Submit"}}); !reflect.DeepEqual(newest, want) {
		t.Errorf("the newest: %+v", newest)
	}
	first, _ := c.View("form", 1)
	if first.Template != `{"b":[1,"x"]}` || first.Name != "Form" {
		t.Errorf("the first: %+v", first)
	}
	if _, ok := c.View("form", 3); ok {
		t.Error("there is a third")
	}
}

func TestProviders(t *testing.T) {
	c := must(t, `
identity-providers:
  - {id: corp, issuer: "https://id.example.com", client-id: us, attributes: {mail: email}}
  - {id: other, issuer: "https://other.example.com", client-id: us, name-claim: nick}
`)
	corp, _ := c.Provider("corp")
	other, _ := c.Provider("other")
	if corp.NameClaim != "name" || corp.Attributes["mail"] != "email" || other.NameClaim != "nick" {
		t.Errorf("%+v, %+v", corp, other)
	}
}

// A flow's nested steps become a list whose steps only lead forward.
func TestFlow(t *testing.T) {
	c := must(t, `
views: [{id: form, version: 7}]
queues: [{id: sales}]
identity-providers: [{id: corp, issuer: "https://id.example.com", client-id: us}]
flows:
  - id: f
    steps:
      - say: Hi
      - say: {text: "*Hi*", as: markdown, to: agent, stream: true}
      - authenticate:
          provider: corp
          within: 1m
          else:
            - wait: {for: reply, within: 2s, else: [{say: a}, {say: b}]}
            - set: {k: v}
      - view: {id: form, data: {x: 1}, within: 5m, else: [{disconnect: true}]}
      - queue: sales
      - wait: {for: time, within: 1h}
    on-disconnect:
      - view: {id: form}
      - wait: {for: bot, within: 1s, else: [{say: c}]}
`)
	f, _ := c.Flow("f")
	id, version, err := keys(t).OpenView(viewToken(t, f.Steps[7].Say))
	if err != nil || id != "form" || version != 7 {
		t.Errorf("the view's token names %q, %d, %v", id, version, err)
	}
	for _, i := range []int{7, 12} {
		f.Steps[i].Say = "view"
	}
	want := chat.Flow{Exit: 12, Steps: []chat.Step{
		0:  {Say: "Hi"},
		1:  {Say: "*Hi*", As: chat.TypeMarkdown, To: chat.ToAgent, Stream: chat.StreamSplit},
		2:  {Authenticate: "corp", Within: 60, Else: 3, Next: 7},
		3:  {Wait: chat.WaitReply, Within: 2, Else: 4, Next: 6},
		4:  {Say: "a"},
		5:  {Say: "b"},
		6:  {Set: map[string]string{"k": "v"}},
		7:  {Say: "view", As: chat.TypeInteractive, Else: 9},
		8:  {Wait: chat.WaitReply, Within: 300, Else: 9, Next: 10},
		9:  {Disconnect: true},
		10: {Queue: "sales"},
		11: {Wait: chat.WaitTime, Within: 3600},
		12: {Say: "view", As: chat.TypeInteractive},
		13: {Wait: chat.WaitBot, Within: 1, Else: 14, Next: 15},
		14: {Say: "c"},
	}}
	if !reflect.DeepEqual(f.Flow, want) {
		t.Errorf("got  %+v\nwant %+v", f.Flow, want)
	}
}

// viewToken takes the token out of a message that shows a view.
func viewToken(t *testing.T, message string) string {
	t.Helper()
	var m struct {
		TemplateType string `json:"templateType"`
		Data         struct {
			Content struct {
				ViewID    string         `json:"viewId"`
				ViewToken string         `json:"viewToken"`
				ViewData  map[string]int `json:"viewData"`
			} `json:"content"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(message), &m); err != nil || m.TemplateType != "ViewResource" || m.Data.Content.ViewData["x"] != 1 {
		t.Errorf("%s: %v", message, err)
	}
	return m.Data.Content.ViewToken
}

// Each mistake is told in a sentence that names the line.
func TestMistakes(t *testing.T) {
	flow := func(step string) string { return "flows:\n  - id: f\n    steps:\n      - " + step }
	for file, want := range map[string]string{
		"users: {id: a}":               "line 1: users must be a list",
		"users: [a]":                   "line 1: a user must have keys: id, name",
		"users:\n  - nmae: a":          `line 2: unknown key "nmae"; the keys of a user are id, name`,
		"users: [{id: a/b}]":           `line 1: the user's id "a/b" must be`,
		"users: [{name: a}]":           `the user's id "" must be`,
		"users: [{id: a},\n{id: a}]":   `line 2: the user "a" is defined in line 1 already`,
		"users: [{id: a, role: boss}]": "must be agent or supervisor",
		"users: [{id: a, name: " + strings.Repeat("x", 257) + "}]":                                                          "more than 256 characters",
		"users: [{id: a, password: x, password-hash: y}]":                                                                   "leave one of them out",
		"users: [{id: a, password-hash: plain}]":                                                                            "is not an argon2id hash",
		"users: [{id: a, password-hash: '$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAA'}]":       "too weak",
		"users: [{id: a, password-hash: '$argon2id$v=19$m=9999999,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAA'}]": "KiB of memory",

		"queues: [{id: q, users: [x]}]":                                              `the user "x", who is not among the users`,
		"users: [{id: a}]\nqueues: [{id: q, users: [a, a]}]":                         "line 2: queue \"q\" names the user \"a\" twice",
		"queues: [{id: q, routing: magic}]":                                          "must be manual or offer",
		"queues: [{id: q, rounds: 1}]":                                               "with routing: offer only",
		"queues: [{id: q, routing: offer}]":                                          "nobody to offer contacts to",
		"queues: [{id: q, accept-within: soon}]":                                     "queues: line 1: there must be a time like 90s, 5m or 2h instead of `soon`",
		"queues: [{id: q}, {id: q}]":                                                 "is defined in line 1 already",
		"users: [{id: a}]\nqueues: [{id: q, routing: offer, accept-within: 1500ms}]": "must be whole seconds",
		"users: [{id: a}]\nqueues: [{id: q, routing: offer, rounds: -1}]":            "must be from 1 to 1000",

		"views: [{id: a b}]":                        "the view's id",
		"views: [{id: v, version: -1}]":             "must be 1 or more",
		"views: [{id: v}, {id: v}]":                 `the version 1 of view "v" is defined in line 1 already`,
		"views: [{id: v, template: '{'}]":           `the template of view "v" is not valid JSON`,
		"views: [{id: v, input-schema: {1: .nan}}]": "the input-schema of view \"v\" can't be written as JSON",

		"identity-providers: [{id: p}]": `line 1: identity provider "p": the issuer "" is not a URL`,
		"identity-providers: [{id: p, issuer: 'https://a.example.com', client-id: a, attributes: {a b: c}}]": `the attribute "a b"`,
		"identity-providers: [{id: p, issuer: 'https://a.example.com', client-id: a}, {id: p}]":              "already",

		"flows: [{id: f}]": `flow "f" has no steps`,
		"flows: [{id: f, steps: [{say: a}], exit: []}]": `unknown key "exit"`,
		flow("{}"):                                       "line 4: a step does one thing; this one has nothing",
		flow("{say: a, queue: support}"):                 "line 4: a step does one thing; this one has say and queue",
		flow("{jump: 3}"):                                `line 4: unknown key "jump"; the keys of a step are say, set`,
		flow("hello"):                                    "line 4: a step must have keys",
		flow("{disconnect: false}"):                      "line 4: disconnect: it must be true",
		flow("{wait: {for: time, within: 5}}"):           "flows: line 4: there must be a time like 90s, 5m or 2h instead of `5`",
		flow("{set: {a: {b: c}}}"):                       "flows: line 4: there must be a text instead of keys",
		flow("{set: [a]}"):                               "there must be keys with texts instead of a list",
		flow("{set: {a: \"x\\0\"}}"):                     `the attribute "a" contains U+0000`,
		flow("{wait: {for: time, within: 1s, else: x}}"): "there must be a list of steps instead of `x`",
		"users: [{id: a, name: \"x\\0\"}]":               "contains control characters",
		"views: [{id: a, version: x}]":                   "there must be a whole number instead of `x`",
		"flows:\n  - id: f\n    steps:\n" + strings.Repeat("      - say: "+strings.Repeat("a", 16000)+"\n", 20): "262144 are the most",
		flow("{say: ''}"):                                                                         "text is missing",
		flow("{say: {txt: a}}"):                                                                   `unknown key "txt"`,
		flow(`{say: "a\0b"}`):                                                                     "U+0000",
		flow("{say: " + strings.Repeat("a", 16385) + "}"):                                         "16385 bytes",
		flow("{say: {text: a, to: bob}}"):                                                         "must be all, customer or agent",
		flow("{say: {text: a, as: html}}"):                                                        "must be text/plain, text/markdown or interactive",
		flow("{say: {text: a, else: [{say: b}]}}"):                                                "else is for interactive messages",
		flow("{say: {text: a, as: interactive}}"):                                                 "not the JSON of an interactive message",
		flow("{say: {text: '{}', as: interactive}}"):                                              "has a templateType",
		flow("{set: {a b: c}}"):                                                                   `the attribute "a b"`,
		flow("{set: {a: " + strings.Repeat("x", 32768) + "}}"):                                    "32769 bytes",
		flow("{queue: nowhere}"):                                                                  `there is no queue "nowhere"; define it under queues`,
		flow("{wait: {for: rain, within: 1s}}"):                                                   "must be agent, bot, reply or time",
		flow("{wait: {for: reply}}"):                                                              "within must be whole seconds",
		flow("{wait: {for: reply, within: 169h}}"):                                                "within must be whole seconds",
		flow("{wait: {for: time, within: 1s, else: [{say: a}]}}"):                                 "else means nothing",
		flow("{wait: {for: reply, within: 1s, else: [{sey: a}]}}"):                                `unknown key "sey"`,
		flow("{wait: {for: reply, within: 1s, else: [{queue: a}]}}"):                              `there is no queue "a"`,
		flow("{view: {id: v}}"):                                                                   `there is no view "v"`,
		"views: [{id: v}]\n" + flow("{view: {id: v, data: [1]}}"):                                 "data must have keys",
		"views: [{id: v}]\n" + flow("{view: {id: v, data: x}}"):                                   "data is not valid JSON",
		"views: [{id: v}]\n" + flow("{view: {id: v, within: 1ms}}"):                               "within must be",
		"views: [{id: v}]\n" + flow("{view: {id: v, data: {x: "+strings.Repeat("a", 16384)+"}}}"): "have less data",
		flow("{authenticate: {provider: p, within: 1m}}"):                                         `there is no identity provider "p"`,
		flow("{say: a}") + "\n    on-disconnect: [{queue: a}]":                                    `line 5: queue: there is no queue "a"`,
		"flows:\n  - id: f\n    steps:\n" + strings.Repeat("      - say: a\n", 501):               "500 are the most",
		flow("{say: a}") + "\n  - id: f\n    steps: [{say: b}]":                                   `the flow "f" is defined in line 2 already`,
	} {
		if _, err := read(t, file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%.300s\n%v, want %q", file, err, want)
		}
	}
}

// A flow does what it was written to do; the rules themselves are tested where they are.
func TestFlowRuns(t *testing.T) {
	c := must(t, `
views: [{id: form}]
flows:
  - id: f
    steps:
      - say: one
      - wait: {for: reply, within: 1m, else: [{say: late}]}
      - view: {id: form, within: 5m} # not for this customer, who isn't waited for then
      - say: two
    on-disconnect: [{say: bye}]
`)
	f, _ := c.Flow("f")
	said := func(answers bool) (said []string) {
		var n byte
		now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		ids := func(time.Time) chat.ID { n++; return chat.ID{UUID: [16]byte{n}} }
		k := chat.New(chat.ChatID{ID: ids(now)})
		do := func(cmd chat.Command) chat.Outcome {
			out, err := chat.Decide(k, cmd, now, ids)
			if err != nil {
				t.Fatal(err)
			}
			k.Apply(out.Entries...)
			for _, e := range out.Entries {
				if e.Kind == chat.KindMessage && e.By.Role == chat.System {
					said = append(said, e.Content.Text)
				}
			}
			return out
		}
		customer := chat.ParticipantID{ID: do(chat.Start{Settings: chat.Settings{Flow: f.Flow, Customer: chat.Author{Name: "Jane"}}}).ID}
		do(chat.Connect{By: customer})
		if answers {
			do(chat.SendMessage{By: customer, Content: chat.Content{Type: chat.TypePlain, Text: "yes"}})
		}
		now = now.Add(time.Minute)
		do(chat.Tick{})
		return said
	}
	if got := said(true); !reflect.DeepEqual(got, []string{"one", "two"}) {
		t.Errorf("with an answer: %q", got)
	}
	if got := said(false); !reflect.DeepEqual(got, []string{"one", "late", "two"}) {
		t.Errorf("without: %q", got)
	}
}

// What stands elsewhere among the settings is held to the same.
func TestOptions(t *testing.T) {
	for want, o := range map[string]center.Options{
		"":          {},
		"queue: ":   {Queue: "a b"},
		"greeting:": {Greeting: "a\x00b"},
		"16384 are": {Greeting: strings.Repeat("a", 16385), Queue: "q"},
	} {
		if err := o.Check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", o.Greeting, err, want)
		}
	}
}
