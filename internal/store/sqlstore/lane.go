package sqlstore

import (
	"runtime"
	"time"
)

// maxGroup is how many batches share a transaction at most.
const maxGroup = 512

// committer writes batches to a database.
type committer interface {
	// write stores the batches in one transaction if it can, and answers their callers.
	write(group []*batch)
	// close releases what the committer has.
	close() error
}

// overlap is how long the next group waits for the one before it, to get larger: a
// transaction costs as much as ten appends do. So there is one at a time while commits
// are fast, and several when they are slow.
const overlap = 10 * time.Millisecond

// lane is somebody who writes, on a goroutine of its own. All take from one queue.
type lane struct {
	committer committer
	queue     <-chan *batch
	turn      chan struct{} // has one token; whoever gets it forms the next group
	done      chan struct{} // closed when the lane has ended
	tally     *tally
}

// run writes what comes in, until the queue is closed and empty. A lane keeps the turn
// unless it is slow, so that the others' connections are made only if they are needed.
func (l *lane) run() {
	defer close(l.done)
	var group []*batch
	for ours := false; ; {
		if !ours {
			<-l.turn
		}
		b, ok := <-l.queue
		if !ok {
			l.turn <- struct{}{}
			return
		}
		// Those who are about to append get the chance to: a larger group costs less.
		runtime.Gosched()
		group = collect(append(group[:0], b), l.queue)
		l.tally.group(len(group))
		slow := time.AfterFunc(overlap, func() { l.turn <- struct{}{} })
		l.committer.write(group)
		ours = slow.Stop()
		clear(group)
	}
}

// collect adds what is waiting, without waiting for more.
func collect(group []*batch, queue <-chan *batch) []*batch {
	for len(group) < maxGroup {
		select {
		case b, ok := <-queue:
			if !ok {
				return group
			}
			group = append(group, b)
		default:
			return group
		}
	}
	return group
}
