package talk

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	participanttypes "github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
)

// What every server has without configuration.
const (
	instance  = "00000000-0000-4000-8000-000000000001"
	flow      = "00000000-0000-4000-8000-000000000002"
	accessKey = "parley"
	region    = "us-east-1"
)

// Control makes chats and connections with the official SDK. What is measured
// afterwards does not go through it.
type Control struct {
	connect     *connect.Client
	participant *connectparticipant.Client
	transport   *http.Transport
}

// NewControl makes one for the server at the URL.
func NewControl(url string) *Control {
	transport := &http.Transport{MaxIdleConnsPerHost: SetupWorkers}
	client := &http.Client{Transport: transport}
	keys := credentials.NewStaticCredentialsProvider(accessKey, accessKey, "")
	return &Control{
		connect: connect.New(connect.Options{
			Region: region, Credentials: keys, HTTPClient: client, BaseEndpoint: &url,
		}),
		participant: connectparticipant.New(connectparticipant.Options{
			Region: region, Credentials: keys, HTTPClient: client, BaseEndpoint: &url,
		}),
		transport: transport,
	}
}

// Close closes its connections.
func (c *Control) Close() { c.transport.CloseIdleConnections() }

// StartChat starts a chat and returns its contact id and the customer's participant token.
func (c *Control) StartChat(ctx context.Context) (contact, token string, err error) {
	out, err := c.connect.StartChatContact(ctx, &connect.StartChatContactInput{
		InstanceId: aws.String(instance), ContactFlowId: aws.String(flow),
		ParticipantDetails: &connecttypes.ParticipantDetails{DisplayName: aws.String("Customer")},
	})
	if err != nil {
		return "", "", err
	}
	return aws.ToString(out.ContactId), aws.ToString(out.ParticipantToken), nil
}

// AddAgent adds an agent to a chat and returns its participant token.
func (c *Control) AddAgent(ctx context.Context, contact string) (token string, err error) {
	out, err := c.connect.CreateParticipant(ctx, &connect.CreateParticipantInput{
		InstanceId: aws.String(instance), ContactId: aws.String(contact),
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{
			DisplayName: aws.String("Agent"), ParticipantRole: connecttypes.ParticipantRoleAgent,
		},
	})
	if err != nil {
		return "", err
	}
	if out.ParticipantCredentials == nil {
		return "", fmt.Errorf("CreateParticipant answers without ParticipantCredentials")
	}
	return aws.ToString(out.ParticipantCredentials.ParticipantToken), nil
}

// Access is what a participant needs to talk.
type Access struct{ ConnectionToken, SocketURL string }

// Open makes a connection. An agent is connected by it, a customer by subscribing
// (semantics.md 4).
func (c *Control) Open(ctx context.Context, participantToken string, agent bool) (Access, error) {
	out, err := c.participant.CreateParticipantConnection(ctx, &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken:   aws.String(participantToken),
		ConnectParticipant: aws.Bool(agent),
		Type: []participanttypes.ConnectionType{
			participanttypes.ConnectionTypeWebsocket, participanttypes.ConnectionTypeConnectionCredentials,
		},
	})
	if err != nil {
		return Access{}, err
	}
	if out.ConnectionCredentials == nil || out.Websocket == nil {
		return Access{}, fmt.Errorf("CreateParticipantConnection answers without ConnectionCredentials or Websocket")
	}
	return Access{aws.ToString(out.ConnectionCredentials.ConnectionToken), aws.ToString(out.Websocket.Url)}, nil
}
