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

	restjson.Handle(a, "StartAttachmentUpload", post, "/participant/start-attachment-upload",
		unserved[StartAttachmentUploadOut](s, "StartAttachmentUpload", func(in *StartAttachmentUploadIn) *string { return in.ConnectionToken }))
	restjson.Handle(a, "CompleteAttachmentUpload", post, "/participant/complete-attachment-upload",
		unserved[CompleteAttachmentUploadOut](s, "CompleteAttachmentUpload", func(in *CompleteAttachmentUploadIn) *string { return in.ConnectionToken }))
	restjson.Handle(a, "GetAttachment", post, "/participant/attachment",
		unserved[GetAttachmentOut](s, "GetAttachment", func(in *GetAttachmentIn) *string { return in.ConnectionToken }))
	restjson.Handle(a, "DescribeView", get, "/participant/views/{ViewToken}",
		unserved[DescribeViewOut](s, "DescribeView", func(in *DescribeViewIn) *string { return in.ConnectionToken }))
	restjson.Handle(a, "GetAuthenticationUrl", post, "/participant/authentication-url",
		unserved[GetAuthenticationUrlOut](s, "GetAuthenticationUrl", func(in *GetAuthenticationUrlIn) *string { return in.ConnectionToken }))
	restjson.Handle(a, "CancelParticipantAuthentication", post, "/participant/cancel-authentication",
		unserved[CancelParticipantAuthenticationOut](s, "CancelParticipantAuthentication", func(in *CancelParticipantAuthenticationIn) *string { return in.ConnectionToken }))
}

// unserved handles an operation that is not built yet: who asks and what is asked are
// checked as ever, so that a client's mistakes show all the same.
func unserved[Out, In any](s *service, op string, tok func(*In) *string) func(context.Context, *In) (*Out, error) {
	return func(ctx context.Context, in *In) (*Out, error) {
		b, err := s.connectionBearer(tok(in))
		if err != nil {
			return nil, err
		}
		if err := s.admit(ctx, b); err != nil {
			return nil, err
		}
		return nil, invalid(op + " is not served by this version of Parley")
	}
}
