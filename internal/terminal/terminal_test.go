package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/charmbracelet/x/ansi"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

// chat is a chat of Jane and Bob at a server of its own.
func chat(t *testing.T) (ctx context.Context, jane, bob *client.Session) {
	t.Helper()
	s := config.Defaults()
	s.Listen, s.Data, s.Greeting = "127.0.0.1:0", config.Memory, ""
	srv, err := server.Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	must(t, err)
	running, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(running) }()
	t.Cleanup(func() { stop(); <-served })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: new(srv.URL()), HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
	}
	jane, err = client.Start(ctx, cfg, client.StartOptions{InstanceID: s.InstanceID, FlowID: config.LocalFlow, DisplayName: "Jane"})
	must(t, err)
	t.Cleanup(func() { jane.Close() })
	out, err := connect.NewFromConfig(cfg).CreateParticipant(ctx, &connect.CreateParticipantInput{
		InstanceId: &s.InstanceID, ContactId: aws.String(jane.Details().ContactID),
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{ParticipantRole: "AGENT", DisplayName: aws.String("Bob")},
	})
	must(t, err)
	bob, err = client.Join(ctx, cfg, client.Details{
		ContactID: jane.Details().ContactID, ParticipantID: *out.ParticipantId, ParticipantToken: *out.ParticipantCredentials.ParticipantToken,
	}, client.ConnectParticipant())
	must(t, err)
	t.Cleanup(func() { bob.Close() })
	return ctx, jane, bob
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// user looks at a screen and types. The test plays Bubble Tea's part, so that nothing
// happens at the same time.
type user struct {
	t *testing.T
	*screen
}

func look(t *testing.T, ctx context.Context, s *client.Session) *user {
	u := &user{t, newScreen(ctx, &Part{Session: s})}
	u.Init()
	u.Update(tea.WindowSizeMsg{Width: 60, Height: 20})
	return u
}

// sees takes events until the screen shows something.
func (u *user) sees(want string) {
	u.t.Helper()
	for !strings.Contains(u.text(), want) {
		if u.over || u.ctx.Err() != nil {
			u.t.Fatalf("the screen never shows %q:\n%s", want, u.text())
		}
		u.Update(u.wait())
	}
}

func (u *user) text() string { return ansi.Strip(u.View().Content) }

// types presses keys, and enter.
func (u *user) types(line string) {
	u.t.Helper()
	for _, r := range line {
		u.Update(tea.KeyPressMsg{Text: string(r), Code: r})
	}
	u.run(u.key(tea.KeyPressMsg{Code: tea.KeyEnter}))
}

// run does what a command is for, and gives the screen what comes of it.
func (u *user) run(cmd tea.Cmd) {
	if cmd != nil {
		u.Update(cmd())
	}
}

func TestScreen(t *testing.T) {
	ctx, jane, bob := chat(t)
	u := look(t, ctx, jane)
	u.sees("* Bob joined (agent)")
	u.types("hello Bob")
	u.sees("Jane: hello Bob  ✓")
	if strings.Contains(u.text(), "> hello Bob") {
		t.Errorf("what was said is still in the line:\n%s", u.text())
	}
	echo := u.past[len(u.past)-1].id
	must(t, bob.MarkRead(ctx, echo))
	u.sees("Jane: hello Bob  ✓✓ read")

	must(t, bob.Typing(ctx))
	u.sees("Bob is typing…")
	_, err := bob.Send(ctx, "one\nand\x1b[31m two")
	must(t, err)
	u.sees("\n    and�[31m two")
	if strings.Contains(u.text(), "Bob is typing") {
		t.Errorf("Bob has said it:\n%s", u.text())
	}

	u.types("/help")
	u.sees("/attach FILE")
	u.types("/nonsense")
	u.sees("/nonsense is not known")
	if got := u.line.Value(); got != "/nonsense" {
		t.Errorf("what failed is not there to be changed, but %q", got)
	}
	u.line.Reset()
	_, err = bob.Send(ctx, "words that fill a line\tof sixty characters or so are not broken "+strings.Repeat("x", 200))
	must(t, err)
	u.sees("xxx")
	if !strings.Contains(u.text(), "a line    of sixty characters or so are\nnot broken"+strings.Repeat(" ", 50)+"\n"+strings.Repeat("x", 60)+"\nxxx") {
		t.Errorf("lines are broken where they should not be:\n%s", u.text())
	}
	for range 30 {
		_, err := bob.Send(ctx, "and more")
		must(t, err)
	}
	_, err = bob.Send(ctx, "the last")
	must(t, err)
	u.sees("the last")
	u.Update(tea.KeyPressMsg{Code: tea.KeyPgUp})
	u.Update(tea.KeyPressMsg{Code: tea.KeyPgUp})
	if strings.Contains(u.text(), "the last") {
		t.Errorf("page up does not scroll:\n%s", u.text())
	}
	u.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
	u.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
	u.Update(tea.WindowSizeMsg{Width: 30, Height: 8})
	if !strings.Contains(u.text(), "the last") {
		t.Errorf("a smaller screen is not at the end any more:\n%s", u.text())
	}
	u.Update(tea.WindowSizeMsg{Width: 60, Height: 20})

	u.line.SetValue("x")
	if u.key(tea.KeyPressMsg{Code: 'd', Mod: tea.ModCtrl}); u.leave {
		t.Error("ctrl-D in a line leaves the chat")
	}
	u.line.Reset()
	u.run(u.key(tea.KeyPressMsg{Code: 'd', Mod: tea.ModCtrl}))
	u.sees("* the chat is over")
	u.Update(u.wait())
	if !strings.Contains(u.text(), "Enter ends the program") {
		t.Errorf("the end is not shown:\n%s", u.text())
	}
	if cmd := u.key(tea.KeyPressMsg{Code: tea.KeyEnter}); cmd == nil || cmd() != tea.Quit() {
		t.Error("enter does not end the program")
	}
}

// What was said before is laid out once, not with each message of it.
func TestScreenBehind(t *testing.T) {
	ctx, jane, _ := chat(t)
	u := look(t, ctx, jane)
	u.sees("Reading what was said")
	if u.Update(u.wait()); !u.behind || strings.Contains(u.text(), "joined") {
		t.Errorf("it is shown before all is known:\n%s", u.text())
	}
	u.did(did{err: errors.New("a mistake")})
	u.refresh()
	u.sees("a mistake")
	u.sees("Bob joined")
	u.sees("/quit leaves")
}

// Nobody has to wait for a server that does not answer.
func TestLeaveInVain(t *testing.T) {
	ctx, jane, _ := chat(t)
	u := look(t, ctx, jane)
	if u.key(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}) == nil { // which is never done
		t.Fatal("ctrl-C does nothing")
	}
	if !strings.Contains(u.text(), "Ctrl-C again ends the program") {
		t.Errorf("the way out is not shown:\n%s", u.text())
	}
	if cmd := u.key(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}); cmd == nil || cmd() != tea.Quit() {
		t.Error("a second ctrl-C does not end the program")
	}
}

// What others wrote, and what they are called, commands no terminal and looks like nothing
// else.
func TestPrintable(t *testing.T) {
	const evil = "a\x1b[31m\r\u009b\u202eb\u2066\x7f"
	if got, want := Printable(evil+"\n\tc ש👩‍👧"), "a�[31m���b��\n\tc ש👩‍👧"; got != want {
		t.Errorf("printable is %q, want %q", got, want)
	}
	if got, want := Line(" Bob\n* Jane  left\x1b "), "Bob * Jane left�"; got != want {
		t.Errorf("a line is %q, want %q", got, want)
	}
	raw, err := json.Marshal(evil + "ש")
	must(t, err)
	escaped := EscapeJSON(raw)
	if want := `"a\u001b[31m\r\u009b\u202eb\u2066\u007fש"`; string(escaped) != want {
		t.Errorf("JSON is %s, want %s", escaped, want)
	}
	var back string
	if err := json.Unmarshal(escaped, &back); err != nil || back != evil+"ש" {
		t.Errorf("it is read as %q, %v", back, err)
	}
	if got := describe(event.Left{Item: event.Item{DisplayName: "X left\n* Bob"}}); got != "* X left * Bob left" {
		t.Errorf("a name is a line of its own: %q", got)
	}
}

// The program as Bubble Tea runs it, with keys as a terminal sends them.
func TestScreenRuns(t *testing.T) {
	ctx, jane, _ := chat(t)
	var out strings.Builder
	err := (&Part{Session: jane}).Screen(ctx, &keyboard{keys: []string{"/quit\r"}, done: ctx, then: func() bool {
		return errors.Is(lastError(jane), client.ErrEnded)
	}}, &out, tea.WithWindowSize(60, 20), tea.WithEnvironment([]string{"TERM=xterm"}))
	must(t, err)
	if !strings.Contains(ansi.Strip(out.String()), "parley") {
		t.Errorf("the screen was %q", out.String())
	}
}

// keyboard types, waits until something is so, and then presses enter.
type keyboard struct {
	keys []string
	done context.Context
	then func() bool
}

func (k *keyboard) Read(p []byte) (int, error) {
	if len(k.keys) > 0 {
		key := k.keys[0]
		k.keys = k.keys[1:]
		return copy(p, key), nil
	}
	for !k.then() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-k.done.Done():
			return 0, k.done.Err()
		}
	}
	<-time.After(50 * time.Millisecond)
	return copy(p, "\r"), nil
}

// lastError says whether a session is over.
func lastError(s *client.Session) error {
	_, err := s.Send(context.Background(), "")
	return err
}

// Files are shared and saved; none that exists is overwritten.
func TestFiles(t *testing.T) {
	ctx, jane, bob := chat(t)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a b.txt"), filepath.Join(dir, "copy.txt")
	must(t, os.WriteFile(from, []byte("content"), 0o600))
	sender, receiver := &Part{Session: bob}, &Part{Session: jane}
	note, err := sender.do(ctx, "/attach "+from)
	if note != "* a b.txt was sent" || err != nil {
		t.Errorf("noted %q, %v", note, err)
	}
	u := look(t, ctx, jane)
	u.sees("* Bob shares a b.txt (approved,")
	id := u.past[len(u.past)-1]
	_, file, _ := strings.Cut(id.text, "(approved, ")
	file = strings.TrimSuffix(file, ")")
	t.Chdir(dir)
	for _, c := range []struct{ line, want string }{
		{"/download " + file + " " + to, "* " + to + " has 7 bytes"},
		{"/download " + file + " " + to, "file exists"},
		{"/download " + file, "a b.txt: file exists"},
		{"/download nothing", "ValidationException"},
	} {
		note, err := receiver.do(ctx, c.line)
		if !strings.Contains(fmt.Sprint(note, err), c.want) {
			t.Errorf("%s: noted %q, %v; want %q", c.line, note, err, c.want)
		}
	}
	if got, err := os.ReadFile(to); string(got) != "content" || err != nil {
		t.Errorf("saved %q, %v", got, err)
	}
}

func TestLines(t *testing.T) {
	ctx, jane, bob := chat(t)
	for e, err := range bob.Events(ctx) { // Bob's history is complete
		must(t, err)
		if _, ok := e.(event.CaughtUp); ok {
			break
		}
	}
	var out, failures strings.Builder
	err := (&Part{Session: jane}).Lines(ctx, Streams{
		In: strings.NewReader("hello\n\n/attach\n//quit\n"), Out: &Teller{Out: &out}, Failures: &failures,
	}, false)
	if err == nil || err.Error() != "1 of what was asked for failed" {
		t.Errorf("got %v", err)
	}
	if want := "parley: /attach is not known, or needs more; see /help. To say it, write //\n"; failures.String() != want {
		t.Errorf("complained %q", failures.String())
	}
	if want := "* Jane joined (customer)\n* Bob joined (agent)\nJane: hello\nJane: /quit\n* Jane left\n* the chat is over\n"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

func TestDescribe(t *testing.T) {
	by := event.Item{DisplayName: "Bob", Role: "AGENT", Content: "hi\nyou\a", Attachments: []event.File{{ID: "f", Name: "a.png", Status: "APPROVED"}}}
	for _, c := range []struct {
		e    event.Event
		want string
	}{
		{event.Message{Item: by}, "Bob: hi\n    you�"},
		{event.Attachment{Item: by}, "* Bob shares a.png (approved, f)"},
		{event.Joined{Item: by}, "* Bob joined (agent)"},
		{event.Left{Item: by}, "* Bob left"},
		{event.Invited{Item: by}, "* Bob was invited"},
		{event.Typing{Item: by}, "* Bob is typing"},
		{event.Typing{Item: event.Item{Own: true}}, ""},
		{event.Receipt{Item: event.Item{Own: true}}, ""},
		{event.Idle{Item: by}, "* Bob is idle"},
		{event.Returned{Item: by}, "* Bob is back"},
		{event.AutoDisconnected{Item: by}, "* Bob was away for too long"},
		{event.Renamed{Item: by}, "* somebody is called Bob now"},
		{event.Transferred{}, "* the chat was transferred"},
		{event.Transferred{Failed: true}, "* the transfer failed"},
		{event.Authentication{State: "succeeded"}, "* signing in: succeeded"},
		{event.Ended{}, "* the chat is over"},
		{event.Disconnected{}, "* the connection is lost; connecting again"},
		{event.Connected{}, ""}, {event.CaughtUp{}, ""}, {event.Partial{}, ""}, {event.Unknown{}, ""},
	} {
		if got := describe(c.e); got != c.want {
			t.Errorf("%T is %q, want %q", c.e, got, c.want)
		}
	}
}

func TestTeller(t *testing.T) {
	var lines, objects strings.Builder
	people, programs := &Teller{Out: &lines}, &Teller{Out: &objects, JSON: true}
	for _, e := range []event.Event{
		event.Receipt{By: event.ReceiptBy{ParticipantID: "b"}},
		event.Joined{Item: event.Item{ParticipantID: "b", DisplayName: "Bob", Role: "AGENT", Raw: []byte(`{"Id":"i"}`)}},
		event.Receipt{By: event.ReceiptBy{ParticipantID: "b"}},
		event.Receipt{By: event.ReceiptBy{ParticipantID: "b", Read: time.Now()}},
		event.Partial{Text: "so far"},
		event.Disconnected{Err: errors.New("lost")},
		event.Ended{Inferred: true},
	} {
		must(t, people.Tell(e))
		must(t, programs.Tell(e))
	}
	if want := "* somebody got that\n* Bob joined (agent)\n* Bob got that\n* Bob has read that\n* the connection is lost; connecting again\n* the chat is over\n"; lines.String() != want {
		t.Errorf("lines are %q", lines.String())
	}
	if want := `{"event":"receipt"}
{"event":"joined","item":{"Id":"i"}}
{"event":"receipt"}
{"event":"receipt"}
{"event":"partial","text":"so far"}
{"event":"disconnected","error":"lost"}
{"event":"ended","inferred":true}
`; objects.String() != want {
		t.Errorf("objects are %s", objects.String())
	}
}
