package participant

import (
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
	restjson.Handle(a, "StartAttachmentUpload", post, "/participant/start-attachment-upload", s.startAttachmentUpload)
	restjson.Handle(a, "CompleteAttachmentUpload", post, "/participant/complete-attachment-upload", s.completeAttachmentUpload)
	restjson.Handle(a, "GetAttachment", post, "/participant/attachment", s.getAttachment)
	restjson.Handle(a, "DescribeView", get, "/participant/views/{ViewToken}", s.describeView)
	restjson.Handle(a, "GetAuthenticationUrl", post, "/participant/authentication-url", s.getAuthenticationUrl)
	restjson.Handle(a, "CancelParticipantAuthentication", post, "/participant/cancel-authentication", s.cancelParticipantAuthentication)
}
