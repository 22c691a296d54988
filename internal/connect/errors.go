package connect

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
)

// The errors of the Connect API that we answer with (semantics.md 9.0). Every
// operation models InvalidRequestException, most model InvalidParameterException too. AWS doesn't say which is for what; with us
//
//   - InvalidRequestException is for a request that breaks the model (a member is
//     missing, of another type, too long, not of the enum…) or contradicts itself;
//   - InvalidParameterException is for a value that the model allows and a rule
//     beyond it doesn't: attributes that are too large altogether, content types
//     without text/plain.

func invalidRequest(message string) *restjson.Error {
	return &restjson.Error{Code: "InvalidRequestException", Status: http.StatusBadRequest, Message: message}
}

func invalidParameter(message string) *restjson.Error {
	return &restjson.Error{Code: "InvalidParameterException", Status: http.StatusBadRequest, Message: message}
}

func notFound(message string) *restjson.Error {
	return &restjson.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: message}
}

func noContact() *restjson.Error {
	return notFound("ContactId names no contact of this instance")
}

func accessDenied(message string) *restjson.Error {
	return &restjson.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: message}
}

func conflict(message string) *restjson.Error {
	return &restjson.Error{Code: "ConflictException", Status: http.StatusConflict, Message: message}
}

func quotaExceeded(message string) *restjson.Error {
	return &restjson.Error{Code: "ServiceQuotaExceededException", Status: http.StatusPaymentRequired, Message: message}
}

func limitExceeded(message string) *restjson.Error {
	return &restjson.Error{Code: "LimitExceededException", Status: http.StatusTooManyRequests, Message: message}
}

func throttling() *restjson.Error {
	return &restjson.Error{
		Code: "ThrottlingException", Status: http.StatusTooManyRequests,
		Message: "The server has too much to do; try again",
	}
}

func internal(cause error) *restjson.Error {
	return &restjson.Error{
		Code: "InternalServiceException", Status: http.StatusInternalServerError,
		Message: "Request processing failed because of an error or failure with the service.", Cause: cause,
	}
}

// refusals says what each reason to refuse a command is called in this API. Reasons
// that none of its commands is refused for have the nearest error.
var refusals = map[chat.Reason]func(message string) *restjson.Error{
	chat.Ended:                  conflict,
	chat.UnknownParticipant:     notFound,
	chat.NotPresent:             accessDenied,
	chat.Silent:                 accessDenied,
	chat.BadContent:             invalidParameter,
	chat.UnsupportedContentType: invalidParameter,
	chat.UnknownItem:            notFound,
	chat.ReceiptsOff:            conflict,
	chat.WrongState:             conflict,
	chat.TooMany:                quotaExceeded,
	chat.TooLate:                conflict,
	chat.QuotaExceeded:          quotaExceeded,
	chat.AlreadyDone:            conflict,
}

// translate turns what the node says into the API's errors; nil means internal.
func translate(err error) *restjson.Error {
	var refusal *chat.Refusal
	switch {
	case errors.As(err, &refusal):
		if as, ok := refusals[refusal.Reason]; ok {
			return as(refusal.Detail)
		}
	case errors.Is(err, node.ErrNotFound):
		return noContact()
	case errors.Is(err, node.ErrFull):
		return limitExceeded("This instance has as many active chats as it may have; try again when one has ended")
	case errors.Is(err, node.ErrBusy):
		return throttling()
	}
	return nil
}

// isNotFound reports whether an error, of the node or already the API's, is that
// something was not found.
func isNotFound(err error) bool {
	var e *restjson.Error
	return errors.Is(err, node.ErrNotFound) || errors.As(err, &e) && e.Status == http.StatusNotFound
}

// models lists, of the errors that refusals and look-ups lead to, those that each
// operation models, in short: their names without Exception.
var models = map[string]string{
	"StartChatContact":                   "InvalidParameter ResourceNotFound",
	"CreateParticipant":                  "ResourceNotFound Conflict ServiceQuotaExceeded",
	"StopContact":                        "InvalidParameter ResourceNotFound",
	"DescribeContact":                    "InvalidParameter ResourceNotFound",
	"UpdateContact":                      "InvalidParameter ResourceNotFound Conflict AccessDenied",
	"GetContactAttributes":               "ResourceNotFound",
	"UpdateContactAttributes":            "InvalidParameter ResourceNotFound",
	"TagContact":                         "InvalidParameter ResourceNotFound",
	"UntagContact":                       "InvalidParameter ResourceNotFound",
	"ListContactReferences":              "InvalidParameter ResourceNotFound",
	"SearchContacts":                     "InvalidParameter ResourceNotFound",
	"AssociateContactWithUser":           "InvalidParameter ResourceNotFound AccessDenied",
	"MonitorContact":                     "ResourceNotFound ServiceQuotaExceeded AccessDenied",
	"TransferContact":                    "ResourceNotFound ServiceQuotaExceeded AccessDenied",
	"UpdateParticipantRoleConfig":        "InvalidParameter ResourceNotFound AccessDenied",
	"UpdateParticipantAuthentication":    "InvalidParameter Conflict AccessDenied",
	"CreatePersistentContactAssociation": "InvalidParameter ResourceNotFound AccessDenied",
}

// asModelled makes an error one that the operation models: InvalidRequestException, which
// all model, in place of another that is the caller's mistake. Callers have a type for
// what is modelled only.
func asModelled(op string, err error) error {
	var e *restjson.Error
	if !errors.As(err, &e) {
		e = translate(err)
	}
	if e == nil || e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Code == "InvalidRequestException" {
		return err
	}
	if slices.Contains(strings.Fields(models[op]), strings.TrimSuffix(e.Code, "Exception")) {
		return err
	}
	return invalidRequest(e.Message)
}

// limited names the error for too many calls where it is not ThrottlingException.
// StartChatContact has LimitExceededException for too many chats (semantics.md 9.1);
// the others model nothing else.
var limited = map[string]string{
	"StartChatContact":            "TooManyRequestsException",
	"StartContactStreaming":       "LimitExceededException",
	"StartContactMediaProcessing": "LimitExceededException",
	"StopContactMediaProcessing":  "LimitExceededException",
}

// tooMany is each operation's own error for calls that are too many (semantics.md 10).
func tooMany(op, message string) *restjson.Error {
	return &restjson.Error{Code: cmp.Or(limited[op], "ThrottlingException"), Status: http.StatusTooManyRequests, Message: message}
}
