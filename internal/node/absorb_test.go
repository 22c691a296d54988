package node_test

import (
	"testing"
	"testing/synctest"

	"github.com/parley-chat/parley/internal/node"
)

// reads counts how often entries are read.
func (w *world) reads() *int {
	n := new(int)
	w.store.onRead(func(what string) error {
		if what == "Entries" {
			*n++
		}
		return nil
	})
	return n
}

// Where a chat is watched, what another node has told of it need not be read before the
// next command, also when that is found out by a conflict; too much of it is read.
func TestWhatWasToldIsNotRead(t *testing.T) {
	playLossy(t, 2, func(w *world) {
		id, jane := w.start()
		all := []*watcher{w.watch(0, id), w.watch(1, id)}
		w.pass(node.LookEvery)
		n := w.reads()
		for range 3 * node.MaxAhead {
			for i := range 2 {
				w.do(i, id, say(jane, "ping", ""))
				synctest.Wait()
			}
		}
		for range node.MaxAhead {
			w.do(0, id, say(jane, "and", ""))
		}
		synctest.Wait()
		w.store.next(after(func() {
			w.do(0, id, say(jane, "first", ""))
			synctest.Wait()
		}))
		w.do(1, id, say(jane, "second", ""))
		if *n != 0 {
			w.Errorf("%d reads of what was told", *n)
		}
		for range node.MaxAhead + 1 {
			w.do(0, id, say(jane, "much", ""))
		}
		synctest.Wait()
		w.do(1, id, say(jane, "enough", ""))
		if *n != 1 {
			w.Errorf("%d reads of more than is kept", *n)
		}
		synctest.Wait()
		for _, r := range all {
			w.saw(r, id)
		}
	})
}

// What a conflict tells need not be read either, nor told by the bus.
func TestConflictTellsWhatWasMissed(t *testing.T) {
	play(t, 2, func(w *world) {
		id, jane := w.start()
		w.watch(0, id) // or it would read before it says something
		r := w.watch(1, id)
		w.bus.onPublish(drop)
		n := w.reads()
		w.store.next(after(func() { w.do(0, id, say(jane, "first", "")) }))
		w.do(1, id, say(jane, "second", ""))
		if *n != 0 {
			w.Errorf("%d reads of what the conflict told", *n)
		}
		w.saw(r, id)
	})
}

// What is told with a gap is read.
func TestGapIsRead(t *testing.T) {
	playLossy(t, 2, func(w *world) {
		id, jane := w.start()
		r := w.watch(1, id)
		w.lossy[1].lose(false)
		w.do(0, id, say(jane, "lost", ""))
		w.lossy[1].mend()
		w.do(0, id, say(jane, "told", ""))
		w.do(1, id, say(jane, "answer", ""))
		synctest.Wait()
		w.saw(r, id)
	})
}
