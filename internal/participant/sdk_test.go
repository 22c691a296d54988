package participant_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/aws/smithy-go"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/restjson"
)

func sdkClient(t *testing.T, w *world) *sdk.Client {
	t.Helper()
	srv := httptest.NewServer(w.http)
	t.Cleanup(srv.Close)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(srv.URL), Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{},
	})
}

// TestOfficialSDK runs a chat through the official SDK for Go.
func TestOfficialSDK(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	p, c := w.start(), sdkClient(t, w)
	conn, err := c.CreateParticipantConnection(ctx, &sdk.CreateParticipantConnectionInput{
		ParticipantToken: &p.participant, ConnectParticipant: aws.Bool(true),
		Type: []types.ConnectionType{types.ConnectionTypeConnectionCredentials, types.ConnectionTypeWebsocket},
	})
	if err != nil || conn.Websocket.Url == nil || conn.WebRTCConnection != nil {
		t.Fatalf("%+v, %v", conn, err)
	}
	tok := conn.ConnectionCredentials.ConnectionToken
	sent, err := c.SendMessage(ctx, &sdk.SendMessageInput{ConnectionToken: tok, ContentType: aws.String("text/plain"), Content: aws.String("<hi> & é")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendEvent(ctx, &sdk.SendEventInput{ConnectionToken: tok, ContentType: aws.String(chat.EventTyping)}); err != nil {
		t.Error(err)
	}
	got, err := c.GetTranscript(ctx, &sdk.GetTranscriptInput{ConnectionToken: tok, StartPosition: &types.StartPosition{Id: sent.Id}})
	if err != nil || len(got.Transcript) != 1 || *got.Transcript[0].Content != "<hi> & é" || *got.Transcript[0].Id != *sent.Id ||
		got.Transcript[0].Type != types.ChatItemTypeMessage || got.NextToken != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := c.DisconnectParticipant(ctx, &sdk.DisconnectParticipantInput{ConnectionToken: tok}); err != nil {
		t.Error(err)
	}
}

// TestTypedErrors: the SDK knows our errors by type, with their messages.
func TestTypedErrors(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	p, c := w.connected(), sdkClient(t, w)
	m := w.say(p, "hi")
	for range 2 {
		w.must(w.add(p, chat.Agent).participant, connectionPath, `{"ConnectParticipant":true}`, nil)
	}
	send := func(tok, kind, content string) error {
		_, err := c.SendEvent(ctx, &sdk.SendEventInput{ConnectionToken: &tok, ContentType: &kind, Content: &content})
		return err
	}
	fault := func(code string, status int) error {
		w.fault = func(op string, _ *http.Request) *restjson.Error {
			return &restjson.Error{Code: code, Status: status, Message: "injected into " + op}
		}
		defer func() { w.fault = nil }()
		return send(p.connection, chat.EventTyping, "")
	}
	typed[*types.AccessDeniedException](t, send("forged", chat.EventTyping, ""))
	typed[*types.ValidationException](t, send(p.connection, "text/plain", "x"))
	typed[*types.ConflictException](t, send(p.connection, chat.EventRead, `{"messageId":"`+m.Id+`"}`))
	typed[*types.ThrottlingException](t, fault("ThrottlingException", 429))
	typed[*types.InternalServerException](t, fault("InternalServerException", 500))
	_, err := c.GetAttachment(ctx, &sdk.GetAttachmentInput{ConnectionToken: &p.connection, AttachmentId: aws.String("a")})
	typed[*types.ValidationException](t, err)
}

func typed[E smithy.APIError](t *testing.T, err error) {
	t.Helper()
	var e E
	if !errors.As(err, &e) || e.ErrorMessage() == "" {
		t.Errorf("%v is no %T with a message", err, e)
	}
}
