// Package recent has a map that forgets what is old.
package recent

// kept is how many of the entries put last are kept at least; twice as many at most.
const kept = 4096

// Map is a map of what was put into it lately. The zero Map is empty.
type Map[K comparable, V any] struct{ now, before map[K]V }

// Get gives the value of a key, the zero value if it is unknown or forgotten.
func (m *Map[K, V]) Get(k K) V {
	if v, ok := m.now[k]; ok {
		return v
	}
	return m.before[k]
}

// Put sets the value of a key.
func (m *Map[K, V]) Put(k K, v V) {
	if m.now == nil {
		m.now = make(map[K]V)
	}
	if m.now[k] = v; len(m.now) >= kept {
		m.before, m.now = m.now, nil
	}
}

// Drop forgets a key.
func (m *Map[K, V]) Drop(k K) {
	delete(m.now, k)
	delete(m.before, k)
}
