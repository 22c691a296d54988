package client_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/server"
)

const (
	instanceID = "00000000-0000-4000-8000-000000000001"
	flowID     = "00000000-0000-4000-8000-000000000002"
)

// localServer runs a server for an example. A program would call config.LoadDefaultConfig
// of the SDK, which reads AWS_ENDPOINT_URL_CONNECTPARTICIPANT and so on.
func localServer() (cfg aws.Config, stop func()) {
	s := config.Defaults()
	s.Listen, s.Data, s.Greeting = "127.0.0.1:0", config.Memory, ""
	srv, err := server.Open(s, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- srv.Serve(ctx) }()
	transport := &http.Transport{}
	cfg = aws.Config{
		Region: "us-east-1", BaseEndpoint: new(srv.URL()), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("parley", "parley", ""),
	}
	return cfg, func() { transport.CloseIdleConnections(); cancel(); <-done }
}

// A customer starts a chat, says something, and leaves.
func Example() {
	cfg, stop := localServer()
	defer stop()
	ctx := context.Background()

	jane, err := client.Start(ctx, cfg, client.StartOptions{InstanceID: instanceID, FlowID: flowID, DisplayName: "Jane"})
	if err != nil {
		log.Fatal(err)
	}
	defer jane.Close()
	for e, err := range jane.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		switch e := e.(type) {
		case event.Joined:
			fmt.Println(e.DisplayName, "is here")
			if _, err := jane.Send(ctx, "Where is my order?"); err != nil {
				log.Fatal(err)
			}
		case event.Message:
			fmt.Printf("%s says: %s\n", e.DisplayName, e.Content)
			if err := jane.Disconnect(ctx); err != nil {
				log.Fatal(err)
			}
		case event.Left:
			fmt.Println(e.DisplayName, "has left")
		case event.Ended:
			fmt.Println("the chat is over")
		}
	}
	// Output:
	// Jane is here
	// Jane says: Where is my order?
	// Jane has left
	// the chat is over
}

// An agent's desk gives its agent a place in a chat, and accepts it. What was said
// before is in the stream, too.
func ExampleJoin() {
	cfg, stop := localServer()
	defer stop()
	ctx := context.Background()
	jane, err := client.Start(ctx, cfg, client.StartOptions{
		InstanceID: instanceID, FlowID: flowID, DisplayName: "Jane", InitialMessage: "Where is my order?",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer jane.Close()

	place, err := connect.NewFromConfig(cfg).CreateParticipant(ctx, &connect.CreateParticipantInput{
		InstanceId: aws.String(instanceID), ContactId: aws.String(jane.Details().ContactID),
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{
			ParticipantRole: "AGENT", DisplayName: aws.String("Bob"), // roles that Parley takes
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	bob, err := client.Join(ctx, cfg, client.Details{
		ContactID:        jane.Details().ContactID,
		ParticipantID:    *place.ParticipantId,
		ParticipantToken: *place.ParticipantCredentials.ParticipantToken,
	}, client.ConnectParticipant())
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()
	for {
		e, err := bob.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		switch e := e.(type) {
		case event.Message:
			fmt.Printf("%s %s: %s\n", e.Role, e.DisplayName, e.Content)
		case event.Joined:
			fmt.Println(e.Role, e.DisplayName, "joined")
			if e.Own {
				return
			}
		}
	}
	// Output:
	// CUSTOMER Jane joined
	// CUSTOMER Jane: Where is my order?
	// AGENT Bob joined
}

// A transcript is read page by page, as far as it is asked for.
func ExampleSession_Transcript() {
	cfg, stop := localServer()
	defer stop()
	ctx := context.Background()
	jane, err := client.Start(ctx, cfg, client.StartOptions{InstanceID: instanceID, FlowID: flowID, DisplayName: "Jane"})
	if err != nil {
		log.Fatal(err)
	}
	defer jane.Close()
	for _, text := range []string{"one", "two", "three"} {
		if _, err := jane.Send(ctx, text); err != nil {
			log.Fatal(err)
		}
	}
	for it, err := range jane.Transcript(ctx, client.Range{Backward: true}) {
		if err != nil {
			log.Fatal(err)
		}
		if it.Type != event.TypeMessage {
			break
		}
		fmt.Println(it.Content)
	}
	// Output:
	// three
	// two
	// one
}
