package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

// patience is how long a test waits for what must happen.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	code := m.Run()
	if err := leftovers(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// leftovers are goroutines besides those of the options that don't come to their end. They
// have as long as a busy machine may take: goleak alone waits less than a second.
func leftovers(besides ...goleak.Option) (err error) {
	for begun := time.Now(); time.Since(begun) < patience; {
		if err = goleak.Find(besides...); err == nil {
			break
		}
	}
	return err
}

// world is a server of its own, reached by the API directly, and on websockets through
// a network that can fail.
type world struct {
	t   *testing.T
	ctx context.Context
	cfg aws.Config // goes directly to the server
	net *network
}

func newWorld(t *testing.T) *world { return worldWith(t, "") }

// worldWith has a configuration file, too.
func worldWith(t *testing.T, yaml string) *world {
	t.Helper()
	s := config.Defaults()
	s.Listen, s.Data, s.Greeting = "127.0.0.1:0", config.Memory, ""
	var err error
	if _, s.Center, err = config.Parse(strings.NewReader(yaml)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, net: newNetwork(t)}
	s.PublicURL = w.net.url()
	w.cfg = awsConfig(t, serve(t, s))
	t.Cleanup(w.net.reset) // so that the server does not wait for what is frozen
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	w.net.to(*w.cfg.BaseEndpoint)
	return w
}

// serve runs a server until the test ends, and gives its address.
func serve(t *testing.T, s config.Settings) (url string) {
	t.Helper()
	url, stop := run(t, s)
	t.Cleanup(stop)
	return url
}

// run runs a server until it is stopped.
func run(t *testing.T, s config.Settings) (url string, stop func()) {
	t.Helper()
	srv, err := server.Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	return srv.Listening(), sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// awsConfig is what a program has to reach a server. It insists more than by default.
func awsConfig(t *testing.T, url string) aws.Config {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &url, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 100, 100*time.Millisecond, ratelimit.None
			})
		},
	}
}

var startJane = client.StartOptions{
	InstanceID: config.Defaults().InstanceID, FlowID: config.LocalFlow, DisplayName: "Jane",
	ContentTypes: []string{client.PlainText, client.Markdown},
}

// start begins a chat as Jane, its customer.
func (w *world) start(opts ...client.Option) *person {
	w.t.Helper()
	s, err := client.Start(w.ctx, w.cfg, startJane, opts...)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.person("Jane", s)
}

// add gives somebody a place in a chat.
func (w *world) add(contact, name string, role connecttypes.ParticipantRole) client.Details {
	w.t.Helper()
	out, err := connect.NewFromConfig(w.cfg).CreateParticipant(w.ctx, &connect.CreateParticipantInput{
		InstanceId: &startJane.InstanceID, ContactId: &contact,
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{ParticipantRole: role, DisplayName: &name},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return client.Details{
		ContactID: contact, ParticipantID: *out.ParticipantId, ParticipantToken: *out.ParticipantCredentials.ParticipantToken,
	}
}

// join opens a session.
func (w *world) join(name string, d client.Details, opts ...client.Option) *person {
	w.t.Helper()
	s, err := client.Join(w.ctx, w.cfg, d, opts...)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.person(name, s)
}

// agent joins a chat as Bob.
func (w *world) agent(contact string, opts ...client.Option) *person {
	w.t.Helper()
	return w.join("Bob", w.add(contact, "Bob", "AGENT"), append(opts, client.ConnectParticipant())...)
}

// stop ends a chat from outside.
func (w *world) stop(contact string) {
	w.t.Helper()
	_, err := connect.NewFromConfig(w.cfg).StopContact(w.ctx, &connect.StopContactInput{
		InstanceId: &startJane.InstanceID, ContactId: &contact,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// person is somebody with a session.
type person struct {
	*client.Session
	w    *world
	name string
}

func (w *world) person(name string, s *client.Session) *person {
	w.t.Cleanup(func() { s.Close() })
	return &person{s, w, name}
}

// next waits for an event. What was missed has been told when CaughtUp comes, so each
// connection has one; the tests see that from what comes.
func (p *person) next() event.Event {
	p.w.t.Helper()
	for {
		e, err := p.Next(p.w.ctx)
		if err != nil {
			p.w.t.Fatalf("%s: %v", p.name, err)
		}
		if _, ok := e.(event.CaughtUp); !ok {
			return e
		}
	}
}

// expect waits for events and says if they are others, in the words of tell.
func (p *person) expect(want ...string) {
	p.w.t.Helper()
	for _, w := range want {
		if got := tell(p.next()); got != w {
			p.w.t.Fatalf("%s: got %q, want %q", p.name, got, w)
		}
	}
}

// expectEnd says if the stream does not end as it should.
func (p *person) expectEnd(want error) {
	p.w.t.Helper()
	e, err := p.Next(p.w.ctx)
	if _, ok := e.(event.CaughtUp); ok {
		e, err = p.Next(p.w.ctx)
	}
	if !errors.Is(err, want) {
		p.w.t.Fatalf("%s: got %v, %v; want the error %v", p.name, e, err, want)
	}
}

func (p *person) say(text string) client.Sent {
	p.w.t.Helper()
	sent, err := p.Send(p.w.ctx, text)
	if err != nil {
		p.w.t.Fatalf("%s: %v", p.name, err)
	}
	return sent
}

// advance turns the server's clock.
func (w *world) advance(d time.Duration) {
	w.t.Helper()
	w.post("/_parley/clock", `{"Advance":"`+d.String()+`"}`)
}

// fault has the server's next calls of an operation fail.
func (w *world) fault(body string) {
	w.t.Helper()
	w.post("/_parley/faults", body)
}

func (w *world) post(path, body string) {
	w.t.Helper()
	resp, err := w.cfg.HTTPClient.(*http.Client).Post(*w.cfg.BaseEndpoint+path, "application/json", strings.NewReader(body))
	w.must(err)
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		w.t.Fatal(resp.Status)
	}
}

// must reports the error of something that has to succeed.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// tell says what an event is, in short.
func tell(e event.Event) string {
	switch e := e.(type) {
	case event.Connected:
		return "connected"
	case event.Disconnected:
		return "disconnected"
	case event.Message:
		return e.DisplayName + ": " + e.Content
	case event.Attachment:
		return e.DisplayName + " shares " + e.Attachments[0].Name
	case event.Joined:
		return e.DisplayName + " joined"
	case event.Left:
		return e.DisplayName + " left"
	case event.Typing:
		return e.DisplayName + " types"
	case event.Partial:
		return e.DisplayName + "… " + e.Text
	case event.Idle:
		return e.DisplayName + " is idle"
	case event.Returned:
		return e.DisplayName + " is back"
	case event.AutoDisconnected:
		return e.DisplayName + " was away for too long"
	case event.Invited:
		return e.DisplayName + " was invited"
	case event.Transferred:
		return "transferred"
	case event.Receipt:
		if e.By.Read.IsZero() {
			return "delivered"
		}
		return "read"
	case event.Ended:
		if e.Inferred {
			return "ended, it seems"
		}
		return "ended"
	}
	return "something else"
}
