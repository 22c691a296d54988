package socket

import (
	"net"
	"sync"

	"github.com/parley-chat/parley/internal/socket/frame"
)

// outbox writes a socket's frames to its connection, in order, and never makes
// whoever brings one wait. There is a goroutine only while there is something to
// write; it writes all there is at once. A client that reads too slowly to keep the
// outbox within its bounds is cut off.
type outbox struct {
	of   *socket
	conn net.Conn

	mu      sync.Mutex
	next    [][]byte // to be written
	held    [][]byte // to be written after the reply that is awaited, if holding
	frames  int      // how many are next, held or being written
	bytes   int      // and their size
	holding bool
	writing bool  // there is a goroutine
	begun   ticks // when its last write began
	closing bool  // the last frame was added
	closed  ticks // when that was
	ended   bool  // the connection is to be closed after the last frame
	silent  bool  // the client sends nothing any more
	broken  bool  // nothing can be written any more
}

// put adds a frame.
func (o *outbox) put(f []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fits(f) {
		o.add(f)
	}
}

// deliver adds frames, after the reply that is awaited if there is one.
func (o *outbox) deliver(frames ...[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range frames {
		switch {
		case !o.fits(f):
		case o.holding:
			o.held = append(o.held, f)
			o.count(f)
		default:
			o.add(f)
		}
	}
}

// hold keeps what is delivered from now on back, until release or discard.
func (o *outbox) hold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holding = true
}

// release adds frames, the reply first, and then what was held back.
func (o *outbox) release(frames ...[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := o.held
	o.holding, o.held = false, nil
	for _, f := range frames {
		if !o.fits(f) {
			return
		}
		o.add(f)
	}
	o.next = append(o.next, held...) // counted already
}

// discard adds the reply, if there is one, and forgets what was held back.
func (o *outbox) discard(reply ...[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.held {
		o.frames, o.bytes = o.frames-1, o.bytes-len(f)
	}
	o.holding, o.held = false, nil
	for _, f := range reply {
		if o.fits(f) {
			o.add(f)
		}
	}
}

// close adds a close frame as the last one. It does nothing the second time.
func (o *outbox) close(code int, reason string) { o.last(frame.Close(code, reason)) }

// last does the same with a finished frame.
func (o *outbox) last(f []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.addLast(f)
}

// end has the connection closed once all is written: all of it if nothing more comes
// from the client, otherwise the write side, after which a client closes the other.
func (o *outbox) end(silent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.noMore()
	o.ended, o.silent = true, silent
	if !o.writing {
		o.shut()
	}
}

// abort closes the connection at once. Its reader notices.
func (o *outbox) abort() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drop()
}

// isClosing reports whether nothing will be added any more.
func (o *outbox) isClosing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closing || o.broken
}

// stuck reports whether a write, or a good-bye, takes longer than is allowed.
func (o *outbox) stuck(now ticks) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.broken:
		return false
	case o.writing && now-o.begun >= writeWithin:
		if !o.closing {
			o.slow("a write took too long")
		}
		return true
	}
	return o.closing && now-o.closed >= closeWithin
}

// The methods below are called with mu held.

// fits reports whether a frame may be added, and cuts a slow reader off.
func (o *outbox) fits(f []byte) bool {
	if o.broken || o.closing {
		return false
	}
	if o.frames < o.of.srv.queueFrames && o.bytes+len(f) <= o.of.srv.queueBytes {
		return true
	}
	o.slow("too much is waiting for it")
	o.next, o.held = nil, nil // what it gets has no gaps: it ends here
	o.addLast(frame.Close(closeTryAgain, "The client reads too slowly. Connect again and read the transcript."))
	return false
}

func (o *outbox) slow(why string) {
	o.of.srv.slow.Add(1)
	o.of.log().Info("a slow reader is cut off", "why", why, "frames", o.frames, "bytes", o.bytes)
}

func (o *outbox) addLast(f []byte) {
	if o.broken || o.closing {
		return
	}
	o.noMore()
	o.add(f)
}

func (o *outbox) noMore() {
	if !o.closing {
		o.closing, o.closed = true, o.of.srv.now()
	}
}

func (o *outbox) count(f []byte) {
	o.frames, o.bytes = o.frames+1, o.bytes+len(f)
}

func (o *outbox) add(f []byte) {
	o.next = append(o.next, f)
	o.count(f)
	if !o.writing {
		o.writing, o.begun = true, o.of.srv.now()
		o.of.srv.wg.Go(o.write)
	}
}

func (o *outbox) drop() {
	o.next, o.held, o.broken = nil, nil, true
	_ = o.conn.Close()
}

func (o *outbox) shut() {
	c, ok := o.conn.(interface{ CloseWrite() error })
	if ok && !o.silent {
		_ = c.CloseWrite()
	} else {
		o.drop()
	}
}

// write is the goroutine: it writes until there is nothing left.
func (o *outbox) write() {
	var err error
	for {
		batch := o.take(err)
		if batch == nil {
			return
		}
		frames := uint64(len(batch)) // WriteTo uses batch up
		if frames == 1 {
			_, err = o.conn.Write(batch[0])
		} else {
			_, err = batch.WriteTo(o.conn)
		}
		if err == nil {
			o.of.srv.sent.Add(frames)
		}
	}
}

// take gives what is to be written next, nil if nothing is. It is told how the last
// write went.
func (o *outbox) take(err error) net.Buffers {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.drop()
	}
	batch := o.next
	o.next = nil
	// What is being written counts until the next one is taken; what waits for a
	// reply counts on.
	o.frames, o.bytes = len(batch)+len(o.held), size(batch)+size(o.held)
	if len(batch) == 0 {
		o.writing = false
		if o.ended && !o.broken {
			o.shut()
		}
		return nil
	}
	o.begun = o.of.srv.now()
	return batch
}

func size(frames [][]byte) int {
	n := 0
	for _, f := range frames {
		n += len(f)
	}
	return n
}
