package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/terminal"
)

// localURL is where a server without settings is reached.
const localURL = "http://127.0.0.1:8080"

// remote is the server that a command works with, like any client of it.
type remote struct {
	Endpoint   string `help:"URL of the server. Without it, AWS_ENDPOINT_URL_CONNECT and the other variables of the AWS SDKs count, and without those http://127.0.0.1:8080." placeholder:"URL"`
	InstanceID string `name:"instance-id" help:"Amazon Connect instance." default:"00000000-0000-4000-8000-000000000001" placeholder:"UUID"`
}

// answerWithin is how long a server may take to begin an answer; Parley holds a call for
// five seconds at the most.
const answerWithin = 15 * time.Second

// Validate implements [kong.Validatable].
func (r *remote) Validate() error {
	if u, err := url.Parse(r.Endpoint); r.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("--endpoint: must be a URL such as %s", localURL)
	}
	return nil
}

// config is what the SDK needs to reach the server: what its own variables and files
// say, or else the built-in key of a local server.
func (r *remote) config(ctx context.Context) (aws.Config, error) {
	opts := []func(*awsconfig.LoadOptions) error{awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(
		func(t *http.Transport) { t.ResponseHeaderTimeout = answerWithin },
	))}
	endpoint := r.Endpoint
	if endpoint == "" && !anySet("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CONNECT", "AWS_ENDPOINT_URL_CONNECTPARTICIPANT", "AWS_PROFILE") {
		endpoint = localURL
	}
	if endpoint != "" {
		opts = append(opts, awsconfig.WithBaseEndpoint(endpoint))
	}
	if !anySet("AWS_ACCESS_KEY_ID", "AWS_PROFILE") {
		opts = append(opts, awsconfig.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(config.LocalKeyID, config.LocalSecret, "")))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return cfg, fmt.Errorf("the settings of the AWS SDK can't be read: %w", err)
	}
	cfg.Region = cmp.Or(cfg.Region, config.Defaults().Region)
	return cfg, nil
}

// inChat has whoever is in a chat give up the place also when the terminal is closed, or
// nobody reads the output any more: ctx ends, or writing fails, instead of the process.
func inChat(ctx context.Context) (context.Context, context.CancelFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if signal.Ignored(syscall.SIGHUP) { // by nohup
		return ctx, func() {}
	}
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}

func anySet(names ...string) bool {
	for _, n := range names {
		if os.Getenv(n) != "" {
			return true
		}
	}
	return false
}

// place gives somebody a place in a contact.
func (r *remote) place(ctx context.Context, cfg aws.Config, contact, name string, role connecttypes.ParticipantRole) (client.Details, error) {
	out, err := connect.NewFromConfig(cfg).CreateParticipant(ctx, &connect.CreateParticipantInput{
		InstanceId: &r.InstanceID, ContactId: &contact,
		ParticipantDetails: &connecttypes.ParticipantDetailsToAdd{ParticipantRole: role, DisplayName: &name},
	})
	if err != nil {
		return client.Details{}, terminal.Explain(err)
	}
	return client.Details{
		ContactID: contact, ParticipantID: aws.ToString(out.ParticipantId),
		ParticipantToken: aws.ToString(out.ParticipantCredentials.ParticipantToken),
	}, nil
}
