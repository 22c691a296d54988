package node

import "github.com/parley-chat/parley/internal/chat"

// These are bounds that tests reach.
const (
	MaxWaiting, MaxAttempts, LoadPage = maxWaiting, maxAttempts, loadPage
	KeepIdle, PollEvery, RetryPause   = keepIdle, pollEvery, retryPause
	LookEvery, LookOften, Spread      = lookEvery, lookOften, spread
	Wary, LookPage                    = wary, lookPage
	MaxWorking, MaxAhead              = maxWorking, maxAhead
	Courtesy, Rivalry                 = courtesy, rivalry
	TurnWithin                        = turnWithin
)

// InMemory gives the number of chats that the node keeps in memory.
func (n *Node) InMemory() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.chats)
}

// Waiting gives the number of those who have, wait for or watch a chat.
func (n *Node) Waiting(id chat.ChatID) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.chats[id]; l != nil {
		return int(l.refs.Load())
	}
	return 0
}
