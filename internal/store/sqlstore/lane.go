package sqlstore

import "runtime"

// maxGroup is how many batches share a transaction at most.
const maxGroup = 512

// committer writes batches to a database.
type committer interface {
	// write stores the batches in one transaction if it can, and answers their callers.
	write(group []*batch)
	// close releases what the committer has.
	close() error
}

// lane is a queue of batches and who writes them, on a goroutine of its own.
type lane struct {
	committer committer
	queue     chan *batch
	done      chan struct{} // closed when the last batch was answered
}

// run writes what comes in, until the queue is closed and empty.
func (l *lane) run() {
	var group []*batch
	for b := range l.queue {
		// Those who are about to append get the chance to: a larger group costs less.
		runtime.Gosched()
		group = collect(append(group[:0], b), l.queue)
		l.committer.write(group)
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
