package server

import (
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"

	"github.com/parley-chat/parley/internal/bus"
	"github.com/parley-chat/parley/internal/bus/natsbus/natstest"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/pgtest"
	"github.com/parley-chat/parley/internal/wire"
)

// nodes are two servers that share a database and NATS servers.
func nodes(t *testing.T, database *pgtest.Cluster, nats ...*natstest.Server) (one, other *shop) {
	t.Helper()
	url := database.Database(t)
	shared := func(s *config.Settings) {
		s.Store, s.Bus = url, strings.Join(natstest.URLs(nats), ",")
		s.TokenKeys, s.Attachments = []string{"MDEyMzQ1Njc4OWFiY2RlZg=="}, "off"
	}
	one, other = newShop(t, "", shared).open(), newShop(t, "", shared).open()
	for _, s := range []*shop{one, other} {
		await(t, s.srv.bus.(bus.Lossy))
	}
	return one, other
}

// at is the same person, whose calls go to another node.
func (p *person) at(s *shop) *person {
	moved := *p
	moved.shop = s
	return &moved
}

// try sends a message with a ClientToken, and gives its id.
func (p *person) try(text string) (string, error) {
	out, err := p.chat.SendMessage(p.t.Context(), &connectparticipant.SendMessageInput{
		ConnectionToken: p.connection, ContentType: aws.String("text/plain"), Content: &text, ClientToken: &text,
	})
	if err != nil {
		return "", err
	}
	return *out.Id, nil
}

// insist sends it until it is acknowledged.
func (p *person) insist(text string) (id string) {
	p.t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) { // as a client does
		id, err := p.try(text)
		if err == nil {
			return id
		}
		if time.Since(begun) > patience {
			p.t.Fatal(err)
		}
	}
}

// answers fails the test unless the node answers so at the path, in the end: on a busy
// machine its database may be late.
func (s *shop) answers(path string, want int) {
	s.t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		status, text := ask(s.t, "GET", s.srv.Listening()+path, "")
		if status == want {
			return
		}
		if time.Since(begun) > patience {
			s.t.Fatalf("%s: %d %s, want %d", path, status, text, want)
		}
	}
}

// Without the database calls fail, in a way that SDKs try again, and the nodes are not
// ready; when it is back, what was tried with a ClientToken happens once. Websockets
// are held all the time.
func TestDatabaseLost(t *testing.T) {
	database := pgtest.Start(t)
	one, other := nodes(t, database, natstest.Start(t, ""))
	jane := one.start(config.LocalFlow)
	bob := jane.at(other).add(connecttypes.ParticipantRoleAgent)
	jane.say("text/plain", "before")
	bob.said("before")

	database.Pause(t) // it doesn't say that it is gone
	jane.fails("paused")
	database.Resume(t)
	paused := jane.insist("paused")
	bob.said("paused")

	database.Kill(t)
	jane.fails("killed")
	for _, s := range []*shop{one, other} {
		s.answers(readyPath, http.StatusServiceUnavailable)
		s.answers(livePath, http.StatusOK)
	}
	database.Restart(t)
	killed := jane.insist("killed")
	for i, again := range []string{"paused", "killed"} {
		if id := jane.at(other).insist(again); id != []string{paused, killed}[i] {
			t.Errorf("%q has the id %s at one node and %s at the other", again, []string{paused, killed}[i], id)
		}
	}
	other.answers(readyPath, http.StatusOK)
	jane.say("text/plain", "after")
	bob.said("killed")
	if it := bob.await("a message", func(it wire.Item) bool { return it.Type == "MESSAGE" }); it.Content != "after" {
		t.Errorf("%q came after what was tried without the database", it.Content)
	}
	want := []string{"before", "paused", "killed", "after"}
	for _, s := range []*shop{one, other} {
		if got := jane.at(s).transcript(); !slices.Equal(got[1:], want) { // after the greeting
			t.Errorf("the transcript has %q, want %q", got, want)
		}
	}
}

// fails has every call fail as it does without a database, but that for a connection.
func (p *person) fails(text string) {
	p.t.Helper()
	var participant *types.InternalServerException
	_, err := p.try(text)
	if !errors.As(err, &participant) {
		p.t.Errorf("SendMessage: %v", err)
	}
	if _, err = p.chat.GetTranscript(p.t.Context(), &connectparticipant.GetTranscriptInput{ConnectionToken: p.connection}); !errors.As(err, &participant) {
		p.t.Errorf("GetTranscript: %v", err)
	}
	_, err = p.chat.CreateParticipantConnection(p.t.Context(), &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &p.token, Type: []types.ConnectionType{types.ConnectionTypeWebsocket},
	})
	if err != nil { // which would end ChatJS sessions
		p.t.Errorf("CreateParticipantConnection: %v", err)
	}
	var service *connecttypes.InternalServiceException
	if _, err := start(p.t, p.srv.Listening(), text); !errors.As(err, &service) {
		p.t.Errorf("StartChatContact: %v", err)
	}
}

// Without NATS nobody gets an error, and what is said at one node reaches websockets at
// the other all the same: nodes look for it.
func TestBusLost(t *testing.T) {
	nats := natstest.Cluster(t, 3)
	one, other := nodes(t, pgtest.Start(t), nats...)
	jane := one.start(config.LocalFlow)
	bob := jane.at(other).add(connecttypes.ParticipantRoleAgent)
	for _, s := range nats {
		s.Kill()
	}
	jane.say("text/plain", "without NATS")
	bob.said("without NATS")
	bob.say("text/plain", "so what")
	jane.said("so what")
	ann := other.start(config.LocalFlow)
	ann.at(one).add(connecttypes.ParticipantRoleAgent).say("text/plain", "a new chat")
	ann.said("a new chat")
	one.answers(readyPath, http.StatusOK)

	for _, s := range nats {
		s.Restart()
	}
	for _, s := range []*shop{one, other} {
		await(t, s.srv.bus.(bus.Lossy))
	}
	bob.leave()
	jane.event(chat.EventEnded)
	ann.leave()
	ann.event(chat.EventEnded)
}

// The configuration file of the example in the documentation is one.
func TestExampleOfNodes(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	values, sections, err := config.Parse(strings.NewReader(block))
	if err != nil || values["public-url"] != "https://chat.example.com" || sections["queues"] == nil {
		t.Errorf("%v, %v, %v", values, sections, err)
	}
}
