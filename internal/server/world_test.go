package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/go-json-experiment/json"
	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/wire"
)

// patience is how long a test waits for what must happen, on a machine that has much else to do.
const patience = 3 * time.Minute

// shop is a server with a configuration file, and the official clients of it.
type shop struct {
	t        *testing.T
	srv      *Server
	settings config.Settings
	connect  *connect.Client
	chat     *connectparticipant.Client
}

func newShop(t *testing.T, file string, change func(*config.Settings)) *shop {
	t.Helper()
	values, sections, err := config.Parse(strings.NewReader(file))
	if err != nil || len(values) > 0 {
		t.Fatal(values, err)
	}
	s := settings(change)
	s.Center = sections
	return &shop{t: t, settings: s}
}

// open has the server serve until the test ends.
func (s *shop) open() *shop {
	s.t.Helper()
	s.at(open(s.t, s.settings))
	return s
}

// at points the clients at a server.
func (s *shop) at(srv *Server) {
	s.srv = srv
	s.connect = connect.New(connect.Options{
		Region: s.settings.Region, BaseEndpoint: aws.String(srv.Listening()), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
	})
	s.chat = connectparticipant.New(connectparticipant.Options{
		Region: s.settings.Region, BaseEndpoint: aws.String(srv.Listening()), Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{},
	})
}

// person is somebody in a chat, who listens to a websocket.
type person struct {
	*shop
	contact, id, token string
	connection         *string
	items              chan wire.Item
	hangUp             func()
}

// start begins a chat by a flow, and connects its customer.
func (s *shop) start(flow string, contentTypes ...string) *person {
	s.t.Helper()
	out, err := s.connect.StartChatContact(s.t.Context(), &connect.StartChatContactInput{
		InstanceId: &s.settings.InstanceID, ContactFlowId: &flow,
		ParticipantDetails:             &connecttypes.ParticipantDetails{DisplayName: aws.String("Jane")},
		SupportedMessagingContentTypes: append([]string{chat.TypePlain}, contentTypes...),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	p := &person{shop: s, contact: *out.ContactId, id: *out.ParticipantId, token: *out.ParticipantToken}
	p.listen()
	return p
}

// add has somebody else join the chat.
func (p *person) add(role connecttypes.ParticipantRole) *person {
	p.t.Helper()
	out, err := p.shop.connect.CreateParticipant(p.t.Context(), &connect.CreateParticipantInput{
		InstanceId: &p.settings.InstanceID, ContactId: &p.contact,
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{ParticipantRole: role, DisplayName: aws.String("Bob")},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	other := &person{shop: p.shop, contact: p.contact, id: *out.ParticipantId, token: *out.ParticipantCredentials.ParticipantToken}
	other.listen()
	return other
}

// listen connects, subscribes, and waits until that is known.
func (p *person) listen() {
	p.t.Helper()
	out, err := p.chat.CreateParticipantConnection(p.t.Context(), &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &p.token, Type: []types.ConnectionType{types.ConnectionTypeWebsocket, types.ConnectionTypeConnectionCredentials},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.connection = out.ConnectionCredentials.ConnectionToken
	ws, _, err := websocket.DefaultDialer.Dial(*out.Websocket.Url, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.hangUp = func() { _ = ws.Close() }
	p.t.Cleanup(p.hangUp)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)); err != nil {
		p.t.Fatal(err)
	}
	p.items = make(chan wire.Item, 1000)
	go func(items chan<- wire.Item) {
		defer close(items)
		for {
			var frame struct{ Topic, Content string }
			_, data, err := ws.ReadMessage()
			if err != nil {
				return
			}
			var it wire.Item
			if json.Unmarshal(data, &frame, json.MatchCaseInsensitiveNames(true)) == nil && json.Unmarshal([]byte(frame.Content), &it) == nil {
				items <- it
			}
		}
	}(p.items)
	p.await("participant.joined", func(it wire.Item) bool { return it.ContentType == chat.EventJoined && it.ParticipantId == p.id })
}

// await gives the next item of which that is true.
func (p *person) await(what string, is func(wire.Item) bool) wire.Item {
	p.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case it, open := <-p.items:
			if !open {
				p.t.Fatalf("the websocket was closed before %s came", what)
			}
			if is(it) {
				return it
			}
		case <-limit:
			p.t.Fatalf("%s did not come", what)
		}
	}
}

// said waits for a message of that text.
func (p *person) said(text string) {
	p.t.Helper()
	p.await(text, func(it wire.Item) bool { return it.Type == "MESSAGE" && it.Content == text })
}

// event waits for an event.
func (p *person) event(kind string) wire.Item {
	p.t.Helper()
	return p.await(kind, func(it wire.Item) bool { return it.ContentType == kind })
}

// say sends a message.
func (p *person) say(contentType, text string) {
	p.t.Helper()
	_, err := p.chat.SendMessage(p.t.Context(), &connectparticipant.SendMessageInput{
		ConnectionToken: p.connection, ContentType: &contentType, Content: &text,
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// leave takes the participant out of the chat.
func (p *person) leave() {
	p.t.Helper()
	if _, err := p.chat.DisconnectParticipant(p.t.Context(), &connectparticipant.DisconnectParticipantInput{ConnectionToken: p.connection}); err != nil {
		p.t.Fatal(err)
	}
}

// attach sends a file as a browser does, and gives its id.
func (p *person) attach(name, contentType, content string) string {
	p.t.Helper()
	out, err := p.chat.StartAttachmentUpload(p.t.Context(), &connectparticipant.StartAttachmentUploadInput{
		ConnectionToken: p.connection, AttachmentName: &name, ContentType: &contentType, AttachmentSizeInBytes: int64(len(content)),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	var header []string
	for name, value := range out.UploadMetadata.HeadersToInclude {
		header = append(header, name, value)
	}
	if status, text := ask(p.t, "PUT", *out.UploadMetadata.Url, content, header...); status != http.StatusOK {
		p.t.Fatalf("PUT: %d %s", status, text)
	}
	_, err = p.chat.CompleteAttachmentUpload(p.t.Context(), &connectparticipant.CompleteAttachmentUploadInput{
		ConnectionToken: p.connection, AttachmentIds: []string{*out.AttachmentId},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return *out.AttachmentId
}

// download gets a file.
func (p *person) download(id string) (string, error) {
	p.t.Helper()
	out, err := p.chat.GetAttachment(p.t.Context(), &connectparticipant.GetAttachmentInput{ConnectionToken: p.connection, AttachmentId: &id})
	if err != nil {
		return "", err
	}
	status, text := ask(p.t, "GET", *out.Url, "")
	if status != http.StatusOK || out.AttachmentSizeInBytes == nil || int(*out.AttachmentSizeInBytes) != len(text) {
		p.t.Errorf("GET: %d, %d bytes, %v were announced", status, len(text), out.AttachmentSizeInBytes)
	}
	return text, nil
}

// transcript is all that was said.
func (p *person) transcript() (texts []string) {
	p.t.Helper()
	out, err := p.chat.GetTranscript(p.t.Context(), &connectparticipant.GetTranscriptInput{
		ConnectionToken: p.connection, MaxResults: aws.Int32(100), SortOrder: types.SortKeyAscending,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, it := range out.Transcript {
		if it.Type == types.ChatItemTypeMessage {
			texts = append(texts, *it.Content)
		}
	}
	return texts
}

// serve runs a server until stop is called.
func serve(t *testing.T, srv *Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

var quiet = slog.New(slog.DiscardHandler)
