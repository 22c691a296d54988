package participant

import (
	"errors"
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
)

// refusals maps every reason of package chat to a modelled error. ValidationException
// and AccessDeniedException are modelled for all operations, ConflictException for
// SendEvent and CompleteAttachmentUpload only (semantics.md 3.0).
var refusals = map[chat.Reason]func(detail string) *restjson.Error{
	chat.Ended:                  denied,
	chat.UnknownParticipant:     denied,
	chat.NotPresent:             denied,
	chat.Silent:                 denied,
	chat.BadContent:             invalid,
	chat.UnsupportedContentType: invalid,
	chat.UnknownItem:            invalid,
	chat.ReceiptsOff:            conflict,
	chat.WrongState:             invalid,
	chat.TooMany:                invalid,
	chat.TooLate:                denied, // but see tooLate
	chat.QuotaExceeded:          quotaExceeded,
	chat.AlreadyDone:            conflict,
}

// translate turns what handlers return into modelled errors; nil means internal.
func translate(err error) *restjson.Error {
	var refusal *chat.Refusal
	switch {
	case errors.As(err, &refusal):
		if to := refusals[refusal.Reason]; to != nil {
			return to(refusal.Detail)
		}
	case errors.Is(err, node.ErrNotFound):
		return denied("the chat that the token was made for does not exist here")
	case errors.Is(err, node.ErrBusy):
		return throttled("Too many requests are waiting; try again in a second")
	}
	return nil
}

// denied is the one answer to all that a caller may not do: the real service says no
// more than "Access denied" (semantics.md 3.0). The detail goes to the developer.
func denied(detail string) *restjson.Error {
	return &restjson.Error{
		Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "Access denied", Detail: detail,
	}
}

func invalid(message string) *restjson.Error {
	return &restjson.Error{Code: "ValidationException", Status: http.StatusBadRequest, Message: message}
}

func conflict(message string) *restjson.Error {
	return &restjson.Error{Code: "ConflictException", Status: http.StatusConflict, Message: message}
}

// tooLate is what CreateParticipantConnection tells a custom participant who comes too late,
// though it doesn't model that: so does the real service (semantics.md 3.1). Other errors
// are as they were.
func tooLate(err error) error {
	if refusal, ok := errors.AsType[*chat.Refusal](err); ok && refusal.Reason == chat.TooLate {
		return notFound(refusal.Detail)
	}
	return err
}

// notFound is modelled for DescribeView only.
func notFound(message string) *restjson.Error {
	return &restjson.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: message}
}

func quotaExceeded(message string) *restjson.Error {
	return &restjson.Error{Code: "ServiceQuotaExceededException", Status: http.StatusPaymentRequired, Message: message}
}

func throttled(message string) *restjson.Error {
	return &restjson.Error{Code: "ThrottlingException", Status: http.StatusTooManyRequests, Message: message}
}

// tooMany is the error for calls that are too many (semantics.md 10). Beware: a ChatJS
// session that gets it three times in a row when it reconnects is over (semantics.md 1.7).
func tooMany(_, message string) *restjson.Error { return throttled(message) }
