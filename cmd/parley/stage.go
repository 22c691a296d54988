package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/aws/smithy-go"
	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/config"
)

const eventPrefix = "application/vnd.amazonaws.connect.event."

// stage is where the demo is played: one chat, its people, and what is printed.
type stage struct {
	ctx      context.Context
	out      io.Writer
	control  *connect.Client
	api      *connectparticipant.Client
	instance string
	contact  string
	question string // the id of a message

	jane, bob, eve *actor
	watching       []*actor // whose sockets are open, in the order of arrival
}

func newStage(ctx context.Context, out io.Writer, url string, s config.Settings) *stage {
	return &stage{
		ctx: ctx, out: out, instance: s.InstanceID,
		control: connect.New(connect.Options{
			Region: s.Region, BaseEndpoint: &url,
			Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
		}),
		api: connectparticipant.New(connectparticipant.Options{
			Region: s.Region, BaseEndpoint: &url, Credentials: aws.AnonymousCredentials{},
		}),
	}
}

func (s *stage) called(who, op, in, out string) {
	fmt.Fprintf(s.out, "  %-8s→ %s %s   %s\n", who, op, in, out)
}

func (s *stage) note(text string) { fmt.Fprintf(s.out, "  (%s)\n", text) }

// add gives an agent or supervisor a place in the chat.
func (s *stage) add(name string, role connecttypes.ParticipantRole) (*actor, error) {
	out, err := s.control.CreateParticipant(s.ctx, &connect.CreateParticipantInput{
		InstanceId: &s.instance, ContactId: &s.contact,
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{ParticipantRole: role, DisplayName: &name},
	})
	if err != nil {
		return nil, err
	}
	s.called("backend", "CreateParticipant", fmt.Sprintf("ParticipantRole=%s DisplayName=%s", role, name), "ParticipantId="+*out.ParticipantId)
	return s.actor(name, *out.ParticipantCredentials.ParticipantToken), nil
}

// expect waits until everybody whose socket is open has got the frames, in order, and
// prints them.
func (s *stage) expect(frames ...string) error {
	for _, a := range s.watching {
		for _, want := range frames {
			got, err := a.next()
			if err != nil {
				return fmt.Errorf("%s waits for %s: %w", a.name, want, err)
			}
			if got != want {
				return fmt.Errorf("%s got %q instead of %q", a.name, got, want)
			}
		}
	}
	return nil
}

// actor is somebody in the chat.
type actor struct {
	*stage
	name        string
	participant string // the participant token
	token       string // the connection token
	socket      *websocket.Conn
}

func (s *stage) actor(name, token string) *actor {
	return &actor{stage: s, name: name, participant: token}
}

// connect gets credentials, opens the websocket and subscribes.
func (a *actor) connect() error {
	out, err := a.api.CreateParticipantConnection(a.ctx, &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &a.participant,
		Type:             []types.ConnectionType{types.ConnectionTypeWebsocket, types.ConnectionTypeConnectionCredentials},
	})
	if err != nil {
		return err
	}
	a.token = *out.ConnectionCredentials.ConnectionToken
	a.called(a.name, "CreateParticipantConnection", "Type=WEBSOCKET,CONNECTION_CREDENTIALS", "Url and ConnectionToken")
	if a.socket, _, err = websocket.DefaultDialer.DialContext(a.ctx, *out.Websocket.Url, nil); err != nil {
		return err
	}
	context.AfterFunc(a.ctx, func() { a.socket.Close() })
	const subscribe = `{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`
	if err := a.socket.WriteMessage(websocket.TextMessage, []byte(subscribe)); err != nil {
		return err
	}
	_, reply, err := a.socket.ReadMessage()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "  %-8s← %s\n", a.name, reply)
	a.stage.watching = append(a.stage.watching, a)
	return nil
}

// next reads one frame of the chat, prints it, and says in short what it is.
func (a *actor) next() (string, error) {
	var frame struct{ Topic, Content string }
	if err := a.socket.ReadJSON(&frame); err != nil {
		return "", err
	}
	var it types.Item
	if err := json.Unmarshal([]byte(frame.Content), &it); err != nil {
		return "", err
	}
	fmt.Fprintf(a.out, "  %-8s← %s\n", a.name, frame.Content)
	what := short(aws.ToString(it.ContentType))
	if it.DisplayName != nil {
		what += " by " + *it.DisplayName
	}
	return what, nil
}

// short is a ContentType without what all of them begin with.
func short(contentType string) string {
	if contentType == "text/plain" {
		return "message"
	}
	return strings.TrimPrefix(contentType, eventPrefix)
}

func (a *actor) say(text string) (id string, err error) {
	out, err := a.api.SendMessage(a.ctx, &connectparticipant.SendMessageInput{
		ConnectionToken: &a.token, ContentType: aws.String("text/plain"), Content: &text,
	})
	if err != nil {
		return "", err
	}
	a.called(a.name, "SendMessage", fmt.Sprintf("%q", text), "Id="+*out.Id)
	return *out.Id, nil
}

func (a *actor) event(kind, content string) error {
	in := &connectparticipant.SendEventInput{ConnectionToken: &a.token, ContentType: aws.String(eventPrefix + kind)}
	if content != "" {
		in.Content = &content
	}
	out, err := a.api.SendEvent(a.ctx, in)
	var refused smithy.APIError
	switch {
	case err == nil:
		a.called(a.name, "SendEvent", kind, "Id="+*out.Id)
	case errors.As(err, &refused):
		a.called(a.name, "SendEvent", kind, refused.Error())
	}
	return err
}

func (a *actor) barge() error {
	_, err := a.api.CreateParticipantConnection(a.ctx, &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &a.participant, ConnectParticipant: aws.Bool(true),
	})
	if err == nil {
		a.called(a.name, "CreateParticipantConnection", "ConnectParticipant=true", "barged in")
	}
	return err
}

func (a *actor) leave() error {
	_, err := a.api.DisconnectParticipant(a.ctx, &connectparticipant.DisconnectParticipantInput{ConnectionToken: &a.token})
	if err == nil {
		a.called(a.name, "DisconnectParticipant", "", "left")
	}
	return err
}
