// Package participant serves the Amazon Connect Participant Service: what the
// customers, agents and bots in a chat call (semantics.md 3 to 5).
//
// operations.go is the table of the operations, types.go their members, errors.go
// the table of the errors. Everything a chat allows or refuses is decided by package
// chat; this package reads requests and writes answers.
package participant

import (
	"net/http"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/restjson"
	"github.com/parley-chat/parley/internal/token"
)

// Config is what the API works with. Node, Center, Blobs, Tokens, Clock and SocketBase are
// required.
type Config struct {
	Node   *node.Node
	Center *center.Center
	Blobs  blob.Store
	Tokens *token.Keyring
	Clock  clockwork.Clock
	// SocketBase begins the websocket URLs that clients get: "wss://chat.example.com",
	// or "ws://127.0.0.1:8080" without a public URL. ChatJS takes ws:// for 127.0.0.1
	// only, not for localhost (semantics.md 1.1).
	SocketBase string
	// Attachments say which files may be sent.
	Attachments Attachments
	// Strict limits messages to the lengths of the SDKs' model; see [wire.TooLong].
	Strict bool
	// Fault injects errors; see [restjson.Options].
	Fault func(op string, r *http.Request) *restjson.Error
	// Limit counts a call of an operation, and tells how long to wait if it is one too
	// many.
	Limit func(op string) time.Duration
}

// SocketPath is where websockets are opened, with the socket token as the query
// parameter "token".
const SocketPath = "/participant/socket"

type service struct {
	node   *node.Node
	center *center.Center
	blobs  blob.Store
	tokens *token.Keyring
	clock  clockwork.Clock
	socket string // all of a websocket URL but the token
	strict bool

	attachments Attachments
}

// New makes the API.
func New(c Config) *restjson.API {
	s := &service{
		node: c.Node, center: c.Center, blobs: c.Blobs, tokens: c.Tokens, clock: c.Clock,
		socket: strings.TrimSuffix(c.SocketBase, "/") + SocketPath + "?token=",
		strict: c.Strict, attachments: c.Attachments.defaults(),
	}
	api := restjson.New(restjson.Options{
		Invalid: invalid, Internal: restjson.Internal, Translate: translate,
		Before: s.authenticate, Fault: c.Fault, Limit: c.Limit, TooMany: tooMany,
	})
	register(api, s)
	return api
}
