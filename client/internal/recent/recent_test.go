package recent

import "testing"

func TestMap(t *testing.T) {
	var m Map[int, int]
	for i := range 3 * kept {
		m.Put(i, -i)
		for _, back := range []int{0, kept - 1} {
			if j := max(0, i-back); m.Get(j) != -j {
				t.Fatalf("after %d, the value of %d is %d", i, j, m.Get(j))
			}
		}
	}
	if m.Get(1) != 0 {
		t.Error("nothing was forgotten")
	}
	if n := len(m.now) + len(m.before); n > 2*kept {
		t.Errorf("%d are kept", n)
	}
	m.Drop(3*kept - 1)
	if m.Get(3*kept-1) != 0 {
		t.Error("what was dropped is there")
	}
}
