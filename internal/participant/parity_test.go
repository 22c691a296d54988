package participant_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"

	"github.com/parley-chat/parley/internal/participant"
	"github.com/parley-chat/parley/internal/restjson/restjsontest"
)

// TestParity holds our operations against the official SDK for Go.
func TestParity(t *testing.T) {
	wire := &restjsontest.Wire{}
	p := restjsontest.Parity{
		Wire: wire,
		Client: connectparticipant.New(connectparticipant.Options{
			Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: wire,
			BaseEndpoint: aws.String("http://127.0.0.1"), Retryer: aws.NopRetryer{},
		}),
		Except: map[string]string{
			"CreateParticipantConnection.Out.WebRTCConnection":                     "calls are not chats; Type WEBRTC_CONNECTION is refused",
			"GetTranscript.Out.Transcript.InitialContactId":                        "on the wire, though not in the model: ChatJS drops items without it (semantics.md 11, 7)",
			"GetTranscript.Out.Transcript.MessageMetadata.MessageProcessingStatus": "in the newer model",
			"GetTranscript.Out.Transcript.MessageMetadata.MessageCompleted":        "in frames only: the parts of a message (semantics.md 2.3)",
			"GetTranscript.Out.Transcript.MessageMetadata.ChunkNumber":             "in frames only: the parts of a message (semantics.md 2.3)",
			"StartAttachmentUpload.In.ClientToken required":                        "the SDK fills it in before it looks",
			"CompleteAttachmentUpload.In.ClientToken required":                     "the SDK fills it in before it looks",
			"StartAttachmentUpload.In.AttachmentSizeInBytes required":              "a plain int64 in the SDK, which can't be missing",
		},
	}
	api := participant.New(participant.Config{})
	if n := len(api.Operations()); n != 11 {
		t.Errorf("%d operations, want 11", n)
	}
	p.Check(t, api)
}
