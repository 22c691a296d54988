package chat

import "slices"

// Stop ends the chat from outside: StopContact (semantics.md 9.3). Stopping what has
// ended changes nothing. The contact of one participant (a supervisor, or an agent who
// was invited) ends with their leaving, and the conversation goes on.
type Stop struct {
	Contact ContactID // if zero, the chat's current contact
}

func (s Stop) decide(t *turn) error {
	k := t.chat.Current()
	if s.Contact != (ContactID{}) {
		k = t.chat.Find(s.Contact)
	}
	switch {
	case k == nil:
		return refuse(UnknownItem, "the chat has no such contact")
	case !k.Ended.IsZero():
		t.nothing()
	case k.Of == ParticipantID{}:
		t.end(CauseAPI)
	default:
		t.depart(t.chat.Participant(k.Of), "", CauseThirdParty)
	}
	return nil
}

// end emits participant.left for everybody who is seen, then chat.ended.
func (t *turn) end(cause Cause) {
	for _, p := range t.chat.people {
		if p.Presence == Present {
			t.leave(p, "", cause)
		}
	}
	t.finish(cause)
}

// finish emits chat.ended.
func (t *turn) finish(cause Cause) {
	t.append(Entry{Kind: KindEnded, Cause: cause})
	t.discardRest()
}

// dismiss takes everybody of the roles out of a chat that goes on.
func (t *turn) dismiss(cause Cause, roles ...Role) {
	for _, p := range t.chat.people {
		if slices.Contains(roles, p.Role) && p.Presence != Gone {
			t.leave(p, "", cause)
		}
	}
}

// over ends the conversation with those who served the customer: what the flow has for
// that begins (a survey, say), or the chat ends.
func (t *turn) over(cause Cause) {
	c := t.chat
	if c.Settings.Flow.Exit == 0 || c.flow.exits || c.Customer().Presence != Present {
		t.finish(cause)
		return
	}
	t.exit(nil, "", cause)
}

// exit begins what follows the conversation, in a contact of its own. If the customer has
// left the conversation so, by is the customer, and token the request's.
func (t *turn) exit(by *Author, token string, cause Cause) {
	t.dismiss(cause, Agent, Supervisor, CustomBot)
	t.begin(Segment{ID: t.newContact(), Method: MethodDisconnect}, Entry{By: by, Token: token, Cause: cause})
	t.runFlow(t.chat.Settings.Flow.Exit)
}

// begin makes the next contact of the chain the current one. The entry's cause is why the
// one before ends.
func (t *turn) begin(s Segment, e Entry) *Entry {
	t.contact = s.ID
	e.Kind, e.ID, e.Segment = KindContact, s.ID.ID, &s
	return t.append(e)
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

// set merges attributes that nobody can be told of that they are too many: then none is.
func (t *turn) set(attributes map[string]string) {
	if AttributesSize(merged(t.chat.Attributes, attributes)) <= MaxAttributes {
		t.append(Entry{Kind: KindAttributes, Attributes: attributes})
	}
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
