package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/internal/config"
)

func TestAttachments(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	bob := w.agent(jane.Details().ContactID)
	jane.expect("connected", "Jane joined", "Bob joined")
	content := bytes.Repeat([]byte("a file\n"), 50_000)
	path := filepath.Join(t.TempDir(), "größe.txt")
	w.must(os.WriteFile(path, content, 0o600))

	for _, attach := range []func() (string, error){
		func() (string, error) { return bob.AttachFile(w.ctx, path) },
		func() (string, error) {
			return bob.Attach(w.ctx, client.Upload{ // not to be had twice
				Name: "größe.txt", Size: int64(len(content)), Content: io.MultiReader(bytes.NewReader(content)),
			})
		},
	} {
		id, err := attach()
		w.must(err)
		e, ok := jane.next().(event.Attachment)
		want := event.File{ID: id, Name: "größe.txt", ContentType: "text/plain", Status: types.ArtifactStatusApproved}
		if !ok || len(e.Attachments) != 1 || e.Attachments[0] != want {
			t.Fatalf("jane sees %+v, want %+v", e, want)
		}
		d, err := jane.Download(w.ctx, id)
		w.must(err)
		got, err := io.ReadAll(d)
		w.must(errors.Join(err, d.Close()))
		if !bytes.Equal(got, content) || d.Size != int64(len(content)) || d.Name != "größe.txt" || !strings.HasPrefix(d.ContentType, "text/plain") {
			t.Errorf("downloaded %d bytes: %+v", len(got), d)
		}
	}
	// what is shared before somebody comes is there for them
	late := w.join("Jane", jane.Details())
	late.expect("connected", "Jane joined", "Bob joined", "Bob shares größe.txt", "Bob shares größe.txt")

	if _, err := jane.Download(w.ctx, "no such file"); !isA[*types.ValidationException](err) {
		t.Errorf("an unknown file gives %v", err)
	}
	if _, err := jane.Attach(w.ctx, client.Upload{Name: "a.exe", Size: 1, Content: strings.NewReader("x")}); !isA[*types.ValidationException](err) {
		t.Errorf("a program gives %v", err)
	}
	if _, err := jane.Attach(w.ctx, client.Upload{Name: "a.txt", Size: 1}); err == nil || strings.Contains(err.Error(), "token=") {
		t.Errorf("nothing was shared as a byte, or the URL is told: %v", err)
	}
	if _, err := jane.AttachFile(w.ctx, filepath.Dir(path)); err == nil {
		t.Error("a directory was shared")
	}
	if _, err := jane.AttachFile(w.ctx, path+".txt"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

// spoil changes requests for files before they are sent; one that gives an error is not.
type spoil struct {
	http.RoundTripper
	change func(*http.Request) error
}

func (s spoil) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodPut && !strings.HasPrefix(r.URL.Path, "/contact") {
		if err := s.change(r); err != nil {
			return nil, err
		}
	}
	return s.RoundTripper.RoundTrip(r)
}

func TestUploadTrouble(t *testing.T) {
	w := newWorld(t)
	var change func(*http.Request) error
	inner := w.cfg.HTTPClient.(*http.Client).Transport
	w.cfg.HTTPClient = &http.Client{Transport: spoil{inner, func(r *http.Request) error { return change(r) }}}
	jane := w.start(w.hurry())
	jane.expect("connected", "Jane joined")
	file := func() client.Upload {
		return client.Upload{Name: "a.txt", Size: 5, Content: strings.NewReader("hello")}
	}

	attempts := 0
	change = func(r *http.Request) error {
		if attempts++; attempts < 3 {
			_, _ = io.ReadFull(r.Body, make([]byte, 3)) // a part is on its way
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	id, err := jane.Attach(w.ctx, file())
	w.must(err)
	jane.expect("Jane shares a.txt")
	change = func(r *http.Request) error { return nil }
	d, err := jane.Download(w.ctx, id)
	w.must(err)
	if got, err := io.ReadAll(d); string(got) != "hello" || err != nil {
		t.Errorf("after two broken uploads the file is %q, %v", got, err)
	}
	d.Close()

	attempts = 0
	change = func(*http.Request) error { attempts++; return io.ErrUnexpectedEOF }
	once := file()
	once.Content = io.MultiReader(once.Content)
	if _, err := jane.Attach(w.ctx, once); !errors.Is(err, io.ErrUnexpectedEOF) || attempts != 1 {
		t.Errorf("what can be read once was tried %d times, %v", attempts, err)
	}
	change = func(r *http.Request) error { r.URL.RawQuery += "x"; return nil } // breaks the signature
	if _, err := jane.Attach(w.ctx, file()); !errors.Is(err, client.ErrUpload) {
		t.Errorf("a forged upload gives %v", err)
	}
	if _, err := jane.Download(w.ctx, id); !errors.Is(err, client.ErrDownload) {
		t.Errorf("a forged download gives %v", err)
	}
}

// Each message is marked as read on a goroutine of its own; the newest is, in the end.
func TestReadInAnyOrder(t *testing.T) {
	w := newWorld(t)
	jane := w.start(w.hurry())
	bob := w.agent(jane.Details().ContactID)
	jane.expect("connected", "Jane joined", "Bob joined")
	w.must(jane.MarkRead(w.ctx, bob.say("first").ID)) // what follows waits for 5 seconds
	jane.expect("Bob: first", "read")
	var more []string
	for range 30 {
		more = append(more, bob.say("more").ID)
		jane.expect("Bob: more")
	}
	var marking errgroup.Group
	for _, id := range slices.Backward(more) {
		marking.Go(func() error { return jane.MarkRead(w.ctx, id) })
	}
	w.must(marking.Wait())
	last := more[len(more)-1]
	for e, err := range bob.Events(w.ctx) {
		w.must(err)
		if r, ok := e.(event.Receipt); ok && r.MessageID == last {
			break
		}
	}
}

// A store of files that does not answer is not waited for by a session that was closed.
func TestDownloadEnds(t *testing.T) {
	w := newWorld(t)
	inner, asked, held := w.cfg.HTTPClient.(*http.Client).Transport, make(chan struct{}, 1), false
	w.cfg.HTTPClient = &http.Client{Transport: spoil{inner, func(r *http.Request) error {
		if held {
			asked <- struct{}{}
			<-r.Context().Done()
		}
		return r.Context().Err()
	}}}
	jane := w.start()
	id, err := jane.Attach(w.ctx, client.Upload{Name: "a.txt", Size: 5, Content: strings.NewReader("hello")})
	w.must(err)
	jane.expect("connected", "Jane joined", "Jane shares a.txt")
	d, err := jane.Download(w.ctx, id)
	w.must(err)
	defer d.Close()
	held = true
	waits := make(chan error)
	go func() {
		_, err := jane.Download(w.ctx, id)
		waits <- err
	}()
	<-asked
	jane.Close()
	if err := <-waits; !errors.Is(err, client.ErrClosed) {
		t.Errorf("what waits gives %v", err)
	}
}

// Sessions without an HTTP client of their own share one, and its connections.
func TestSharedClient(t *testing.T) {
	w := newWorld(t)
	w.cfg.HTTPClient, w.cfg.BaseEndpoint = nil, new(w.net.url())
	const many = 10
	for range many {
		s := w.start()
		s.expect("connected", "Jane joined")
		w.caughtUp(s)
		s.Close()
	}
	if n := w.net.connections(); n >= 2*many { // a websocket each, and not also one for calls
		t.Errorf("%d sessions have made %d connections", many, n)
	}
}

const guide = `
views:
  - {id: form, name: Form, template: {Body: [x]}, actions: [Submit]}
flows:
  - id: guide
    steps:
      - say: {text: Welcome, stream: true}
      - view: {id: form, data: {Heading: "Why?"}, within: 5m}
      - queue: support
`

// A flow writes a message in parts, and shows a view, which the customer answers.
func TestFlow(t *testing.T) {
	w := worldWith(t, guide)
	o := startJane
	o.FlowID, o.ContentTypes = "guide", []string{client.PlainText, client.Interactive, client.InteractiveResponse}
	o.Change = func(in *connect.StartChatContactInput) {
		in.ParticipantConfiguration = &connecttypes.ParticipantConfiguration{ResponseMode: connecttypes.ResponseModeIncremental}
	}
	s, err := client.Start(w.ctx, w.cfg, o)
	w.must(err)
	jane := w.person("Jane", s)
	jane.expect("connected", "Jane joined")
	var grown string
	e := jane.next()
	for p, ok := e.(event.Partial); ok; p, ok = e.(event.Partial) {
		if !strings.HasPrefix(p.Text, grown) || !strings.HasPrefix("Welcome", p.Text) {
			t.Errorf("after %q the part is %q", grown, p.Text)
		}
		grown = p.Text
		e = jane.next()
	}
	if m, ok := e.(event.Message); !ok || m.Content != "Welcome" {
		t.Errorf("after the parts comes %+v", e)
	}

	shown, ok := jane.next().(event.Message)
	if !ok || shown.ContentType != client.Interactive {
		t.Fatalf("no view is shown but %+v", shown)
	}
	var content struct {
		Data struct {
			Content struct {
				ViewToken string `yaml:"viewToken"`
			}
		}
	}
	w.must(yaml.Unmarshal([]byte(shown.Content), &content))
	view, err := jane.DescribeView(w.ctx, content.Data.Content.ViewToken)
	w.must(err)
	if aws.ToString(view.Name) != "Form" || view.Content.Actions[0] != "Submit" {
		t.Errorf("the view is %+v", view)
	}
	_, err = jane.SendContent(w.ctx, client.InteractiveResponse, `{"action":"Submit","data":{},"templateType":"ViewResource","version":"1.0"}`)
	w.must(err)
	if _, err := jane.DescribeView(w.ctx, "nothing"); !isA[*types.ResourceNotFoundException](err) {
		t.Errorf("an unknown view gives %v", err)
	}
	const session = "00000000-0000-4000-8000-000000000009"
	if _, err := jane.AuthenticationURL(w.ctx, session, "https://example.com"); !isA[*types.ValidationException](err) {
		t.Errorf("an unknown sign-in gives %v", err)
	}
	if err := jane.CancelAuthentication(w.ctx, session); !isA[*types.ValidationException](err) {
		t.Errorf("cancelling an unknown sign-in gives %v", err)
	}
}

func TestIdle(t *testing.T) {
	w := newWorld(t)
	jane := w.start()
	contact := jane.Details().ContactID
	timer := func(kind connecttypes.ParticipantTimerType, minutes int32) connecttypes.ParticipantTimerConfiguration {
		return connecttypes.ParticipantTimerConfiguration{
			ParticipantRole: connecttypes.TimerEligibleParticipantRolesCustomer, TimerType: kind,
			TimerValue: &connecttypes.ParticipantTimerValueMemberParticipantTimerDurationInMinutes{Value: minutes},
		}
	}
	_, err := connect.NewFromConfig(w.cfg).UpdateParticipantRoleConfig(w.ctx, &connect.UpdateParticipantRoleConfigInput{
		InstanceId: &startJane.InstanceID, ContactId: &contact,
		ChannelConfiguration: &connecttypes.UpdateParticipantRoleConfigChannelInfoMemberChat{Value: connecttypes.ChatParticipantRoleConfig{
			ParticipantTimerConfigList: []connecttypes.ParticipantTimerConfiguration{
				timer(connecttypes.ParticipantTimerTypeIdle, 2), timer(connecttypes.ParticipantTimerTypeDisconnectNoncustomer, 4),
			},
		}},
	})
	w.must(err)
	bob := w.agent(contact) // with whom the timers begin
	bob.expect("connected", "Jane joined", "Bob joined")
	w.advance(2*time.Minute + time.Second)
	bob.expect("Jane is idle")
	jane.say("I'm here")
	bob.expect("Jane: I'm here", "Jane is back")
	w.advance(2*time.Minute + time.Second)
	bob.expect("Jane is idle")
	w.advance(4*time.Minute + time.Second)
	bob.expect("Jane was away for too long", "Bob left", "ended")
}

// The server is stopped and started again: its clients come back, and go on.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	s := config.Defaults()
	s.Listen, s.Data, s.Greeting, s.PublicURL = "127.0.0.1:0", filepath.Join(t.TempDir(), "data"), "", w.net.url()
	url, stop := run(t, s)
	t.Cleanup(func() { stop() })
	w.net.to(url)
	w.cfg.BaseEndpoint = new(w.net.url())
	jane := w.start(w.hurry())
	jane.say("before")
	jane.expect("connected", "Jane joined", "Jane: before")
	stop() // closes with 1012
	jane.expect("disconnected")
	url, stop = run(t, s)
	w.net.to(url)
	jane.say("after")
	jane.expect("connected", "Jane: after")
}
