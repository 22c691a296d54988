package node

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// pollEvery bounds how late a deadline is kept that another node has set.
	pollEvery = 15 * time.Second
	// keepIdle is how long a chat stays in memory unused.
	keepIdle = 5 * time.Minute
	// duePage is how many deadlines are looked at together, and tickers how many
	// ticks are under way at once, so that they share commits.
	duePage, tickers = 256, 32
	// retryPause is the wait after a deadline could not be kept.
	retryPause = time.Second
)

// alarm wakes Run earlier than it planned.
type alarm struct {
	ring chan struct{}

	mu     sync.Mutex
	next   time.Time // when Run will look again
	doubts []chat.ChatID
}

// set says that a chat has a deadline.
func (a *alarm) set(at time.Time) {
	a.mu.Lock()
	early := !at.IsZero() && at.Before(a.next)
	a.mu.Unlock()
	if early {
		a.wake()
	}
}

// doubt says that it is unknown whether a chat has grown.
func (a *alarm) doubt(id chat.ChatID) {
	a.mu.Lock()
	a.doubts = append(a.doubts, id)
	a.mu.Unlock()
	a.wake()
}

func (a *alarm) wake() {
	select {
	case a.ring <- struct{}{}:
	default:
	}
}

func (a *alarm) plan(next time.Time) {
	a.mu.Lock()
	a.next = next
	a.mu.Unlock()
}

func (a *alarm) takeDoubts() []chat.ChatID {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := a.doubts
	a.doubts = nil
	return ids
}

// Run keeps the deadlines of all chats until ctx ends: those of this node's chats on
// time, those set by other nodes within 15 seconds. Several nodes may try; the store
// lets one of them. A deadline that passed while no node ran is kept at once.
func (n *Node) Run(ctx context.Context) {
	for swept := n.clock.Now(); ctx.Err() == nil; {
		n.resolve(ctx)
		next := n.keepDeadlines(ctx)
		if now := n.clock.Now(); now.Sub(swept) >= keepIdle {
			n.sweep(keepIdle)
			swept = now
		}
		n.alarm.plan(next)
		timer := n.clock.NewTimer(next.Sub(n.clock.Now()))
		select {
		case <-timer.Chan():
		case <-n.alarm.ring:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// keepDeadlines ticks the chats whose deadline has passed, and says when to look again.
func (n *Node) keepDeadlines(ctx context.Context) time.Time {
	// What is set from here on may be earlier than all we see.
	n.alarm.plan(n.clock.Now().Add(pollEvery))
	for {
		due, err := n.store.Due(ctx, duePage)
		now := n.clock.Now()
		if err != nil {
			if ctx.Err() == nil {
				n.log.Error("deadlines can't be read", "err", err)
			}
			return now.Add(retryPause)
		}
		late := 0
		for late < len(due) && !due[late].At.After(now) {
			late++
		}
		if late == 0 {
			next := now.Add(pollEvery)
			if len(due) > 0 && due[0].At.Before(next) {
				next = due[0].At
			}
			return next
		}
		var g errgroup.Group
		g.SetLimit(tickers)
		for _, d := range due[:late] {
			g.Go(func() error {
				_, err := n.Do(ctx, d.Chat, chat.Tick{})
				return err
			})
		}
		if err := g.Wait(); err != nil {
			if ctx.Err() == nil {
				n.log.Error("a deadline could not be kept; it will be tried again", "err", err)
			}
			return now.Add(retryPause)
		}
	}
}

// resolve finds out whether appends with an open outcome happened, and tells those
// who watch.
func (n *Node) resolve(ctx context.Context) {
	for _, id := range n.alarm.takeDoubts() {
		err := n.View(ctx, id, func(*chat.Chat) error { return nil })
		if err == nil || err == ErrNotFound || ctx.Err() != nil {
			continue
		}
		n.wg.Go(func() {
			n.pause(n.ctx, retryPause)
			n.alarm.doubt(id)
		})
	}
}
