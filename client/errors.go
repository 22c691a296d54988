package client

import (
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The package's own errors, for [errors.Is]. All others are the SDK's, the context's or
// the network's.
var (
	// ErrEnded says that the chat is over for this participant: it has ended, or the
	// participant has left it.
	ErrEnded = errors.New("client: the chat is over")
	// ErrClosed says that the session was closed.
	ErrClosed = errors.New("client: the session is closed")
	// ErrUpload says that a file's bytes were not taken where they should go. The
	// error that wraps it says with which status.
	ErrUpload = errors.New("client: the upload was refused")
	// ErrDownload says that a file's bytes were not given from where they should come.
	ErrDownload = errors.New("client: the download was refused")
)

// isDenied reports whether the service answered 403, which for a token that was good
// before means that the chat is over (semantics.md 3.1).
func isDenied(err error) bool {
	var denied *types.AccessDeniedException
	var answer *smithyhttp.ResponseError
	return errors.As(err, &denied) || errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusForbidden
}

// isFinal reports whether asking for a connection once more makes no sense.
func isFinal(err error) bool {
	var invalid *types.ValidationException
	return errors.As(err, &invalid)
}
