package node

import (
	"context"
	"time"
)

const (
	// courtesy is how long a node that had the last word in a chat lets a rival go first: a
	// rival that was not heard of for so long, also on busy nodes, has nothing to say.
	courtesy = 50 * time.Millisecond
	// rivalry is how long a node is a rival after it was faster.
	rivalry = time.Second
)

// giveWay waits for a rival's entry, if this node had the last word in a chat that another
// one appends to as well. Where both append whenever they can, each entry of one makes the
// other's attempt fail: it costs less to take turns. People hardly notice: they seldom
// compete, and a rival who falls silent is waited for once.
func (n *Node) giveWay(ctx context.Context, l *live) {
	if l.ours != l.chat.Seq || l.feed.known.Load() > l.chat.Seq || time.Since(l.lost) > rivalry {
		return
	}
	timer := time.NewTimer(courtesy)
	defer timer.Stop()
	for l.feed.known.Load() <= l.chat.Seq {
		select {
		case <-l.feed.more:
		case <-timer.C:
			l.lost = time.Time{}
			return
		case <-ctx.Done():
			return
		}
	}
	l.lost = time.Now()
}
