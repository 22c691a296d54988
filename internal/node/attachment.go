package node

import (
	"context"
	"errors"

	"github.com/parley-chat/parley/internal/chat"
)

// maxPast bounds how many past chats a chat may continue (semantics.md 5).
const maxPast = 100

// Attachment finds a file that can be downloaded, in a chat or in the past ones that it
// continues, and the chat that it is of. If there is none, the error is the refusal
// [chat.UnknownItem].
func (n *Node) Attachment(ctx context.Context, id chat.ChatID, file chat.ID) (of chat.ChatID, f chat.File, err error) {
	in := &id
	for range maxPast {
		of = *in
		found := false
		err := n.View(ctx, of, func(c *chat.Chat) error {
			f, found = c.Attachment(file)
			in = nil
			if c.Past != nil {
				in = &c.Past.Chat
			}
			return nil
		})
		if of != id && errors.Is(err, ErrNotFound) {
			break // it was deleted since
		}
		if found || err != nil {
			return of, f, err
		}
		if in == nil {
			break
		}
	}
	return of, f, &chat.Refusal{Reason: chat.UnknownItem,
		Detail: "AttachmentId names no attachment of this chat that can be downloaded; take it from an item whose Status is APPROVED"}
}
