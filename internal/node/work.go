package node

import (
	"context"
	"errors"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// maxWorking is how many files a node has scanned at a time, and how many other jobs it
// does; the rest waits.
const maxWorking = 16

// Worker does the jobs that commands lead to: it has a file scanned, say.
type Worker interface {
	// Work does a job, and gives the command that tells the chat what came of it, or
	// nil if there is nothing to tell. It ends soon after ctx. A job may be given to it
	// again, on another node, if nothing was told in time.
	Work(ctx context.Context, id chat.ChatID, job chat.Job) chat.Command
}

// task is a job of a chat.
type task struct {
	chat chat.ChatID
	job  chat.Job
}

// desk knows what a node works on.
type desk struct {
	scanning, working chan struct{} // a place for each job under way

	mu   sync.Mutex
	open map[task]bool // under way, or waiting
}

func newDesk() desk {
	return desk{
		scanning: make(chan struct{}, maxWorking), working: make(chan struct{}, maxWorking), open: make(map[task]bool),
	}
}

// take reports whether a task is new, and opens it.
func (d *desk) take(t task) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	had := d.open[t]
	d.open[t] = true
	return !had
}

func (d *desk) done(t task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, t)
}

// work has a job done behind the caller's back. One that is asked for again meanwhile is
// done once: it waits for a place, say.
func (n *Node) work(id chat.ChatID, job chat.Job) {
	t := task{id, job}
	if n.worker == nil || !n.desk.take(t) {
		return
	}
	places := n.desk.working
	if job.Kind == chat.JobScan {
		places = n.desk.scanning
	}
	n.behind(func() {
		defer n.desk.done(t)
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		case <-n.ctx.Done():
			return
		}
		if cmd := n.worker.Work(n.ctx, id, job); cmd != nil && n.ctx.Err() == nil {
			n.report(id, cmd)
		}
	})
}

// report tells the chat what came of a job. If that fails for long, the job's deadline
// passes, and the rules say what then.
func (n *Node) report(id chat.ChatID, cmd chat.Command) {
	const attempts = 5
	for range attempts {
		_, err := n.Do(n.ctx, id, cmd)
		var refused *chat.Refusal
		if err == nil || errors.As(err, &refused) || n.ctx.Err() != nil {
			return
		}
		n.log.Warn("what came of a job can't be stored yet", "chat", id, "err", err)
		n.pause(retryPause)
	}
}
