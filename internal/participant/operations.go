package participant

import (
	"context"

	"github.com/parley-chat/parley/internal/restjson"
)

// register adds the eleven operations of the Participant Service.
func register(a *restjson.API, s *service) {
	const get, post = "GET", "POST"
	restjson.Handle(a, "CreateParticipantConnection", post, "/participant/connection", s.createParticipantConnection)
	restjson.Handle(a, "SendMessage", post, "/participant/message", s.sendMessage)
	restjson.Handle(a, "SendEvent", post, "/participant/event", s.sendEvent)
	restjson.Handle(a, "GetTranscript", post, "/participant/transcript", s.getTranscript)
	restjson.Handle(a, "DisconnectParticipant", post, "/participant/disconnect", s.disconnectParticipant)

	unserved[StartAttachmentUploadIn, StartAttachmentUploadOut](a, s, "StartAttachmentUpload", post, "/participant/start-attachment-upload")
	unserved[CompleteAttachmentUploadIn, CompleteAttachmentUploadOut](a, s, "CompleteAttachmentUpload", post, "/participant/complete-attachment-upload")
	unserved[GetAttachmentIn, GetAttachmentOut](a, s, "GetAttachment", post, "/participant/attachment")
	unserved[DescribeViewIn, DescribeViewOut](a, s, "DescribeView", get, "/participant/views/{ViewToken}")
	unserved[GetAuthenticationUrlIn, GetAuthenticationUrlOut](a, s, "GetAuthenticationUrl", post, "/participant/authentication-url")
	unserved[CancelParticipantAuthenticationIn, CancelParticipantAuthenticationOut](a, s, "CancelParticipantAuthentication", post, "/participant/cancel-authentication")
}

// unserved adds an operation that is not built yet: who asks and what is asked are
// checked as ever, so that a client's mistakes show all the same.
func unserved[In, Out any](a *restjson.API, s *service, op, method, path string) {
	restjson.Handle(a, op, method, path, func(ctx context.Context, _ *In) (*Out, error) {
		b := bearerOf(ctx)
		if _, err := s.node.Admit(ctx, b.chat, b.participant); err != nil {
			return nil, err
		}
		return nil, invalid(op + " is not served by this version of Parley")
	})
}
