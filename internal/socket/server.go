// Package socket serves the websockets of participants (semantics.md 1): it reads the
// few frames that clients send, and delivers each new item of a chat to every
// subscribed socket of every participant, the sender's own included.
//
// Each chat with sockets here has one hub, which watches it on the node, renders each
// item once into a complete frame, and puts the same bytes into the outbox of every
// subscribed socket. Whoever puts a frame into an outbox never waits: a client that
// reads too slowly is cut off, and reads the transcript when it is back.
//
// A subscribe is answered when the participant is connected, and what that sets off
// (participant.joined, the flow's greeting) is held back until after the answer.
//
// A socket has one goroutine that reads, and a second one only while there is
// something to write. A single goroutine, [Server.Run], keeps all time-outs.
//
// # Why a socket is closed
//
// ChatJS reconnects whatever the code, without any pause; Android reconnects except
// after 1000 and 4000; iOS never does after a close frame (semantics.md 1.8). So a
// client that has to know more is sent away with another code: it asks for a new
// connection, and the answer (403 for a chat that is over) tells it.
//
//	1000  the chat.ended, or the participant's own participant.left, was delivered 5 s ago
//	1001  the URL's 65 minutes are over; nothing was heard for 10 minutes; not
//	      subscribed for 100 s; or a sixth socket needed the place of this silent one
//	1008  the token is invalid or expired, the chat has ended, the participant has left
//	1009  a frame was larger than 16 KiB
//	1012  this node is being shut down
//	1013  the participant has five sockets in use; or the client read too slowly
//
// Clients that are refused are let in first, told why in a frame, and only sent away
// a second later: a refused upgrade would make ChatJS ask for connections at network
// speed (semantics.md 1.7).
package socket

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
	"github.com/parley-chat/parley/internal/token"
)

// Bounds of sockets. Those of the wire are from semantics.md 1.2 and 4; how long a URL
// and its sockets last is in package token.
const (
	// maxPerParticipant counts a participant's open sockets, subscribed or not.
	maxPerParticipant = 5
	// refusedFor is how long a refused client is kept; leaveAfter how long one that
	// was told of its end.
	refusedFor, leaveAfter = time.Second, 5 * time.Second
	// maxFrame is the size of a client's message, in bytes.
	maxFrame = 16 << 10
	// maxRefused bounds the refused clients that are kept at a time.
	maxRefused = 1000
)

// ticks count the seconds in which the server really ran. What asks whether a client
// is alive is measured in them, and not by the clock, which leaps in tests and when a
// machine wakes up: nobody could have sent a heartbeat meanwhile.
type ticks uint32

const (
	// spareAfter is the silence after which a sixth socket may take a socket's place:
	// three heartbeats of any official client.
	spareAfter ticks = 30
	// silence is how long a client may send nothing at all: 10 minutes.
	silence ticks = 600
	// subscribeWithin is how long a socket may be without subscription. A client
	// whose subscribe failed and that gave up asking gets a new chance by this.
	subscribeWithin ticks = 100
	// writeWithin bounds one write, closeWithin everything after a close frame.
	writeWithin, closeWithin ticks = 10, 5
)

// Close codes (RFC 6455 and the registry it founded).
const (
	closeNormal    = websocket.CloseNormalClosure
	closeGoingAway = websocket.CloseGoingAway
	closePolicy    = websocket.ClosePolicyViolation
	closeInternal  = websocket.CloseInternalServerErr
	closeRestart   = websocket.CloseServiceRestart
	closeTryAgain  = websocket.CloseTryAgainLater
)

// Config is what a Server works with. Node, Tokens and Clock are required.
type Config struct {
	Node   *node.Node
	Tokens *token.Keyring
	Clock  clockwork.Clock
	// Log gets what no client can be told; discarded if nil.
	Log *slog.Logger
	// QueueFrames and QueueBytes bound what waits to be written to one socket; 0
	// means 2048 frames, and 1 MiB. QueueBytes must hold the largest item; what the
	// node reads after a gap comes 512 entries at a time.
	QueueFrames, QueueBytes int
	// ReportLost has chats told when a participant's last socket here is gone; needed
	// where the settings of chats make something of it.
	ReportLost bool
}

// Stats are counts since the start, except Open. They are for metrics: each is right,
// but they are not read at the same moment.
type Stats struct {
	Open    int    // sockets that are open now, without those that are being refused
	Sent    uint64 // frames written, replies and pongs included
	Slow    uint64 // clients cut off because they read too slowly
	Refused uint64 // clients that were told why and sent away
}

// Server serves the websockets of one node. Call Run to make it keep time-outs, and
// Drain in the end. Its methods are safe for concurrent use.
type Server struct {
	node        *node.Node
	tokens      *token.Keyring
	clock       clockwork.Clock
	log         *slog.Logger
	queueFrames int
	queueBytes  int
	reportLost  bool
	upgrader    websocket.Upgrader

	ctx    context.Context // of what sockets ask of the node
	cancel context.CancelFunc
	wg     sync.WaitGroup // the goroutines of sockets; begun by register or by them

	ticks atomic.Uint32

	sent, slow, turnedAway atomic.Uint64

	// mu is taken before the mu of a socket or an outbox, never after one.
	mu       sync.Mutex
	open     map[member][]*socket
	count    int // in open
	opening  int // clients that came before draining and are in neither list yet
	refused  map[*socket]struct{}
	hubs     map[chat.ChatID]*hub
	draining bool
	empty    chan struct{} // closed when draining and nothing is open or opening any more
	closed   bool
}

// member is a participant of a chat.
type member struct {
	chat        chat.ChatID
	participant chat.ParticipantID
}

// New makes a Server.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.QueueFrames == 0 {
		c.QueueFrames = 2048
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = 1 << 20
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		node: c.Node, tokens: c.Tokens, clock: c.Clock, log: c.Log,
		queueFrames: c.QueueFrames, queueBytes: c.QueueBytes, reportLost: c.ReportLost,
		upgrader: websocket.Upgrader{
			ReadBufferSize:  512,
			WriteBufferPool: new(sync.Pool), // so that no socket has a buffer of its own
			CheckOrigin:     func(*http.Request) bool { return true },
			Error:           writeError,
		},
		ctx: ctx, cancel: cancel,
		open:    make(map[member][]*socket),
		refused: make(map[*socket]struct{}),
		hubs:    make(map[chat.ChatID]*hub),
		empty:   make(chan struct{}),
	}
}

// Stats counts.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := s.count
	s.mu.Unlock()
	return Stats{Open: open, Sent: s.sent.Load(), Slow: s.slow.Load(), Refused: s.turnedAway.Load()}
}

// Run keeps the time-outs of all sockets, to the second, until ctx ends, which should
// be after Drain.
func (s *Server) Run(ctx context.Context) {
	for {
		select {
		case <-s.clock.After(time.Second): // not a ticker: it would make up for a leap
			s.sweep(s.clock.Now())
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) now() ticks { return ticks(s.ticks.Load()) }

func (s *Server) sweep(now time.Time) {
	s.ticks.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.open {
		for _, k := range list {
			k.sweep(now)
		}
	}
	for k := range s.refused {
		k.sweep(now)
	}
}

// Spread sends the clients of the sockets that are open now to other nodes: it closes
// them with 1012, one after another, and has done so after a while. Those that come
// back to this node meanwhile may stay.
func (s *Server) Spread(ctx context.Context, over time.Duration) {
	s.mu.Lock()
	var all []*socket
	for _, list := range s.open { // in no order
		all = append(all, list...)
	}
	s.mu.Unlock()
	begun := s.clock.Now()
	for i, k := range all {
		wait := over*time.Duration(i+1)/time.Duration(len(all)) - s.clock.Since(begun)
		if wait > 0 {
			select {
			case <-s.clock.After(wait):
			case <-ctx.Done():
				return
			}
		}
		k.out.close(closeRestart, restarting.reason)
	}
}

// Drain closes all sockets with 1012 after what is queued for them, and waits until
// they are gone; clients that come meanwhile are told so and sent away likewise. When
// ctx ends, those that are left are cut off. In either case nothing of the Server
// goes on afterwards, except Run. The error is ctx's if sockets were cut off.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		s.checkEmpty()
	}
	for _, list := range s.open {
		for _, k := range list {
			k.out.close(closeRestart, restarting.reason)
		}
	}
	s.mu.Unlock()

	var err error
	select {
	case <-s.empty:
	case <-ctx.Done():
		err = ctx.Err()
	}

	s.mu.Lock()
	s.closed = true
	for _, list := range s.open {
		for _, k := range list {
			k.out.abort()
		}
	}
	for k := range s.refused {
		k.out.abort()
	}
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
	return err
}

// checkEmpty tells Drain when it need not wait any longer. It is called with mu held.
func (s *Server) checkEmpty() {
	if s.draining && s.count+s.opening == 0 {
		select {
		case <-s.empty:
		default:
			close(s.empty)
		}
	}
}
