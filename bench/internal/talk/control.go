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

	"github.com/parley-chat/parley/client"
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
	url         string
	connect     *connect.Client
	participant *connectparticipant.Client
	transport   *http.Transport
}

// NewControl makes one for the server at the URL.
func NewControl(url string) *Control {
	transport := &http.Transport{MaxIdleConnsPerHost: SetupWorkers}
	httpClient := &http.Client{Transport: transport}
	keys := credentials.NewStaticCredentialsProvider(accessKey, accessKey, "")
	return &Control{
		url: url,
		connect: connect.New(connect.Options{
			Region: region, Credentials: keys, HTTPClient: httpClient, BaseEndpoint: &url,
		}),
		participant: connectparticipant.New(connectparticipant.Options{
			Region: region, Credentials: keys, HTTPClient: httpClient, BaseEndpoint: &url,
		}),
		transport: transport,
	}
}

// config is that of a program which uses package client with the server.
func (c *Control) config() aws.Config {
	return aws.Config{
		Region: region, Credentials: credentials.NewStaticCredentialsProvider(accessKey, accessKey, ""), BaseEndpoint: &c.url,
	}
}

// Close closes its connections.
func (c *Control) Close() { c.transport.CloseIdleConnections() }

// StartChat starts a chat and returns what its customer joins with.
func (c *Control) StartChat(ctx context.Context) (client.Details, error) {
	out, err := c.connect.StartChatContact(ctx, &connect.StartChatContactInput{
		InstanceId: aws.String(instance), ContactFlowId: aws.String(flow),
		ParticipantDetails: &connecttypes.ParticipantDetails{DisplayName: aws.String("Customer")},
	})
	if err != nil {
		return client.Details{}, err
	}
	return client.Details{
		ContactID: aws.ToString(out.ContactId), ParticipantID: aws.ToString(out.ParticipantId),
		ParticipantToken: aws.ToString(out.ParticipantToken),
	}, nil
}

// AddAgent adds an agent to a chat and returns what it joins with.
func (c *Control) AddAgent(ctx context.Context, contact string) (client.Details, error) {
	out, err := c.connect.CreateParticipant(ctx, &connect.CreateParticipantInput{
		InstanceId: aws.String(instance), ContactId: aws.String(contact),
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{
			DisplayName: aws.String("Agent"), ParticipantRole: connecttypes.ParticipantRoleAgent,
		},
	})
	if err != nil {
		return client.Details{}, err
	}
	if out.ParticipantCredentials == nil {
		return client.Details{}, fmt.Errorf("CreateParticipant answers without ParticipantCredentials")
	}
	return client.Details{
		ContactID: contact, ParticipantID: aws.ToString(out.ParticipantId),
		ParticipantToken: aws.ToString(out.ParticipantCredentials.ParticipantToken),
	}, nil
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
