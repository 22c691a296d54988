// Package bus is the contract of what tells the nodes that a chat has grown.
//
// A bus may lose, repeat and reorder notices: whoever receives them compares Seq
// with what it has, and reads what it missed from the store. The implementation
// for one process is localbus; package bustest is the suite.
package bus

import "github.com/parley-chat/parley/internal/chat"

// Notice says what is new in a chat. The entries are durable before the notice is
// published and have consecutive Seq. Receivers must not change it.
type Notice struct {
	Chat    chat.ChatID
	Entries []chat.Entry
	Signals []chat.Signal
}

// Bus carries notices between nodes, at most once by design.
type Bus interface {
	// Publish hands a notice to every subscription of its chat, the publisher's
	// own included. It does not wait for receivers and reports no loss.
	Publish(n Notice)

	// Subscribe calls receive for each notice of the chat until cancel is called.
	// Calls for one subscription come one at a time. receive must not block: it runs
	// on a publisher's goroutine or on the bus's only one; it may publish, subscribe
	// and cancel. A notice published after cancel has returned is not received; a call
	// that was under way may still be. cancel does not wait for it, so it may be called
	// from within receive, and more than once.
	Subscribe(id chat.ChatID, receive func(Notice)) (cancel func(), err error)

	// Close ends all subscriptions. Later notices go nowhere, and Subscribe fails.
	Close() error
}
