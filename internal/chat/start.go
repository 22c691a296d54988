package chat

// Start begins a chat: StartChatContact (semantics.md 9.1). The ids of the
// customer and of SYSTEM are made here; the other settings are the caller's.
type Start struct {
	Settings Settings
	// Past is the chat to continue; nil if there is none.
	Past *Past
}

func (s Start) decide(t *turn) error {
	if t.chat.Started() {
		// The same ClientToken names the same chat, so this is its repetition.
		t.answer(t.chat.Settings.Customer.ID.ID, t.chat.StartedAt)
		t.out.Repeated = true
		return nil
	}
	set := s.Settings
	set.Customer.ID = ParticipantID{t.ids(t.now)}
	set.Customer.Role = Customer
	set.System = Author{ID: ParticipantID{t.ids(t.now)}, Role: System, Name: "SYSTEM_MESSAGE"}
	if set.Minutes == 0 {
		set.Minutes = DefaultMinutes
	}
	if len(set.ContentTypes) == 0 {
		set.ContentTypes = []string{TypePlain}
	}
	t.contact = t.chat.ID.FirstContact()
	e := t.append(Entry{Kind: KindStarted, Started: &set, Past: s.Past})
	t.answer(set.Customer.ID.ID, e.At)
	return nil
}
