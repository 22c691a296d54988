package chat

// WithoutAnswers gives the chat without what it remembers of requests: what Keep kept is
// in no log.
func (c *Chat) WithoutAnswers() Chat {
	bare := *c
	bare.tokens = tokens{}
	return bare
}
