package client

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"
)

// Option changes how a session works.
type Option func(*options)

type options struct {
	connectParticipant *bool
	after              string
	dialer             *websocket.Dialer
	clock              clockwork.Clock
}

// ConnectParticipant marks the participant as connected with every connection, which is
// how an agent accepts a chat, and how a supervisor barges in instead of watching
// silently (semantics.md 4).
func ConnectParticipant() Option { return func(o *options) { o.connectParticipant = aws.Bool(true) } }

// After has the stream begin with what comes after an item, whose id an earlier session
// has kept. Without it, or if the transcript has no such item, the stream begins with the
// chat's first.
func After(id string) Option { return func(o *options) { o.after = id } }

// WithDialer sets how websockets are opened, [websocket.DefaultDialer] if not set: for
// proxies, certificates, and tests that play the network.
func WithDialer(d *websocket.Dialer) Option { return func(o *options) { o.dialer = d } }

// WithClock sets the clock by which the session waits, sends heartbeats and throttles.
// It is for tests.
func WithClock(c clockwork.Clock) Option { return func(o *options) { o.clock = c } }

func resolve(opts []Option) options {
	o := options{dialer: websocket.DefaultDialer, clock: clockwork.NewRealClock()}
	for _, set := range opts {
		set(&o)
	}
	return o
}
