package chat

import (
	"testing"
	"time"
)

// A chat that is busy for days remembers an hour of tokens, and no more room than
// twice that.
func TestTokensForget(t *testing.T) {
	var k tokens
	now := time.UnixMilli(0)
	for i := range 100_000 {
		now = now.Add(time.Second)
		k.forget(now.Add(-TokenWindow))
		k.remember(tokenKey{byte(i), byte(i >> 8), byte(i >> 16)}, answer{given: momentOf(now)})
	}
	hour := int(TokenWindow / time.Second)
	if len(k.answers) != hour+1 || len(k.order) > 2*(hour+1) {
		t.Errorf("%d answers in a list of %d, want %d in at most twice that", len(k.answers), len(k.order), hour+1)
	}
}

// A receipt that is repeated long after its first time is answered from memory again.
func TestKeepRemembersFromNowOn(t *testing.T) {
	c := New(ChatID{})
	old, now := time.UnixMilli(0), time.UnixMilli(0).Add(10*TokenWindow)
	for range 1000 {
		c.Keep(Outcome{At: old, kept: tokenKey{1}, keptAt: now})
	}
	c.tokens.forget(now.Add(-TokenWindow))
	if a, ok := c.tokens.answers[tokenKey{1}]; !ok || !a.at.time().Equal(old) {
		t.Errorf("the answer is %v, %v", a, ok)
	}
}
