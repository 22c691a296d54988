package chat

import "slices"

// Stop ends the chat from outside: StopContact (semantics.md 9.3). Stopping an
// ended chat changes nothing. The contact of one participant (a supervisor, or an agent
// who was invited) ends with their leaving, and the conversation goes on.
type Stop struct {
	Contact ContactID
}

func (s Stop) decide(t *turn) error {
	k := t.chat.Find(s.Contact)
	if t.chat.Ended() || k != nil && !k.Ended.IsZero() {
		t.nothing()
		return nil
	}
	if k == nil || k.Of == (ParticipantID{}) {
		t.end(CauseAPI)
		return nil
	}
	t.depart(t.chat.Participant(k.Of), "", CauseThirdParty)
	return nil
}

// end emits participant.left for everybody who is seen, then chat.ended.
func (t *turn) end(cause Cause) {
	t.dismiss(cause, Customer, Agent, Supervisor, CustomBot)
	t.append(Entry{Kind: KindEnded, Cause: cause})
}

// dismiss takes everybody of the roles out of the chat: those who are seen with
// participant.left; the others' tokens are simply dead where the chat goes on.
func (t *turn) dismiss(cause Cause, roles ...Role) {
	whole := slices.Contains(roles, Customer)
	for _, p := range t.chat.people {
		if slices.Contains(roles, p.Role) && (p.Presence == Present || p.Presence == Invited && !whole) {
			t.leave(p, "", cause)
		}
	}
}

// over ends the conversation with those who served the customer: what the flow has for
// that begins (a survey, say), or the chat ends.
func (t *turn) over(cause Cause) {
	exit := t.chat.Settings.Flow.Exit
	if exit == 0 || t.chat.flow.exits || t.chat.Customer().Presence != Present {
		t.append(Entry{Kind: KindEnded, Cause: cause})
		return
	}
	t.dismiss(cause, Agent, Supervisor, CustomBot)
	t.begin(t.newContact(), MethodDisconnect, cause, "")
	t.runFlow(exit)
}

// begin makes the next contact of the chain the current one. cause is why the one
// before ends.
func (t *turn) begin(id ContactID, m Method, cause Cause, token string) *Entry {
	t.contact = id
	return t.append(Entry{Kind: KindContact, ID: id.ID, Segment: &Segment{ID: id, Method: m}, Cause: cause, Token: token})
}

func (t *turn) newContact() ContactID { return ContactID{t.ids(t.now)} }

// UpdateAttributes merges contact attributes (semantics.md 9.5). It works on ended
// chats too.
type UpdateAttributes struct {
	Attributes map[string]string
}

func (u UpdateAttributes) decide(t *turn) error {
	if AttributesSize(merged(t.chat.Attributes, u.Attributes)) > MaxAttributes {
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
