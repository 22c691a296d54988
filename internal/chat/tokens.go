package chat

import "time"

// tokens remembers what was answered to recent requests with a ClientToken.
type tokens struct {
	answers map[tokenKey]answer
	order   []remembered // oldest first, but for clocks of nodes that differ
	gone    int          // how many at the head of order are forgotten
}

// answer has no pointer, like an item: there is one for each message of the last hour.
type answer struct {
	id ID
	at moment
	// given is when: at is earlier if the answer is that of an older request.
	given moment
}

type remembered struct {
	key   tokenKey
	given moment
}

func (t *tokens) remember(key tokenKey, a answer) {
	if t.answers == nil {
		t.answers = make(map[tokenKey]answer)
	}
	t.answers[key] = a
	t.order = append(t.order, remembered{key, a.given})
}

func (t *tokens) forget(old time.Time) {
	before := momentOf(old)
	for t.gone < len(t.order) && t.order[t.gone].given < before {
		if key := t.order[t.gone].key; t.answers[key].given < before { // not given again since
			delete(t.answers, key)
		}
		t.gone++
	}
	// Moved only when it is worth it: a busy chat forgets something with every entry.
	if t.gone > len(t.order)/2 {
		t.order = append(t.order[:0], t.order[t.gone:]...)
		t.gone = 0
	}
}
