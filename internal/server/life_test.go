package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/go-json-experiment/json"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/identity/oidctest"
	"github.com/parley-chat/parley/internal/turnable"
	"github.com/parley-chat/parley/internal/wire"
)

// attachment waits for a file to be an item.
func (p *person) attachment(id, status string) {
	p.t.Helper()
	p.await("an attachment that is "+status, func(it wire.Item) bool {
		return it.Type == "ATTACHMENT" && it.Attachments[0].AttachmentId == id && it.Attachments[0].Status == status
	})
}

// A file is sent, is there for everybody, and outlives the server.
func TestAttachments(t *testing.T) {
	s := newShop(t, "", func(s *config.Settings) {
		s.Data, s.AttachmentTypes = filepath.Join(t.TempDir(), "data"), []string{"md=text/markdown"}
	})
	srv, err := Open(s.settings, clockwork.NewRealClock(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	stop := serve(t, srv)
	s.at(srv)
	jane := s.start("f")
	bob := jane.add(connecttypes.ParticipantRoleAgent)
	content := strings.Repeat("# Größe\n", 1000)
	id := jane.attach("Größe.md", "text/markdown", content)
	jane.attachment(id, "APPROVED")
	bob.attachment(id, "APPROVED")
	stop()
	s.open()
	for _, who := range []*person{jane, bob} {
		if got, err := who.download(id); err != nil || got != content {
			t.Errorf("%d bytes came, %v", len(got), err)
		}
	}
	_, err = jane.chat.StartAttachmentUpload(t.Context(), &connectparticipant.StartAttachmentUploadInput{
		ConnectionToken: jane.connection, AttachmentName: aws.String("a.exe"), ContentType: aws.String("a/b"), AttachmentSizeInBytes: 1,
	})
	var refused *types.ValidationException
	if !errors.As(err, &refused) {
		t.Error(err)
	}
	bot := s.start("f").add(connecttypes.ParticipantRoleCustomBot)
	var denied *types.AccessDeniedException
	if _, err := bot.download(id); !errors.As(err, &denied) {
		t.Errorf("a bot downloads: %v", err)
	}
}

// An installation may take fewer kinds of files than the real service.
func TestOnlySomeTypes(t *testing.T) {
	s := newShop(t, "", func(s *config.Settings) { s.AttachmentTypes = []string{"only", "pdf=application/pdf"} }).open()
	jane := s.start("f")
	jane.attachment(jane.attach("a.pdf", "application/pdf", "%PDF"), "APPROVED")
	_, err := jane.chat.StartAttachmentUpload(t.Context(), &connectparticipant.StartAttachmentUploadInput{
		ConnectionToken: jane.connection, AttachmentName: aws.String("a.txt"), ContentType: aws.String("text/plain"), AttachmentSizeInBytes: 1,
	})
	var refused *types.ValidationException
	if !errors.As(err, &refused) || !strings.HasSuffix(*refused.Message, "these can: .pdf") {
		t.Error(err)
	}
}

// A page of another origin may upload: its browser asks first.
func TestUploadFromAnotherOrigin(t *testing.T) {
	s := newShop(t, "", func(*config.Settings) {}).open()
	jane := s.start("f")
	out, err := jane.chat.StartAttachmentUpload(t.Context(), &connectparticipant.StartAttachmentUploadInput{
		ConnectionToken: jane.connection, AttachmentName: aws.String("a.txt"), ContentType: aws.String("text/plain"), AttachmentSizeInBytes: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodOptions, *out.UploadMetadata.Url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://shop.example")
	r.Header.Set("Access-Control-Request-Method", "PUT")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	allowed := strings.Split(resp.Header.Get("Access-Control-Allow-Headers"), ",")
	for name := range out.UploadMetadata.HeadersToInclude {
		if name != "Content-Length" && !slices.Contains(allowed, strings.ToLower(name)) {
			t.Errorf("the page may not send %s", name)
		}
	}
	if resp.StatusCode >= 300 || !strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), "PUT") || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// A scanner says what is passed on. One that hangs, dies or answers nonsense lets nothing
// through.
func TestScanner(t *testing.T) {
	asked := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var m struct {
			File struct {
				FileName     string
				FileLocation struct{ URL string }
			}
		}
		if err := json.Unmarshal(body, &m, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Error(err)
		}
		status, text := ask(t, "GET", m.File.FileLocation.URL, "")
		if status != http.StatusOK {
			t.Errorf("the scanner gets no file: %d %s", status, text)
		}
		asked <- m.File.FileName
		switch text {
		case "good":
			_, _ = io.WriteString(w, `{"Status":"APPROVED"}`)
		case "evil":
			_, _ = io.WriteString(w, `{"Status":"REJECTED"}`)
		case "nonsense":
			_, _ = io.WriteString(w, `{"Status":"MAYBE"}`)
		case "dies":
			panic(http.ErrAbortHandler)
		case "hangs":
			<-r.Context().Done()
		}
	}))
	s := newShop(t, "", func(s *config.Settings) { s.Scanner = hook.URL }).open()
	t.Cleanup(func() {
		hook.CloseClientConnections() // or Close waits for who hangs
		hook.Close()
	})
	clock := s.srv.clock.(*turnable.Clock)
	jane := s.start("f")
	for content, c := range map[string]struct {
		status   string
		attempts int
	}{
		"good": {"APPROVED", 1}, "evil": {"REJECTED", 1}, "nonsense": {"REJECTED", 1}, "dies": {"REJECTED", 3}, "hangs": {"REJECTED", 3},
	} {
		id := jane.attach(content+".txt", "text/plain", content)
		for n := range c.attempts {
			if name := <-asked; name != content+".txt" {
				t.Fatalf("%s, attempt %d: the scanner was asked about %s", content, n+1, name)
			}
			if c.attempts > 1 {
				clock.Advance(chat.ScanWithin)
			}
		}
		jane.attachment(id, c.status)
		got, err := jane.download(id)
		var refused *types.ValidationException
		if approved := c.status == "APPROVED"; approved && got != content || !approved && !errors.As(err, &refused) {
			t.Errorf("%s: downloaded %q, %v", content, got, err)
		}
	}
}

func TestScannerCommand(t *testing.T) {
	for scanner, want := range map[string]string{"no such program": "scanner: ", "https://": "scanner: "} {
		s := newShop(t, "", func(s *config.Settings) { s.Scanner = scanner })
		if _, err := Open(s.settings, clockwork.NewRealClock(), quiet); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", scanner, err)
		}
	}
	s := newShop(t, "", func(s *config.Settings) { s.Scanner = "grep -l hello" }).open() // does not answer in JSON
	jane := s.start("f")
	jane.attachment(jane.attach("a.txt", "text/plain", "hello"), "REJECTED")
}

const guide = `
views:
  - {id: form, name: Form, template: {Body: [x]}, actions: [Submit]}
flows:
  - id: guide
    steps:
      - say: Hello
      - view: {id: form, data: {Heading: "Why?"}, within: 5m, else: [{say: In words please.}]}
      - queue: support
      - wait: {for: agent, within: 10m}
    on-disconnect:
      - say: How was it?
      - wait: {for: reply, within: 5m, else: [{say: Never mind.}]}
      - say: Thank you!
`

// A flow shows a view; the customer's client asks for it and answers.
func TestView(t *testing.T) {
	s := newShop(t, guide, func(*config.Settings) {}).open()
	jane := s.start("guide", chat.TypeInteractive, chat.TypeInteractiveResponse)
	var message struct {
		Data struct {
			Content struct {
				ViewToken string `json:"viewToken"`
			} `json:"content"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(jane.event(chat.TypeInteractive).Content), &message); err != nil {
		t.Fatal(err)
	}
	out, err := jane.chat.DescribeView(t.Context(), &connectparticipant.DescribeViewInput{
		ConnectionToken: jane.connection, ViewToken: &message.Data.Content.ViewToken,
	})
	if err != nil || *out.View.Name != "Form" || *out.View.Content.Template != `{"Body":["x"]}` || out.View.Content.Actions[0] != "Submit" {
		t.Fatalf("%+v, %v", out, err)
	}
	var missing *types.ResourceNotFoundException
	_, err = jane.chat.DescribeView(t.Context(), &connectparticipant.DescribeViewInput{ConnectionToken: jane.connection, ViewToken: aws.String("a/b+c=")})
	if !errors.As(err, &missing) {
		t.Errorf("an unknown view: %v", err)
	}
	jane.say(chat.TypeInteractiveResponse, `{"action":"Submit","data":{},"templateType":"ViewResource","version":"1.0"}`)
	contact, err := s.connect.DescribeContact(t.Context(), &connect.DescribeContactInput{InstanceId: &s.settings.InstanceID, ContactId: &jane.contact})
	if err != nil || contact.Contact.QueueInfo == nil {
		t.Errorf("after the answer the contact is not in the queue: %+v, %v", contact, err)
	}

	john := s.start("guide") // a client that shows no views
	john.said("In words please.")
}

// After the agent has left, the customer is asked how it was; then the chat is over.
func TestSurvey(t *testing.T) {
	s := newShop(t, guide, func(*config.Settings) {}).open()
	for answer, want := range map[string]string{"good": "Thank you!", "": "Never mind."} {
		jane := s.start("guide")
		bob := jane.add(connecttypes.ParticipantRoleAgent)
		jane.event(chat.EventJoined)
		bob.say(chat.TypePlain, "Bye")
		jane.said("Bye")
		if got := jane.transcript(); !slices.Equal(got, []string{"Hello", "In words please.", "Bye"}) {
			t.Errorf("before the agent has left: %q", got)
		}
		bob.leave()
		jane.event(chat.EventLeft)
		jane.said("How was it?")
		if answer == "" {
			s.srv.clock.(*turnable.Clock).Advance(5 * time.Minute)
		} else {
			jane.say(chat.TypePlain, answer)
		}
		jane.said(want)
		jane.event(chat.EventEnded)
	}
}

// The customer logs in at a provider and is known by name from then on.
func TestAuthentication(t *testing.T) {
	provider := oidctest.Start(t, oidctest.Options{})
	s := newShop(t, fmt.Sprintf(`
identity-providers:
  - {id: corp, issuer: %q, client-id: %q, client-secret: %q, attributes: {mail: email}}
flows:
  - id: f
    steps:
      - authenticate: {provider: corp, within: 5m, else: [{say: Hello stranger}]}
      - say: How can we help?
`, provider.Issuer, oidctest.ClientID, oidctest.ClientSecret), func(*config.Settings) {}).open()
	session := func(p *person) *string {
		t.Helper()
		var content struct{ SessionID string }
		if err := json.Unmarshal([]byte(p.event(chat.EventAuthentication+"initiated").Content), &content, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		return &content.SessionID
	}
	// comeBack has the customer go to the provider, and gives the state and the code.
	comeBack := func(p *person) (state, code *string) {
		t.Helper()
		out, err := p.chat.GetAuthenticationUrl(t.Context(), &connectparticipant.GetAuthenticationUrlInput{
			ConnectionToken: p.connection, SessionId: session(p), RedirectUri: aws.String("https://shop.example/back"),
		})
		if err != nil {
			t.Fatal(err)
		}
		c, st, err := provider.LogIn(t.Context(), *out.AuthenticationUrl)
		if err != nil {
			t.Fatal(err)
		}
		return &st, &c
	}
	answer := func(state, code *string) error {
		_, err := s.connect.UpdateParticipantAuthentication(t.Context(), &connect.UpdateParticipantAuthenticationInput{
			InstanceId: &s.settings.InstanceID, State: state, Code: code,
		})
		return err
	}

	jane := s.start("f")
	state, code := comeBack(jane)
	if err := answer(state, code); err != nil {
		t.Fatal(err)
	}
	jane.event(chat.EventAuthentication + "succeeded")
	if it := jane.event(chat.EventRenamed); it.DisplayName != "Jane Doe" {
		t.Errorf("the customer is called %s", it.DisplayName)
	}
	jane.said("How can we help?")
	attributes, err := s.connect.GetContactAttributes(t.Context(), &connect.GetContactAttributesInput{
		InstanceId: &s.settings.InstanceID, InitialContactId: &jane.contact,
	})
	if err != nil || attributes.Attributes["mail"] != "jane@example.com" {
		t.Errorf("%+v, %v", attributes, err)
	}

	john := s.start("f")
	state, _ = comeBack(john)
	if err := answer(state, aws.String("forged")); err != nil {
		t.Fatal(err)
	}
	john.event(chat.EventAuthentication + "failed")
	john.said("Hello stranger")

	jim := s.start("f")
	_, err = jim.chat.CancelParticipantAuthentication(t.Context(), &connectparticipant.CancelParticipantAuthenticationInput{
		ConnectionToken: jim.connection, SessionId: session(jim),
	})
	if err != nil {
		t.Fatal(err)
	}
	jim.event(chat.EventAuthentication + "cancelled")
	jim.said("Hello stranger")

	joan := s.start("f")
	id := session(joan)
	provider.Replace(oidctest.Any, oidctest.Down)
	s.srv.clock.(*turnable.Clock).Advance(chat.AuthURLWithin)
	joan.event(chat.EventAuthentication + "expired")
	_, err = joan.chat.GetAuthenticationUrl(t.Context(), &connectparticipant.GetAuthenticationUrlInput{
		ConnectionToken: joan.connection, SessionId: id, RedirectUri: aws.String("https://shop.example/back"),
	})
	var refused *types.ValidationException
	if !errors.As(err, &refused) {
		t.Errorf("after the minute: %v", err)
	}
}

// What was to happen while no server ran happens at its start, once, and nobody has to
// ask for it.
func TestTimerPassesWhileDown(t *testing.T) {
	s := newShop(t, `
flows:
  - id: f
    steps:
      - wait: {for: reply, within: 1m, else: [{say: "Are you there?"}]}
      - wait: {for: reply, within: 1h}
`, func(s *config.Settings) { s.Data = filepath.Join(t.TempDir(), "data") })
	srv, err := Open(s.settings, clockwork.NewRealClock(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	stop := serve(t, srv)
	s.at(srv)
	jane := s.start("f")
	stop()

	late := clockwork.NewFakeClockAt(time.Now().Add(2 * time.Minute))
	if srv, err = Open(s.settings, late, quiet); err != nil {
		t.Fatal(err)
	}
	id, err := chat.ParseID(jane.contact)
	if err != nil {
		t.Fatal(err)
	}
	happened := make(chan struct{}, 10)
	cancel, err := srv.bus.Subscribe(chat.ChatID{ID: id}, func(bus.Notice) { happened <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	defer serve(t, srv)()
	select {
	case <-happened:
	case <-time.After(patience):
		t.Fatal("nothing has happened")
	}
	s.at(srv)
	if got := jane.transcript(); !slices.Equal(got, []string{"Are you there?"}) {
		t.Errorf("said: %q", got)
	}
}

// A customer whose websocket stays gone ends the chat, where the settings say so.
func TestCustomerGone(t *testing.T) {
	s := newShop(t, "", func(s *config.Settings) { s.CustomerGone = time.Minute }).open()
	jane := s.start("f")
	bob := jane.add(connecttypes.ParticipantRoleAgent)
	jane.hangUp()
	ended := make(chan struct{})
	go func() { // when the server has noticed, time runs
		for range time.Tick(10 * time.Millisecond) {
			select {
			case <-ended:
				return
			default:
			}
			if s.srv.sockets.Stats().Open == 1 {
				s.srv.clock.(*turnable.Clock).Advance(time.Second) // not so fast that websockets come to their end
			}
		}
	}()
	bob.event(chat.EventEnded)
	close(ended)
}
