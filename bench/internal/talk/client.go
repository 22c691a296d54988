package talk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/client"
	"github.com/parley-chat/parley/client/event"
)

// clientLine is a session of package client. It marks the newest message of the other side
// as read, as often as the session lets it.
type clientLine struct {
	name    byte
	session *client.Session
	text    []byte
	closed  atomic.Bool

	ctx    context.Context // of all calls; its cause is why nothing more can be done
	cancel context.CancelCauseFunc
	timer  *time.Timer
	newest chan string // to be marked; none or one
	marker sync.WaitGroup
}

// errLate ends calls that take too long.
var errLate = errors.New("it took too long")

// dialClient joins a participant.
func dialClient(ctx context.Context, c *Control, d client.Details, name byte) (line, error) {
	var opts []client.Option
	if name == 'B' {
		opts = append(opts, client.ConnectParticipant())
	}
	s, err := client.Join(ctx, c.config(), d, opts...)
	if err != nil {
		return nil, err
	}
	l := &clientLine{name: name, session: s, text: newText(name), newest: make(chan string, 1)}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	return l, nil
}

func (l *clientLine) begin(typing bool, end time.Time) error {
	if typing {
		return errors.New("package client types no more often than every 10 seconds")
	}
	l.timer = time.AfterFunc(time.Until(end), func() { l.cancel(errLate) })
	l.marker.Go(l.mark)
	return nil
}

// mark marks what is the newest message whenever the one before was.
func (l *clientLine) mark() {
	for {
		select {
		case id := <-l.newest:
			if err := l.session.MarkRead(l.ctx, id); err != nil {
				l.cancel(fmt.Errorf("marking a message as read: %w", err))
			}
		case <-l.ctx.Done():
			return
		}
	}
}

func (l *clientLine) send(number, sent int64) (uuid.UUID, error) {
	stampText(l.text, number, sent)
	out, err := l.session.Send(l.ctx, string(l.text))
	if err != nil {
		return uuid.UUID{}, l.why(err)
	}
	return uuid.Parse(out.ID)
}

// why says what has ended a call, if that was us.
func (l *clientLine) why(err error) error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	return err
}

func (l *clientLine) next() (message, error) {
	for {
		e, err := l.session.Next(l.ctx)
		if err != nil {
			if l.closed.Load() {
				err = net.ErrClosed
			}
			return message{}, l.why(err)
		}
		if m, ours, err := l.read(e); ours || err != nil {
			return m, err
		}
	}
}

// read finds a message of ours, or a receipt, in an event.
func (l *clientLine) read(e event.Event) (m message, ours bool, err error) {
	switch e := e.(type) {
	case event.Disconnected:
		return message{}, false, fmt.Errorf("the connection is lost: %w", e.Err)
	case event.Receipt:
		if e.Own || e.By.Read.IsZero() {
			return message{}, false, nil
		}
		m.kind = read
		m.id, err = uuid.Parse(e.MessageID)
		return m, true, err
	case event.Message:
		if !strings.HasPrefix(e.Content, textMark) {
			return message{}, false, nil
		}
		if m, err = parseText(e.Content); err != nil {
			return m, true, err
		}
		if m.side != l.name {
			l.toMark(e.ID)
		}
		m.id, err = uuid.Parse(e.ID)
		return m, true, err
	}
	return message{}, false, nil
}

// toMark has a message marked as read instead of those that still wait for it.
func (l *clientLine) toMark(id string) {
	select {
	case <-l.newest:
	default:
	}
	l.newest <- id
}

func (l *clientLine) marks() bool { return true }

func (l *clientLine) close() {
	l.closed.Store(true)
	if l.timer != nil {
		l.timer.Stop()
	}
	l.cancel(net.ErrClosed)
	_ = l.session.Close()
	l.marker.Wait()
}
