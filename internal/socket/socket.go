package socket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/socket/frame"
)

// socket is an open websocket of a participant.
type socket struct {
	srv     *Server
	ws      *websocket.Conn // used by run only, and only to read
	id      string          // connectionId
	request string          // the id of the request it began with
	who     member
	expires time.Time
	refused bool
	out     outbox

	// opened is the Seq of the last entry when the socket was opened; 0 if it is not known,
	// or was unsubscribed since. It is not known when the store could not be asked: openedAt
	// then says when that was, for the subscribe to find out.
	opened   int64
	openedAt time.Time

	// wanted says that a subscribe failed for no fault of the client's; used by run only.
	wanted bool

	hub  *hub      // nil unless subscribed; used by run only
	role chat.Role // of the participant; known, and the same, from the first subscribe on
	left bool      // was told of the end, or of the participant's own leaving; guarded by hub.mu

	heard atomic.Uint32 // ticks when something last came from the client

	mu    sync.Mutex
	alone bool  // is not subscribed
	since ticks // since when it isn't
	bye   bye
}

// log is for lines about the socket: they name it, the request that its client knows
// the id of, and whose it is.
func (k *socket) log() *slog.Logger {
	return k.srv.log.With("connection", k.id, "request", k.request, "chat", k.who.chat, "participant", k.who.participant)
}

// bye is a close frame to be sent later.
type bye struct {
	at     time.Time // zero: not at all
	code   int
	reason string
}

func (k *socket) hear() { k.heard.Store(uint32(k.srv.now())) }

// silentFor says how long nothing came from the client.
func (k *socket) silentFor() ticks { return k.srv.now() - ticks(k.heard.Load()) }

// leave has the socket closed at a later time.
func (k *socket) leave(at time.Time, code int, reason string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bye = bye{at, code, reason}
}

// subscribed notes whether the socket is.
func (k *socket) subscribed(yes bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.alone, k.since = !yes, k.srv.now()
}

// sweep keeps the socket's time-outs.
func (k *socket) sweep(now time.Time) {
	if k.out.stuck(k.srv.now()) {
		k.out.abort()
		return
	}
	if b := k.overdue(now); b.code != 0 {
		k.out.close(b.code, b.reason)
	}
}

// overdue says with what the socket is to be closed now; with nothing if code is 0.
func (k *socket) overdue(now time.Time) bye {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !k.bye.at.IsZero():
		if now.Before(k.bye.at) {
			return bye{}
		}
		return k.bye
	case !now.Before(k.expires):
		return bye{code: closeGoingAway, reason: "The connection has expired. Call CreateParticipantConnection again."}
	case k.silentFor() >= silence:
		return bye{code: closeGoingAway, reason: "Nothing was heard for 10 minutes. Send a heartbeat every 10 seconds."}
	case k.alone && k.srv.now()-k.since >= subscribeWithin:
		return bye{code: closeGoingAway, reason: "There was no subscription to aws/chat for 100 seconds."}
	}
	return bye{}
}

// run is the socket's goroutine: it reads until the end, and cleans up.
func (k *socket) run() {
	defer k.srv.forget(k)
	silent := false
	defer func() { k.linger(silent) }()
	defer k.detach()
	defer func() {
		if p := recover(); p != nil {
			k.log().Error("a frame made the server panic", "panic", p, "stack", string(debug.Stack()))
			k.out.close(closeInternal, "internal error")
		}
	}()
	for {
		kind, r, err := k.ws.NextReader()
		if err != nil {
			_, silent = errors.AsType[*websocket.CloseError](err)
			return
		}
		k.hear()
		if kind == websocket.TextMessage && !k.refused && !k.out.isClosing() && k.handle(r) != nil {
			return
		}
	}
}

// linger lets the client read what is left for it: a connection that is closed while
// there is something unread in it may lose what was written last.
func (k *socket) linger(silent bool) {
	k.out.end(silent)
	_, _ = io.CopyN(io.Discard, k.out.conn, 1<<20) // sweep ends it at the latest
	k.out.abort()
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// handle reads a text frame and does what it asks.
func (k *socket) handle(r io.Reader) error {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	if len(bytes.TrimSpace(b.Bytes())) == 0 {
		return nil
	}
	req, ok := frame.Parse(b.Bytes())
	if !ok {
		req.Topic = "" // forbidden
	}
	switch req.Topic {
	case frame.Ping:
		k.out.put(frame.PingReply)
	case frame.Heartbeat:
		k.out.put(frame.HeartbeatReply)
		if k.wanted {
			k.subscribeChat(false)
		}
	case frame.Subscribe:
		k.subscribe(req.Topics)
	case frame.Unsubscribe:
		k.unsubscribe(req.Topics)
	default:
		k.out.put(frame.Error("Forbidden", k.id, newID()))
	}
	return nil
}

// subscribe answers for aws/chat, if it is among the topics, and then for the
// others, which can't be subscribed to.
func (k *socket) subscribe(topics []string) {
	others := slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return t == frame.Chat })
	if len(others) < len(topics) {
		k.subscribeChat(true)
	}
	if len(others) > 0 || len(topics) == 0 {
		if others == nil {
			others = []string{}
		}
		k.out.put(frame.Topics(frame.Subscribe, frame.Failure, others))
	}
}

// subscribeChat lets the socket have what is new in the chat, and marks the
// participant as connected (semantics.md 4). What that sets off (participant.joined,
// the flow's greeting) is new as well, and comes after the reply.
//
// A client that was told of a failure gives up: ChatJS after five (semantics.md 1.5). So
// what failed because of the store is tried again with its heartbeats, which is not asked,
// and only told of when it succeeds.
func (k *socket) subscribeChat(asked bool) {
	if k.hub != nil {
		k.out.put(frame.Topics(frame.Subscribe, frame.Success, []string{frame.Chat}))
		return
	}
	k.out.hold()
	var missed [][]byte
	err := aside(func() (err error) {
		missed, err = k.connect()
		return err
	})
	if err == nil {
		k.wanted = false
		k.subscribed(true)
		k.out.release(append([][]byte{frame.Topics(frame.Subscribe, frame.Success, []string{frame.Chat})}, missed...)...)
		return
	}
	k.detach()
	first := !k.wanted
	k.wanted = !isRefusal(err)
	switch {
	case !k.wanted:
		k.leave(k.srv.clock.Now().Add(refusedFor), notInChat.code, notInChat.reason)
	case first && k.srv.ctx.Err() == nil:
		k.log().Warn("a socket could not be subscribed; that will be tried again with its heartbeats", "err", err)
	}
	if !asked && k.wanted {
		k.out.discard()
		return
	}
	k.out.discard(frame.Topics(frame.Subscribe, frame.Failure, []string{frame.Chat}))
}

// connect attaches first, so that nothing of what follows is missed. It gives what came
// between the opening of the socket and that: a client reads the transcript when its
// socket is open, and can't know that the server has not come to its subscribe yet.
func (k *socket) connect() (missed [][]byte, err error) {
	who, err := k.srv.node.Admit(k.srv.ctx, k.who.chat, k.who.participant)
	if err != nil {
		return nil, err
	}
	k.role = who.Role
	if err := k.findOpened(); err != nil {
		return nil, err
	}
	last, err := k.attach()
	if err != nil {
		return nil, err
	}
	if k.opened > 0 && k.opened < last {
		entries, err := k.srv.node.Missed(k.srv.ctx, k.who.chat, k.opened, last)
		if err != nil {
			return nil, err
		}
		missed = k.hub.missed(k, entries)
	}
	_, err = k.srv.node.Do(k.srv.ctx, k.who.chat, chat.Connect{By: k.who.participant, Via: chat.ViaSocket})
	if err == nil {
		k.hub.seek()
	}
	return missed, err
}

// findOpened makes up for what could not be found out when the socket was opened.
func (k *socket) findOpened() error {
	if k.openedAt.IsZero() {
		return nil
	}
	seq, err := k.srv.node.SeqAt(k.srv.ctx, k.who.chat, k.openedAt)
	if err != nil {
		return err
	}
	k.opened, k.openedAt = max(seq, 1), time.Time{} // the first entry is no item
	return nil
}

// aside runs f on a goroutine of its own and waits for it: what goes deep must not
// leave a large stack to a reader that idles for an hour afterwards.
func aside(f func() error) error {
	result := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				result <- fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		result <- f()
	}()
	return <-result
}

// unsubscribe is reserved by ChatJS and sent by nobody (semantics.md 1.2).
func (k *socket) unsubscribe(topics []string) {
	if slices.Contains(topics, frame.Chat) {
		k.detach()
		k.opened, k.openedAt, k.wanted = 0, time.Time{}, false
	}
	if topics == nil {
		topics = []string{}
	}
	k.out.put(frame.Topics(frame.Unsubscribe, frame.Success, topics))
}
