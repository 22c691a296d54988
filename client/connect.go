package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/gorilla/websocket"

	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/client/internal/socket"
)

// When connections are renewed, and how attempts are spread.
const (
	maxLife   = 59 * time.Minute // as ChatJS does (semantics.md 1.6)
	minLife   = 30 * time.Second // no storm, whatever the service says
	tokenLead = time.Minute      // before the connection token expires

	backoffBase = 500 * time.Millisecond
	backoffMax  = 30 * time.Second
	healthy     = 3 * time.Second // a socket that lived so long begins a new series
)

// connection is what connecting has led to: a socket, or an error.
type connection struct {
	sock    *socket.Socket
	renewAt time.Time // when the next one should be there
	err     error
}

// connect asks for a connection, takes its token into use, opens and subscribes its
// socket.
func (s *Session) connect(ctx context.Context) connection {
	in := &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &s.details.ParticipantToken, ConnectParticipant: s.connectParticipant,
		Type: []types.ConnectionType{types.ConnectionTypeWebsocket, types.ConnectionTypeConnectionCredentials},
	}
	if s.watching.Load() {
		in.ConnectParticipant = nil
	}
	out, err := s.api.CreateParticipantConnection(ctx, in)
	if err != nil {
		return connection{err: err}
	}
	if out.Websocket == nil || out.ConnectionCredentials == nil {
		return connection{err: errors.New("client: the service gave neither websocket nor credentials")}
	}
	expires := s.token.set(out.ConnectionCredentials)
	sock, err := s.opener.Open(ctx, aws.ToString(out.Websocket.Url))
	if err != nil {
		return connection{err: err}
	}
	return connection{sock: sock, renewAt: renewal(sock.Opened, event.Time(aws.ToString(out.Websocket.ConnectionExpiry)), expires)}
}

// renewal is when a connection is renewed: with a tenth of the socket's life left, a
// minute before the token expires, or after ChatJS's 59 minutes, whatever is first. Times
// that are unknown don't count.
func renewal(opened, socketExpires, tokenExpires time.Time) time.Time {
	life := maxLife
	if !socketExpires.IsZero() {
		life = min(life, socketExpires.Sub(opened)*9/10)
	}
	if !tokenExpires.IsZero() {
		life = min(life, tokenExpires.Sub(opened)-tokenLead)
	}
	return opened.Add(max(life, minLife))
}

// backoff is how long to wait before another attempt, after so many that failed since
// the last connection: exponential, with full jitter.
func backoff(failed int) time.Duration {
	most := backoffMax
	if failed < 6 {
		most = min(most, backoffBase<<failed)
	}
	return rand.N(most)
}

// pauseAfter is how long to wait before the first attempt after a socket was lost. Who
// was told that its time is over asks at once, and learns from the answer whether the
// chat is; who was sent away because there is too much to do does not hurry
// (semantics.md 1.8).
func pauseAfter(lost error) time.Duration {
	var closed *websocket.CloseError
	if errors.As(lost, &closed) {
		switch closed.Code {
		case websocket.CloseNormalClosure, websocket.ClosePolicyViolation:
			return 0
		case websocket.CloseTryAgainLater:
			return time.Second + backoff(1)
		}
	}
	return backoff(0)
}

// connectionToken is the newest token for calls. Older ones stay valid until they
// expire (semantics.md 1.6).
type connectionToken struct {
	mu      sync.Mutex
	value   string
	expires time.Time // zero if unknown
}

func (t *connectionToken) set(c *types.ConnectionCredentials) (expires time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.value, t.expires = aws.ToString(c.ConnectionToken), event.Time(aws.ToString(c.Expiry))
	return t.expires
}

func (t *connectionToken) get(now time.Time) (value string, valid bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.value, t.expires.IsZero() || now.Before(t.expires)
}

// call makes a call with a connection token that has not expired, as it may have while
// the machine slept. A refusal is tried again if there is a newer token meanwhile.
func (s *Session) call(ctx context.Context, do func(ctx context.Context, token *string) error) error {
	if err := s.over(); err != nil {
		return err
	}
	ctx, stop := s.until(ctx)
	defer stop()
	token, valid := s.token.get(s.clock.Now())
	if !valid {
		if err := s.refreshToken(ctx); err != nil {
			return s.closedOr(err)
		}
		token, _ = s.token.get(s.clock.Now())
	}
	err := do(ctx, &token)
	if isDenied(err) {
		if newer, valid := s.token.get(s.clock.Now()); valid && newer != token {
			err = do(ctx, &newer)
		}
	}
	return s.closedOr(err)
}

// until gives a context that ends with the session, too.
func (s *Session) until(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// closedOr is ErrClosed for what failed because the session was closed.
func (s *Session) closedOr(err error) error {
	if err != nil && s.ctx.Err() != nil {
		return ErrClosed
	}
	return err
}

func (s *Session) refreshToken(ctx context.Context) error {
	out, err := s.api.CreateParticipantConnection(ctx, &connectparticipant.CreateParticipantConnectionInput{
		ParticipantToken: &s.details.ParticipantToken,
		Type:             []types.ConnectionType{types.ConnectionTypeConnectionCredentials},
	})
	if err == nil && out.ConnectionCredentials != nil {
		s.token.set(out.ConnectionCredentials)
	}
	return err
}
