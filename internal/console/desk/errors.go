package desk

import (
	"errors"
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
)

func invalid(message string) *restjson.Error {
	return &restjson.Error{Code: "ValidationException", Status: http.StatusBadRequest, Message: message}
}

func denied(message string) *restjson.Error {
	return &restjson.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: message}
}

func notFound(message string) *restjson.Error {
	return &restjson.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: message}
}

func conflict(message string) *restjson.Error {
	return &restjson.Error{Code: "ConflictException", Status: http.StatusConflict, Message: message}
}

func noContact() *restjson.Error {
	return notFound("There is no such contact, or it is not yours to see")
}

// refusals says what each reason to refuse a command is called here. Reasons that none
// of our commands is refused for have the nearest error.
var refusals = map[chat.Reason]func(message string) *restjson.Error{
	chat.Ended:                  conflict,
	chat.UnknownParticipant:     notFound,
	chat.NotPresent:             denied,
	chat.Silent:                 denied,
	chat.BadContent:             invalid,
	chat.UnsupportedContentType: invalid,
	chat.UnknownItem:            notFound,
	chat.ReceiptsOff:            conflict,
	chat.WrongState:             conflict,
	chat.TooMany:                conflict,
	chat.TooLate:                conflict,
	chat.QuotaExceeded:          conflict,
	chat.AlreadyDone:            conflict,
}

// translate turns what the node says into the API's errors; nil means internal.
func translate(err error) *restjson.Error {
	var refusal *chat.Refusal
	switch {
	case errors.As(err, &refusal):
		if as := refusals[refusal.Reason]; as != nil {
			return as(refusal.Detail)
		}
	case errors.Is(err, node.ErrNotFound):
		return noContact()
	case errors.Is(err, node.ErrBusy):
		return tooMany("The server has too much to do; try again", 0)
	}
	return nil
}

// asError makes an error of the API of any, for handlers that are no operation.
func asError(err error) *restjson.Error {
	var e *restjson.Error
	if errors.As(err, &e) {
		return e
	}
	if e := translate(err); e != nil {
		return e
	}
	return restjson.Internal(err)
}
