package server

import (
	"fmt"

	"github.com/parley-chat/parley/internal/blob/s3blob"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/token"
)

// Account is the AWS account in ARNs and in the labels of attachments: none.
const Account = "000000000000"

// Check reports the first thing that is wrong with the settings, and with the contact
// center that they describe, in a sentence that says what to do.
func Check(s config.Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	if s.Blobs != "" {
		if err := s3blob.Parse(s.Blobs); err != nil {
			return fmt.Errorf("blobs: %w", err)
		}
	}
	tokens, err := token.NewKeyring(token.NewKey())
	if err != nil {
		return err
	}
	_, err = newCenter(&s, tokens)
	return err
}

// newCenter makes the contact center that the settings describe.
func newCenter(s *config.Settings, tokens *token.Keyring) (*center.Center, error) {
	o := center.Options{
		Instance: center.Instance{ID: s.InstanceID, Region: s.Region, AccountID: Account},
		Local:    s.Local(), FlowID: config.LocalFlow, Greeting: s.Greeting, Queue: s.Queue, Tokens: tokens,
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	c, err := center.New(s.Center, o)
	if err != nil {
		return nil, fmt.Errorf("the configuration file, %w", err)
	}
	return c, nil
}
