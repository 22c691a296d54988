package chat

import "time"

// tokens remembers what was answered to recent requests with a ClientToken.
type tokens struct {
	answers map[tokenKey]answer
	order   []remembered // oldest first, but for clocks of nodes that differ
	gone    int          // how many at the head of order are forgotten
}

type answer struct {
	id ID
	at time.Time
	// given is when: at is earlier if the answer is that of an older request.
	given time.Time
}

type remembered struct {
	key   tokenKey
	given time.Time
}

func (t *tokens) remember(key tokenKey, a answer) {
	if t.answers == nil {
		t.answers = make(map[tokenKey]answer)
	}
	t.answers[key] = a
	t.order = append(t.order, remembered{key, a.given})
}

func (t *tokens) forget(before time.Time) {
	for t.gone < len(t.order) && t.order[t.gone].given.Before(before) {
		if key := t.order[t.gone].key; t.answers[key].given.Before(before) { // not given again since
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
