package memblob_test

import (
	"testing"

	"github.com/parley-chat/parley/internal/blob/blobtest"
	"github.com/parley-chat/parley/internal/blob/memblob"
	"github.com/parley-chat/parley/internal/blob/served"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Place {
		return blobtest.Serve(t, func(c served.Config) (*served.Store, error) { return memblob.New(c), nil })
	})
}
