package node

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// Items reads a part of a chat's transcript for those who look after chats from outside:
// they need not be in it, it may be over, and what only some may see is not left out.
func (n *Node) Items(ctx context.Context, id chat.ChatID, q store.Query) ([]chat.Entry, error) {
	items, err := n.store.Items(ctx, id, q)
	return items, busy(err)
}
