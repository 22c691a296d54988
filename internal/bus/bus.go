// Package bus is the contract of what tells the nodes that a chat has grown.
//
// A bus may lose, repeat and reorder notices: whoever receives them compares Seq
// with what it has, and reads what it missed from the store. The implementations are
// localbus, for one process, and natsbus; package bustest is the suite.
package bus

import "github.com/parley-chat/parley/internal/chat"

// Notice says what is new in a chat. The entries are durable before the notice is
// published and have consecutive Seq. Receivers must not change it.
type Notice struct {
	Chat chat.ChatID
	// Seq is that of the last entry the publisher knows to be stored, 0 if it doesn't
	// say. Whoever has less, with the entries of the notice, reads the rest from the
	// store: a bus may leave out entries that are too large for it.
	Seq     int64
	Entries []chat.Entry
	Signals []chat.Signal
}

// Bus carries notices between nodes, at most once by design.
type Bus interface {
	// Publish hands a notice to every subscription of its chat, the publisher's
	// own included. It does not wait for receivers on other nodes and reports no loss.
	// A signal that comes late is worth nothing: the bus may drop it.
	Publish(n Notice)

	// Subscribe calls receive for each notice of the chat until cancel is called.
	// Calls for one subscription come one at a time. receive must not block: it runs
	// on a publisher's goroutine or on the bus's only one; it may publish, subscribe
	// and cancel. A notice published after cancel has returned is not received; a call
	// that was under way may still be. cancel does not wait for it, so it may be called
	// from within receive, and more than once. What another node publishes in the first
	// moment of a subscription may be lost like anything else.
	Subscribe(id chat.ChatID, receive func(Notice)) (cancel func(), err error)

	// Close ends all subscriptions. Later notices go nowhere, and Subscribe fails.
	Close() error
}

// Lossy is what a [Bus] is besides that may lose notices. One that isn't loses none,
// and whoever has subscribed need never ask the store whether it did.
type Lossy interface {
	// Health reports whether notices get through at present, as far as the bus knows.
	// changed is closed when that is another, and when the bus finds that notices were
	// lost, a few times a second at most: then it is time to look into the store, and
	// to ask for Health again.
	Health() (well bool, changed <-chan struct{})
}
