package chat

// Past is a chat that this one continues: from a contact of it back (semantics.md 5).
type Past struct {
	Chat    ChatID    `json:"chat"`
	Contact ContactID `json:"contact"`
}

// Rehydrate has the chat continue a past one: CreatePersistentContactAssociation
// (semantics.md 9.7). It works once.
type Rehydrate struct {
	Past  Past
	Token string
}

func (r Rehydrate) decide(t *turn) error {
	switch {
	case t.repeated(ParticipantID{}, r.Token, keyPast, ""):
		return nil
	case t.chat.Ended():
		return refuse(Ended, "the chat has ended; it can't continue a past one any more")
	case t.chat.Past != nil:
		return refuse(AlreadyDone, "the chat continues a past one already; that can be said once")
	case r.Past.Chat == t.chat.ID:
		return refuse(WrongState, "SourceContactId is a contact of the same chat; name one of a past chat")
	}
	t.append(Entry{Kind: KindRehydrated, Past: &r.Past, Token: r.Token})
	return nil
}
