// Package socket has the websocket of a participant: subscribed, with heartbeats, and
// known to be gone when it is.
package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"
)

// Times of a socket. The first is by the given clock, the others are bounds on input
// and output, by the machine's.
const (
	heartbeatEvery = 10 * time.Second // semantics.md 1.2
	openWithin     = 15 * time.Second // until subscribed
	writeWithin    = 10 * time.Second
	closeWithin    = 2 * time.Second // from our close frame to the last of theirs
)

// Opener opens sockets.
type Opener struct {
	Dialer *websocket.Dialer
	Clock  clockwork.Clock
	// Work has all goroutines of sockets.
	Work *sync.WaitGroup
}

// Socket is an open websocket that is subscribed to the chat. One goroutine reads, one
// sends heartbeats. Both end when it is closed, by the service or by one of its methods,
// one of which must be called.
type Socket struct {
	Opened time.Time
	// Items are what the service sends, in order; closed after the last.
	Items <-chan []byte
	// Gone is closed when nothing can be read any more; Err says why then.
	Gone <-chan struct{}
	// Stale is closed when a heartbeat was not answered in time.
	Stale <-chan struct{}

	ws                *websocket.Conn
	items             chan []byte
	gone, stale, done chan struct{} // done: nobody takes items any more
	drop              func()        // closes done and the websocket
	err               error

	heard   atomic.Bool // something, since the last heartbeat
	waiting atomic.Bool // for somebody to take an item, so that nothing can be heard
}

// Open opens a URL and subscribes. ctx is for that only.
func (o Opener) Open(ctx context.Context, url string) (*Socket, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	ws, _, err := o.Dialer.DialContext(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	k := &Socket{
		Opened: o.Clock.Now(), ws: ws,
		items: make(chan []byte), gone: make(chan struct{}), stale: make(chan struct{}), done: make(chan struct{}),
	}
	k.Items, k.Gone, k.Stale = k.items, k.gone, k.stale
	k.drop = sync.OnceFunc(func() {
		close(k.done)
		k.ws.Close()
	})
	stop := context.AfterFunc(ctx, k.drop)
	early, err := k.subscribe()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		k.drop()
		return nil, err
	}
	o.Work.Go(func() { k.read(early) })
	o.Work.Go(func() { k.beat(o.Clock) })
	return k, nil
}

// Err says why the socket is gone.
func (k *Socket) Err() error {
	<-k.gone
	return k.err
}

// subscribe waits for the answer. Items that come before it are given back.
func (k *Socket) subscribe() (early [][]byte, err error) {
	if err := k.write(subscribeFrame); err != nil {
		return nil, err
	}
	for {
		f, err := k.next()
		switch {
		case err != nil:
			return nil, err
		case f.Topic == topicSubscribe:
			return early, f.subscribed()
		case f.Topic == "" && f.Message != "":
			return nil, fmt.Errorf("the service refuses the websocket: %s", f.Message)
		case f.item() != nil:
			early = append(early, f.item())
		}
	}
}

// next reads a frame. One that is not JSON counts as an empty one.
func (k *Socket) next() (f frame, err error) {
	_, text, err := k.ws.ReadMessage()
	if err != nil {
		return frame{}, err
	}
	k.heard.Store(true)
	if json.Unmarshal(text, &f) != nil {
		return frame{}, nil
	}
	return f, nil
}

// read passes items on until the socket is gone.
func (k *Socket) read(early [][]byte) {
	defer close(k.items)
	defer k.ws.Close()
	for _, it := range early {
		k.pass(it)
	}
	for {
		f, err := k.next()
		if err != nil {
			k.err = err
			close(k.gone)
			return
		}
		if it := f.item(); it != nil {
			k.pass(it)
		}
	}
}

// pass waits until the item is taken.
func (k *Socket) pass(item []byte) {
	k.waiting.Store(true)
	select {
	case k.items <- item:
	case <-k.done:
	}
	k.heard.Store(true)
	k.waiting.Store(false)
}

// beat sends heartbeats. A half-open socket is found by one that was not answered
// before the next is due; any frame counts as an answer.
func (k *Socket) beat(clock clockwork.Clock) {
	for {
		k.heard.Store(false)
		if errors.Join(k.write(pingFrame), k.write(heartbeatFrame)) != nil {
			k.ws.Close()
		}
		next := clock.NewTimer(heartbeatEvery) // not a ticker: it would make up for a leap
		select {
		case <-next.Chan():
		case <-k.gone:
			next.Stop()
			return
		}
		if !k.heard.Load() && !k.waiting.Load() {
			close(k.stale)
			return
		}
	}
}

func (k *Socket) write(text string) error {
	_ = k.ws.SetWriteDeadline(time.Now().Add(writeWithin))
	return k.ws.WriteMessage(websocket.TextMessage, []byte(text))
}

// Finish asks the service to close the socket. What it had sent until then can still
// be taken, for a little while.
func (k *Socket) Finish() {
	k.sendClose()
	_ = k.ws.SetReadDeadline(time.Now().Add(closeWithin))
}

// Close closes the socket at once, and tells the service. What was not taken is lost.
func (k *Socket) Close() {
	k.sendClose()
	k.drop()
}

// Drop closes the socket without a word, since nobody would hear it. What was not taken
// is lost.
func (k *Socket) Drop() { k.drop() }

func (k *Socket) sendClose() {
	message := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = k.ws.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second))
}
