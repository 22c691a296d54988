// Package chat holds the rules of a chat, and nothing else.
//
// A chat is one customer's conversation from start to end, across transfers. It
// is an append-only log of [Entry] values, and a [Chat] is the fold of that log:
//
//	Decide(chat, command, now, ids) -> Outcome (entries to append, signals to send), or a Refusal
//	chat.Apply(entries)             -> the chat after them; never refuses
//
// The package has no clock, no input or output, no goroutine and no randomness:
// time and ids are arguments, and what should happen later is data
// ([Chat.Deadline]). Decide never changes the chat it is given, so a caller may
// throw its outcome away and decide again, as it must when another node was
// faster.
//
// A chat is a chain of contacts ([Contact]): a transfer begins the next one, and what
// follows the conversation is one too. Supervisors, and agents who are invited to a
// conversation that goes on, have a contact of their own beside it.
//
// What happens besides people is a [Flow], which the chat keeps from its start. Whatever
// happens by itself (timers, missed invitations, the flow's waits) has a place in one list,
// deadline.go, and happens with a [Tick]. Work that takes more than rules is a [Job].
//
// Times inside a chat have whole milliseconds and strictly increase from entry
// to entry, so that a client that sorts by AbsoluteTime sees the order of the
// log (docs/compatibility.md, "Order and time").
package chat
