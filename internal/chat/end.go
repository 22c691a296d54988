package chat

import "maps"

// Stop ends the chat from outside: StopContact (semantics.md 9.3). Stopping an
// ended chat changes nothing.
type Stop struct{}

func (Stop) decide(t *turn) error {
	if t.chat.Ended() {
		t.nothing()
		return nil
	}
	t.end(CauseAPI)
	return nil
}

// Tick says that the time is now; it does what Deadline announced, and nothing
// when it comes too early.
type Tick struct{}

func (Tick) decide(t *turn) error {
	switch due := t.chat.Deadline(); {
	case !t.chat.Overdue(t.now):
		t.nothing()
	case due.Equal(t.chat.Expiry()):
		t.end(CauseExpired)
	default:
		t.end(CauseNotConnected)
	}
	return nil
}

// end emits participant.left for everybody who is seen, then chat.ended.
func (t *turn) end(cause Cause) {
	for _, p := range t.chat.people {
		if p.Presence == Present {
			t.append(Entry{Kind: KindLeft, By: &p.Author, Cause: cause})
		}
	}
	t.append(Entry{Kind: KindEnded, Cause: cause})
}

// UpdateAttributes merges contact attributes (semantics.md 9.5). It works on ended
// chats too.
type UpdateAttributes struct {
	Attributes map[string]string
}

func (u UpdateAttributes) decide(t *turn) error {
	merged := maps.Clone(t.chat.Attributes)
	maps.Copy(merged, u.Attributes)
	if AttributesSize(merged) > MaxAttributes {
		return refuse(BadContent, "Attributes would be larger than 32768 bytes in total")
	}
	if len(u.Attributes) == 0 {
		t.nothing()
		return nil
	}
	t.append(Entry{Kind: KindAttributes, Attributes: u.Attributes})
	return nil
}

// MaxAttributes is the size of all contact attributes, keys and values, in bytes.
const MaxAttributes = 32768

// AttributesSize is what MaxAttributes bounds.
func AttributesSize(attributes map[string]string) int {
	total := 0
	for k, v := range attributes {
		total += len(k) + len(v)
	}
	return total
}
