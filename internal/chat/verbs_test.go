package chat_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// duration reads the option of the name; 0 if it is not there.
func (w *world) duration(a args, name string) time.Duration {
	s := a.option(name)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		w.t.Fatalf("%s: %v", w.where, err)
	}
	return d
}

func (w *world) seconds(a args, name string) int { return int(w.duration(a, name) / time.Second) }

// user is the configured user of an id: sue is shown as Sue.
func user(id string) chat.User {
	return chat.User{ID: id, Name: strings.ToUpper(id[:1]) + id[1:]}
}

// offer reads how a queue finds an agent: users=sue,tom, rounds=1, accept=20s.
func (w *world) offer(a args) *chat.Offer {
	ids := a.option("users")
	if ids == "" {
		return nil
	}
	o := &chat.Offer{Rounds: 1, Within: cmp.Or(w.seconds(a, "accept"), 20)}
	for id := range strings.SplitSeq(ids, ",") {
		o.Users = append(o.Users, user(id))
	}
	if n := a.option("rounds"); n != "" {
		o.Rounds, _ = strconv.Atoi(n)
	}
	return o
}

// flow reads steps, one a line. A line may begin with a label and a colon, to which else
// and next lead; from the label exit on are those that follow the conversation.
func (w *world) flow(lines []args) (f chat.Flow) {
	labels := make(map[string]int)
	for i, a := range lines {
		for _, word := range a.words {
			if label, ok := strings.CutSuffix(word, ":"); ok {
				labels[label] = i
			}
		}
	}
	f.Exit = labels["exit"]
	labels["end"] = len(lines)
	for _, a := range lines {
		s := chat.Step{
			Say: a.option("say"), To: chat.Audience(a.option("to")), Stream: chat.Streaming(a.option("stream")),
			Queue: a.option("queue"), Offer: w.offer(a), Wait: chat.Waiting(a.option("wait")), Authenticate: a.option("authenticate"),
			Disconnect: slices.Contains(a.words, "disconnect"), Within: w.seconds(a, "within"),
			Else: labels[a.option("else")], Next: labels[a.option("next")],
		}
		if as := a.option("as"); as != "" {
			s.As = contentType(as)
		}
		for _, o := range a.options {
			if key, ok := strings.CutPrefix(o.name, "set."); ok {
				s.Set = map[string]string{key: o.value}
			}
		}
		f.Steps = append(f.Steps, s)
	}
	return f
}

// past is a past chat, of which nothing is known but its name.
func (w *world) past(name string) *chat.Past {
	if name == "self" {
		return &chat.Past{Chat: w.chat.ID, Contact: w.chat.Contact}
	}
	if _, known := w.known[name]; !known {
		w.name(name, w.ids(dawn))
	}
	return &chat.Past{Chat: chat.ChatID{ID: w.id(name)}, Contact: chat.ContactID{ID: w.id(name)}}
}

// contact finds the contact of a name; the zero id if it is empty.
func (w *world) contact(name string) (id chat.ContactID) {
	if name != "" {
		id.ID = w.id(name)
	}
	return id
}

func (w *world) stop(a args) []string { return w.do(chat.Stop{Contact: w.contact(a.words[0])}) }

func (w *world) assign(a args) []string {
	return w.do(chat.Assign{User: user(a.words[0]), Within: w.duration(a, "within"), Contact: w.contact(a.option("contact"))})
}

// transfer hands over to a user, or with the option queue to a queue.
func (w *world) transfer(a args) []string {
	cmd := chat.Transfer{
		Queue: a.option("queue"), Offer: w.offer(a), Within: w.duration(a, "within"),
		Token: a.option("token"), Contact: w.contact(a.option("contact")),
	}
	if cmd.Queue == "" {
		u := user(a.words[0])
		cmd.User = &u
	}
	return w.do(cmd)
}

func (w *world) monitor(a args) []string {
	return w.do(chat.Monitor{
		User: user(a.words[0]), Barge: a.words[1] == "barge", Token: a.option("token"), Contact: w.contact(a.option("contact")),
	})
}

func (w *world) upload(a args) []string {
	most, _ := strconv.Atoi(a.option("most"))
	f := chat.File{Name: a.words[1], Type: "image/png", Size: 9}
	return w.do(chat.StartUpload{By: w.participant(a.words[0]), File: f, Most: most, Token: a.option("token")})
}

func (w *world) complete(a args) []string {
	return w.do(chat.CompleteUpload{
		By: w.participant(a.words[0]), ID: w.id(a.words[1]), Scan: a.words[2] == "scan", Token: a.option("token"),
	})
}

// scanned tells what came of the attempt (1 if it isn't said) to scan a file: APPROVED,
// REJECTED or failed.
func (w *world) scanned(a args) []string {
	cmd := chat.Scanned{File: chat.File{ID: w.id(a.words[0]), Attempt: 1}}
	if n := a.option("attempt"); n != "" {
		cmd.File.Attempt, _ = strconv.Atoi(n)
	}
	if cmd.Failed = a.words[1] == "failed"; !cmd.Failed {
		cmd.Result = chat.Status(a.words[1])
	}
	return w.do(cmd)
}

// file shows what may be done with a file, by the participant.
func (w *world) file(a args) []string {
	_, up := w.chat.Upload(w.id(a.words[0]), w.participant(a.words[1]))
	_, down := w.chat.Attachment(w.id(a.words[0]))
	return []string{fmt.Sprintf("%s: upload %t, download %t", a.words[0], up, down)}
}

func (w *world) authenticate(a args) []string {
	return w.do(chat.Authenticate{
		By: w.participant(a.words[0]), Session: w.id(a.words[1]), Redirect: cmp.Or(a.option("redirect"), "https://shop.example"),
	})
}

// answerAuth gives the identity provider's code, if there is one.
func (w *world) answerAuth(a args) []string {
	return w.do(chat.AnswerAuthentication{Session: w.id(a.words[0]), Code: a.option("code")})
}

func (w *world) cancel(a args) []string {
	return w.do(chat.CancelAuthentication{By: w.participant(a.words[0]), Session: w.id(a.words[1])})
}

func (w *world) authenticated(a args) []string {
	cmd := chat.Authenticated{Session: w.id(a.words[0]), OK: a.words[1] == "ok", Name: a.option("name")}
	for _, o := range a.options {
		if key, ok := strings.CutPrefix(o.name, "attribute."); ok {
			cmd.Attributes = map[string]string{key: o.value}
		}
	}
	if n := a.option("big"); n != "" {
		cmd.Attributes = map[string]string{"big": strings.Repeat("x", chat.MaxAttributes)}
	}
	return w.do(cmd)
}

// timers sets timers like CUSTOMER.IDLE=2; 0 unsets them.
func (w *world) timers(a args) []string {
	var cmd chat.SetTimers
	for _, o := range a.options {
		role, kind, _ := strings.Cut(o.name, ".")
		minutes, _ := strconv.Atoi(o.value)
		cmd.Timers = append(cmd.Timers, chat.Timer{Role: chat.Role(role), Type: chat.TimerType(kind), Minutes: minutes})
	}
	return w.do(cmd)
}

// describe changes a contact: name=, text=, reference.key=, segment.key=, tag.key=, untag=.
func (w *world) describe(a args) []string {
	var d chat.Description
	for _, o := range a.options {
		switch name, key, _ := strings.Cut(o.name, "."); name {
		case "name":
			d.Name = &o.value
		case "text":
			d.Text = &o.value
		case "reference":
			d.References = map[string]chat.Reference{key: {Type: "URL", Value: o.value}}
		case "segment":
			d.SegmentAttributes = map[string]string{key: o.value}
		case "tag":
			if d.Tags == nil {
				d.Tags = make(map[string]string)
			}
			d.Tags[key] = o.value
		case "untag":
			d.Untag = append(d.Untag, o.value)
		}
	}
	return w.do(chat.Describe{Contact: w.contact(a.words[0]), Change: d})
}

func (w *world) rehydrate(a args) []string {
	return w.do(chat.Rehydrate{Past: *w.past(a.words[0]), Token: a.option("token")})
}

// part sends a part of a message. The answer to the first is named p1, p2 and so on.
func (w *world) part(a args) []string {
	n, _ := strconv.Atoi(a.words[1])
	cmd := chat.SendPart{
		By: w.participant(a.words[0]), Part: chat.Part{Number: n, Content: chat.Content{Type: contentType(a.option("type")), Text: a.words[2]}},
		Token: a.option("token"),
	}
	if id := a.option("id"); id != "" {
		cmd.ID = w.id(id)
	}
	return w.do(cmd)
}
