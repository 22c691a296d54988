package terminal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Explain makes a sentence with the way out of an error of a server that a command works
// with.
func Explain(err error) error {
	var (
		missing   *connecttypes.ResourceNotFoundException
		api       smithy.APIError
		answer    *smithyhttp.ResponseError
		at        *url.Error
		network   *net.OpError
		operation *smithy.OperationError
	)
	switch {
	case errors.As(err, &missing) && strings.Contains(missing.ErrorMessage(), "ontact"):
		return fmt.Errorf("%s (parley contacts list shows what there is)", missing.ErrorMessage())
	case errors.As(err, &api):
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the server does not answer: %w", context.DeadlineExceeded)
	case errors.As(err, &at):
		cause := at.Err
		if errors.As(err, &network) {
			cause = network.Err
		}
		return fmt.Errorf("no server answers at %s: %w; start one with parley serve, or say where it is with --endpoint", at.URL, cause)
	case errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusMultipleChoices:
		return fmt.Errorf("what answers at %s is no chat server: it says %s", answer.Response.Request.URL.Host, answer.Response.Status)
	case errors.As(err, &operation):
		return fmt.Errorf("%s: %w", operation.Operation(), operation.Err)
	}
	return err
}
