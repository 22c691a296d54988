package chat_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// commands are the words a line of a story may begin with.
var commands = map[string]func(*world, args) []string{
	"start":      (*world).start,
	"add":        (*world).add,
	"connect":    (*world).connect,
	"send":       (*world).send,
	"event":      (*world).event,
	"leave":      (*world).leave,
	"stop":       (*world).stop,
	"attributes": (*world).attributes,
	"wait":       (*world).wait,
	"tick":       func(w *world, a args) []string { w.wait(a); return w.do(chat.Tick{}) },
	"admit":      (*world).admit,
	"chat":       func(w *world, _ args) []string { return w.status() },
	"contacts":   func(w *world, _ args) []string { return w.contacts(w.chat) },
	"metrics":    (*world).metrics,
	"restart":    func(w *world, _ args) []string { w.chat = w.replay(); return nil },

	"assign":   (*world).assign,
	"transfer": (*world).transfer,
	"monitor":  (*world).monitor,
	"stepback": func(w *world, a args) []string { return w.do(chat.StepBack{By: w.participant(a.words[0])}) },
	"lost":     func(w *world, a args) []string { return w.do(chat.Lost{By: w.participant(a.words[0])}) },

	"upload":   (*world).upload,
	"complete": (*world).complete,
	"scanned":  (*world).scanned,
	"file":     (*world).file,

	"discarded": func(w *world, a args) []string { return w.do(chat.Discarded{ID: w.id(a.words[0])}) },

	"authenticate":  (*world).authenticate,
	"answer":        (*world).answerAuth,
	"cancel":        (*world).cancel,
	"authenticated": (*world).authenticated,

	"timers":    (*world).timers,
	"describe":  (*world).describe,
	"rehydrate": (*world).rehydrate,
	"part":      (*world).part,
}

// run plays one command of a story. Whatever a word is missing from fails in id or do.
func (w *world) run(line string, more []string) []string {
	a := w.parse(line)
	for _, line := range more {
		a.more = append(a.more, w.parse(line))
	}
	play := commands[a.words[0]]
	if play == nil {
		w.t.Fatalf("%s: there is no command %q; there are %v", w.where, a.words[0], slices.Sorted(maps.Keys(commands)))
	}
	a.words = append(a.words[1:], "", "") // so that a missing word is an empty one
	return play(w, a)
}

func (w *world) parse(line string) args {
	a, err := parse(line)
	if err != nil {
		w.t.Fatalf("%s: %v", w.where, err)
	}
	return a
}

func (w *world) start(a args) []string {
	set := chat.Settings{
		Instance: "shop", Customer: chat.Author{Name: a.option("customer")}, Attributes: map[string]string{},
		ResponseMode: a.option("mode"), AgentGone: w.seconds(a, "agentgone"), CustomerGone: w.seconds(a, "customergone"),
	}
	var past *chat.Past
	for _, o := range a.options {
		switch name, key, _ := strings.Cut(o.name, "."); name {
		case "initial":
			set.InitialMessage = &chat.Content{Type: chat.TypePlain, Text: o.value}
		case "minutes":
			set.Minutes, _ = strconv.Atoi(o.value)
		case "types":
			set.ContentTypes = strings.Split(o.value, ",")
		case "say":
			set.Flow.Steps = append(set.Flow.Steps, chat.Step{Say: o.value})
		case "queue":
			set.Flow.Steps = append(set.Flow.Steps, chat.Step{Queue: o.value})
		case "attribute":
			set.Attributes[key] = o.value
		case "segment":
			set.SegmentAttributes = map[string]string{key: o.value}
		case "onexit":
			set.DisconnectOnCustomerExit = []chat.Role{chat.Role(o.value)}
		case "past":
			past = w.past(o.value)
		}
	}
	if a.more != nil {
		set.Flow = w.flow(a.more)
	}
	w.newcomer = set.Customer.Name
	return w.do(chat.Start{Settings: set, Past: past})
}

func (w *world) add(a args) []string {
	w.newcomer = a.words[1]
	name := cmp.Or(a.option("called"), w.newcomer)
	return w.do(chat.AddParticipant{
		Role: chat.Role(a.words[0]), Name: name, User: a.option("user"), Within: w.duration(a, "within"), Token: a.option("token"),
	})
}

func (w *world) connect(a args) []string {
	via := map[string]chat.Via{"": chat.ViaSocket, "socket": chat.ViaSocket, "request": chat.ViaRequest}
	return w.do(chat.Connect{By: w.participant(a.words[0]), Via: via[a.option("via")]})
}

func (w *world) send(a args) []string {
	content := chat.Content{Type: contentType(a.option("type")), Text: a.words[1]}
	cmd := chat.SendMessage{By: w.participant(a.words[0]), Content: content, Token: a.option("token")}
	if id := a.option("id"); id != "" {
		cmd.ID = w.id(id)
	}
	return w.do(cmd)
}

// contentType is text/plain, or what one of the short words stands for.
func contentType(s string) string {
	short := map[string]string{
		"": chat.TypePlain, "markdown": chat.TypeMarkdown, "json": chat.TypeJSON,
		"interactive": chat.TypeInteractive, "response": chat.TypeInteractiveResponse,
	}
	return cmp.Or(short[s], s)
}

// event sends typing, acknowledged, delivered or read, or the event of the option type.
func (w *world) event(a args) []string {
	types := map[string]string{
		"typing": chat.EventTyping, "acknowledged": chat.EventAcknowledged,
		"delivered": chat.EventDelivered, "read": chat.EventRead, "": a.option("type"),
	}
	ev := chat.SendEvent{By: w.participant(a.words[0]), Type: types[a.words[1]], Token: a.option("token")}
	if item := a.words[2]; item != "" {
		ev.Content = fmt.Sprintf(`{"messageId":%q}`, w.id(item))
	}
	if raw := a.option("content"); raw != "" {
		ev.Content = strings.ReplaceAll(raw, "$m1", w.known["m1"].String())
	}
	return w.do(ev)
}

func (w *world) leave(a args) []string {
	return w.do(chat.Leave{By: w.participant(a.words[0]), Token: a.option("token")})
}

func (w *world) attributes(a args) []string {
	set := make(map[string]string)
	for _, o := range a.options {
		set[o.name] = o.value
	}
	return w.do(chat.UpdateAttributes{Attributes: set})
}

// wait turns the clock; a negative time turns it back.
func (w *world) wait(a args) []string {
	if a.words[0] != "" {
		d, err := time.ParseDuration(a.words[0])
		if err != nil {
			w.t.Fatalf("%s: %v", w.where, err)
		}
		w.now = w.now.Add(d)
	}
	return nil
}

func (w *world) admit(a args) []string {
	p, err := w.chat.Admit(w.participant(a.words[0]))
	if err != nil {
		return []string{refused(w.t, err)}
	}
	return []string{fmt.Sprintf("%s %s %s", p.Name, p.Role, presences[p.Presence])}
}

// replay gives the chat that another node would load: from the stored form of the
// entries, so without the answers that Keep keeps.
func (w *world) replay() *chat.Chat {
	c := chat.New(w.chat.ID)
	for _, e := range w.log {
		body, err := json.Marshal(e)
		if err != nil {
			w.t.Fatalf("%s: %v", w.where, err)
		}
		stored := chat.Entry{Seq: e.Seq, ID: e.ID, At: e.At} // these three are columns
		if err := json.Unmarshal(body, &stored); err != nil {
			w.t.Fatalf("%s: %v", w.where, err)
		}
		c.Apply(stored)
	}
	return c
}

// replays checks that the stored entries give the same chat again.
func (w *world) replays() {
	live := append(w.status(), w.contacts(w.chat)...)
	w.chat = w.replay()
	if again := append(w.status(), w.contacts(w.chat)...); !slices.Equal(live, again) {
		w.t.Errorf("%s: the log replays to:\n%s\nwant:\n%s", w.where, strings.Join(again, "\n"), strings.Join(live, "\n"))
	}
}

var presences = map[chat.Presence]string{chat.Invited: "invited", chat.Present: "present", chat.Gone: "gone"}

// state shows the exported side of a chat, but for the receipts.
func state(c *chat.Chat) string {
	var b strings.Builder
	for p := range c.Participants() {
		online := ""
		if slices.Contains(c.Online(), p.ID) {
			online = " online"
		}
		fmt.Fprintf(&b, "%s %s %s%s\n", p.Name, p.Role, presences[p.Presence], online)
	}
	if c.Past != nil {
		b.WriteString("continues a past chat\n")
	}
	if k := c.Current(); k != nil && k.Queue != "" {
		fmt.Fprintf(&b, "queue %s since %s\n", k.Queue, clock(k.QueuedAt))
	}
	if len(c.Attributes) > 0 {
		fmt.Fprintf(&b, "attributes%s\n", attributes(c.Attributes))
	}
	for _, s := range c.Summaries() {
		if s.Agent != "" && s.Contact == c.Contact {
			fmt.Fprintf(&b, "agent %s\n", s.Agent)
		}
	}
	if d := c.Deadline(); !d.IsZero() {
		fmt.Fprintf(&b, "deadline %s\n", clock(d))
	}
	if c.Ended() {
		fmt.Fprintf(&b, "ended %s %s\n", clock(c.EndedAt), c.Cause)
	}
	return b.String()
}

func attributes(m map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, " %s=%q", k, m[k])
	}
	return b.String()
}
