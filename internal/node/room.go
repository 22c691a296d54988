package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// censusAge is how old a count of the active chats may be.
const censusAge = time.Second

// census knows how many chats of each instance go on: by the store as of a moment ago,
// and by what this node has started since. Several nodes that start chats at the same
// moment may so exceed the limit by a few.
type census struct {
	mu     sync.Mutex
	counts map[string]int
	taken  map[string]time.Time // when the store was asked
}

// takeSeat counts one more active chat, or says that there is no room for one. Without
// a limit there always is.
func (n *Node) takeSeat(ctx context.Context, instance string) (bool, error) {
	if n.maxChats == 0 {
		return true, nil
	}
	c := &n.census
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := n.clock.Now(); c.taken[instance].IsZero() || now.Sub(c.taken[instance]) >= censusAge {
		yes := true
		found, err := n.store.Search(ctx, store.Search{Instance: instance, Active: &yes})
		if err != nil {
			return false, busy(err)
		}
		c.counts[instance], c.taken[instance] = found.Total, now
	}
	if c.counts[instance] >= n.maxChats {
		return false, nil
	}
	c.counts[instance]++
	return true, nil
}

// leaveSeat takes it back that a chat was started.
func (n *Node) leaveSeat(instance string) {
	n.census.mu.Lock()
	defer n.census.mu.Unlock()
	n.census.counts[instance]--
}

// exists returns ErrFull if there is no such chat.
func (n *Node) exists(ctx context.Context, id chat.ChatID) error {
	err := n.View(ctx, id, func(*chat.Chat) error { return nil })
	if errors.Is(err, ErrNotFound) {
		return ErrFull
	}
	return err
}
