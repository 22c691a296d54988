package node

import (
	"context"
	"errors"

	"github.com/parley-chat/parley/internal/chat"
)

// maxWorking is how many jobs a node does at a time; others wait.
const maxWorking = 16

// Worker does the jobs that commands lead to: it has a file scanned, say.
type Worker interface {
	// Work does a job, and gives the command that tells the chat what came of it, or
	// nil if there is nothing to tell. It ends soon after ctx. A job may be given to it
	// again, on another node, if nothing was told in time.
	Work(ctx context.Context, id chat.ChatID, job chat.Job) chat.Command
}

// work has a job done behind the caller's back.
func (n *Node) work(id chat.ChatID, job chat.Job) {
	if n.worker == nil {
		return
	}
	n.behind(func() {
		select {
		case n.working <- struct{}{}:
			defer func() { <-n.working }()
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
