package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/internal/config"
)

// retryPause is how long a client waits before it tries again to reach a server that
// is being restarted.
const retryPause = 5 * time.Millisecond

func controlPlane(url string, with ...func(*connect.Options)) *connect.Client {
	return connect.New(connect.Options{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, ""),
	}, with...)
}

var instance = config.Defaults().InstanceID

// startChat starts a chat and gives its contact and the customer's participant token.
func startChat(t *testing.T, ctx context.Context, url, name string) (contact, token string) {
	t.Helper()
	out, err := controlPlane(url).StartChatContact(ctx, &connect.StartChatContactInput{
		InstanceId: &instance, ContactFlowId: aws.String(config.LocalFlow),
		ParticipantDetails: &connecttypes.ParticipantDetails{DisplayName: &name},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ContactId, *out.ParticipantToken
}

func addAgent(t *testing.T, ctx context.Context, url, contact, name string) (token string) {
	t.Helper()
	out, err := controlPlane(url).CreateParticipant(ctx, &connect.CreateParticipantInput{
		InstanceId: &instance, ContactId: &contact,
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{ParticipantRole: "AGENT", DisplayName: &name},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ParticipantCredentials.ParticipantToken
}

// sdkClient is a participant that gets connection tokens as it needs them.
type sdkClient struct {
	apis        []*connectparticipant.Client // of each node
	participant string

	mu    sync.Mutex
	token string
}

// newClient makes a client that sends each call to any of the nodes. Retries and more
// are as the options say; without any, they are the SDK's own.
//
// The SDK closes a request's body when the answer is there. Against a server this fast
// that now and then cuts the connection while a long answer is read ("use of closed
// network connection"), which its own retries hide.
func newClient(participant string, o connectparticipant.Options, urls ...string) *sdkClient {
	c := &sdkClient{participant: participant}
	o.Region, o.Credentials = "us-east-1", aws.AnonymousCredentials{}
	for _, url := range urls {
		o.BaseEndpoint = &url
		c.apis = append(c.apis, connectparticipant.New(o))
	}
	return c
}

// api is that of any node.
func (c *sdkClient) api() *connectparticipant.Client { return c.apis[rand.IntN(len(c.apis))] }

// connect gets a new connection and gives the websocket's URL.
func (c *sdkClient) connect(ctx context.Context) (string, error) {
	out, err := c.api().CreateParticipantConnection(ctx, &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &c.participant,
		Type:             []types.ConnectionType{types.ConnectionTypeWebsocket, types.ConnectionTypeConnectionCredentials},
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = *out.ConnectionCredentials.ConnectionToken
	return *out.Websocket.Url, nil
}

// reconnect waits a moment for the server to be back.
func (c *sdkClient) reconnect(ctx context.Context) {
	select {
	case <-time.After(retryPause):
	case <-ctx.Done():
	}
}

func (c *sdkClient) connectionToken() *string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return aws.String(c.token)
}

func (c *sdkClient) message(ctx context.Context, content, token string) (id, at string, err error) {
	out, err := c.api().SendMessage(ctx, &connectparticipant.SendMessageInput{
		ConnectionToken: c.connectionToken(), ContentType: aws.String("text/plain"), Content: &content, ClientToken: &token,
	})
	if err != nil {
		return "", "", err
	}
	return *out.Id, *out.AbsoluteTime, nil
}

func (c *sdkClient) markRead(ctx context.Context, message string) (id, at string, err error) {
	out, err := c.api().SendEvent(ctx, &connectparticipant.SendEventInput{
		ConnectionToken: c.connectionToken(), ContentType: aws.String(event.ContentRead),
		Content: aws.String(fmt.Sprintf(`{"messageId":%q}`, message)), ClientToken: aws.String("INCOMING_READ_RECEIPT"),
	})
	if err != nil {
		return "", "", err
	}
	return *out.Id, *out.AbsoluteTime, nil
}

// pages yields the transcript from a start on, oldest first.
func (c *sdkClient) pages(ctx context.Context, start *types.StartPosition, each func(types.Item)) error {
	in := &connectparticipant.GetTranscriptInput{
		ConnectionToken: c.connectionToken(), MaxResults: aws.Int32(100), StartPosition: start,
		ScanDirection: types.ScanDirectionForward, SortOrder: types.SortKeyAscending,
	}
	for {
		out, err := c.api().GetTranscript(ctx, in)
		if err != nil {
			return err
		}
		for _, it := range out.Transcript {
			each(it)
		}
		if out.NextToken == nil {
			return nil
		}
		in.NextToken = out.NextToken
	}
}

// listen opens a websocket, subscribes, calls ready and then each with every item,
// until the socket is lost or ctx ends.
func (c *sdkClient) listen(ctx context.Context, ready func() error, each func(types.Item)) error {
	return c.listenTo(ctx, ready, func(content []byte) error {
		var it types.Item
		err := json.Unmarshal(content, &it)
		if err == nil {
			each(it)
		}
		return err
	})
}

// listenTo is listen for items as they come.
func (c *sdkClient) listenTo(ctx context.Context, ready func() error, each func(content []byte) error) error {
	url, err := c.connect(ctx)
	if err != nil {
		return err
	}
	ws, _, err := websocket.DefaultDialer.DialContext(ctx, url, nil)
	if err != nil {
		return err
	}
	defer ws.Close()
	defer context.AfterFunc(ctx, func() { ws.Close() })()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}`)); err != nil {
		return err
	}
	var reply struct{ Content struct{ Status string } }
	if err := ws.ReadJSON(&reply); err != nil {
		return err
	}
	if reply.Content.Status != "success" {
		return errors.New("the subscribe failed")
	}
	if err := ready(); err != nil {
		return err
	}
	for {
		var frame struct{ Topic, Content string }
		if err := ws.ReadJSON(&frame); err != nil {
			return err
		}
		if err := each([]byte(frame.Content)); err != nil {
			return err
		}
	}
}
