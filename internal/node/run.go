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
	// retryPause is the wait after the store failed what nobody asked for.
	retryPause = time.Second
)

// Run keeps the deadlines of all chats until ctx ends or the node is closed: those
// that this node has set on time, those set by other nodes within 15 seconds. Several
// nodes may try; the store lets one of them. A deadline that passed while no node ran
// is kept at once. Run also makes up for what the bus loses, if it is a [bus.Lossy].
func (n *Node) Run(ctx context.Context) {
	var looking sync.WaitGroup
	defer looking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.ctx, cancel)()
	looking.Go(func() { n.lookOut(ctx) })
	failing := false
	for swept := n.clock.Now(); ctx.Err() == nil; {
		n.alarm.Listen()
		at, err := n.keepDeadlines(ctx)
		if err != nil {
			at = n.clock.Now().Add(retryPause)
		}
		if err != nil && !failing && ctx.Err() == nil {
			n.log.Error("deadlines can't be kept; that is tried again until it can be done", "err", err)
		}
		failing = err != nil
		next := n.alarm.Plan(at)
		now := n.clock.Now()
		if now.Sub(swept) >= keepIdle {
			n.sweep(keepIdle)
			swept = now
		}
		timer := n.clock.NewTimer(next.Sub(now))
		select {
		case <-timer.Chan():
		case <-n.alarm.Rings():
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// keepDeadlines ticks the chats whose deadline has passed, and says when to look again.
func (n *Node) keepDeadlines(ctx context.Context) (time.Time, error) {
	for {
		due, err := n.store.Due(ctx, duePage)
		now := n.clock.Now()
		if err != nil {
			return time.Time{}, err
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
			return next, nil
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
			return time.Time{}, err
		}
	}
}
