package terminal

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	connecttypes "github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/smithy-go"
)

// Explain makes a sentence with the way out of an error of a server that a command works
// with.
func Explain(err error) error {
	var (
		missing *connecttypes.ResourceNotFoundException
		api     smithy.APIError
		at      *url.Error
		network *net.OpError
	)
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%s (parley contacts list shows what there is)", missing.ErrorMessage())
	case errors.As(err, &api):
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	case errors.As(err, &at) && errors.As(err, &network):
		return fmt.Errorf("no server answers at %s: %w; start one with parley serve, or say where it is with --endpoint", at.URL, network.Err)
	}
	return err
}
