package throttle

import (
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/client/internal/recent"
)

const (
	receiptsEvery = 5 * time.Second
	deliveredWait = 300 * time.Millisecond // a read that comes meanwhile stands for both
)

// Receipts sends the newest receipt of each kind, at most every 5 seconds. It has no
// goroutine: one of those who wait sends for all.
type Receipts struct {
	clock clockwork.Clock
	send  Send
	place Place

	mu   sync.Mutex
	next time.Time // when receipts may be sent again
	// What waits to be sent; nil if nothing does.
	read, delivered *batch
	// What was sent, is to be sent, or is stood for by something newer.
	didRead, didDeliver recent.Map[string, bool]
}

// Send sends the receipt of a message: that it was read, or else delivered.
type Send func(ctx context.Context, read bool, message string) error

// Place gives where a message is in its chat, as a text that sorts; it is empty if that
// is not known.
type Place func(message string) string

// batch is a receipt that is to be sent, and all those that it stands for.
type batch struct {
	read     bool
	messages []string
	newest   string        // of the messages: the one to be sent
	waiting  int           // who waits; guarded by Receipts.mu
	done     chan struct{} // closed when it was sent, or not: err says
	err      error
}

// NewReceipts makes Receipts that send by a function. Programs that mark each message on a
// goroutine of its own do so in any order, so another says which message is newer; of
// those whose place is unknown, the one that is marked last is.
func NewReceipts(clock clockwork.Clock, send Send, place Place) *Receipts {
	return &Receipts{clock: clock, send: send, place: place}
}

// Read has a message marked as read. It returns when that was sent, or a newer one that
// stands for it, with what sending has led to; or when ctx ends. For a message that was
// marked before it returns at once.
func (r *Receipts) Read(ctx context.Context, message string) error {
	return r.mark(ctx, true, message)
}

// Delivered has a message marked as delivered, unless it is read meanwhile; see Read.
func (r *Receipts) Delivered(ctx context.Context, message string) error {
	select {
	case <-r.clock.After(deliveredWait):
		return r.mark(ctx, false, message)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Receipts) mark(ctx context.Context, read bool, message string) error {
	b := r.join(read, message)
	if b == nil {
		return nil
	}
	defer r.leave(b)
	for {
		due, pause := r.take()
		for _, d := range due {
			r.try(ctx, d)
		}
		select {
		case <-b.done:
			return b.err
		case <-r.clock.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// slot has the batch of a kind that waits, and which messages were marked so.
func (r *Receipts) slot(read bool) (**batch, *recent.Map[string, bool]) {
	if read {
		return &r.read, &r.didRead
	}
	return &r.delivered, &r.didDeliver
}

// join makes a message the newest of what waits; nil if it was marked before.
func (r *Receipts) join(read bool, message string) *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	slot, did := r.slot(read)
	if did.Get(message) || r.didRead.Get(message) {
		return nil
	}
	did.Put(message, true)
	if *slot == nil {
		*slot = &batch{read: read, done: make(chan struct{})}
	}
	b := *slot
	b.messages = append(b.messages, message)
	if at := r.place(message); at == "" || at >= r.place(b.newest) {
		b.newest = message
	}
	b.waiting++
	return b
}

// leave ends a wait. What nobody waits for any more is not sent.
func (r *Receipts) leave(b *batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.waiting--
	if slot, _ := r.slot(b.read); *slot == b && b.waiting == 0 {
		*slot = nil
		r.forget(b)
	}
}

// forget lets the messages of a batch be marked again. It is called with mu held.
func (r *Receipts) forget(b *batch) {
	_, did := r.slot(b.read)
	for _, m := range b.messages {
		did.Drop(m)
	}
}

// take gives what is to be sent now, or says when to ask again.
func (r *Receipts) take() (due []*batch, pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	if now.Before(r.next) {
		return nil, r.next.Sub(now)
	}
	if r.read != nil {
		due = append(due, r.read)
	}
	if d := r.delivered; d != nil && r.didRead.Get(d.newest) {
		close(d.done)
	} else if d != nil {
		due = append(due, d)
	}
	r.read, r.delivered = nil, nil
	if len(due) > 0 {
		r.next = now.Add(receiptsEvery)
	}
	return due, receiptsEvery
}

// try sends a batch. If whoever sends gives up, somebody else may.
func (r *Receipts) try(ctx context.Context, b *batch) {
	err := r.send(ctx, b.read, b.newest)
	r.mu.Lock()
	defer r.mu.Unlock()
	slot, _ := r.slot(b.read)
	if err != nil && ctx.Err() != nil && *slot == nil && b.waiting > 1 {
		*slot, r.next = b, time.Time{}
		return
	}
	if err != nil {
		r.forget(b)
	}
	b.err = err
	close(b.done)
}
