package chat

import (
	"fmt"
	"slices"
	"strings"
)

// SendMessage adds a MESSAGE (semantics.md 3.11).
type SendMessage struct {
	By      ParticipantID
	Content Content
	Token   string
}

func (m SendMessage) decide(t *turn) error {
	if t.repeated(m.By, m.Token, m.Content.Type, m.Content.Text) {
		return nil
	}
	p, err := t.speaker(m.By)
	if err != nil {
		return err
	}
	if !t.chat.takes(m.Content.Type, p.Role) {
		return refuse(UnsupportedContentType, fmt.Sprintf(
			"ContentType %q is not supported by this contact; it takes %s (SupportedMessagingContentTypes of StartChatContact)",
			m.Content.Type, strings.Join(t.chat.Settings.ContentTypes, ", ")))
	}
	t.append(Entry{Kind: KindMessage, By: &p.Author, Token: m.Token, Content: &m.Content})
	return nil
}

// takes reports whether a participant of the role may send the content type:
// customers answer interactive messages and send none.
func (c *Chat) takes(contentType string, r Role) bool {
	if contentType == TypeInteractive && r == Customer {
		return false
	}
	return slices.Contains(c.Settings.ContentTypes, contentType)
}
