// Package work does what commands lead to and what takes more than rules: it has files
// scanned, removes those that nobody gets, and asks identity providers who a customer is.
package work

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/center"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/identity"
	"github.com/parley-chat/parley/internal/scan"
)

// Config is what a worker works with. All fields but Scanner are required.
type Config struct {
	Center *center.Center
	Blobs  blob.Store
	// Scanner is needed where files are scanned. Its time-out should be ScanTime.
	Scanner scan.Scanner
	Clock   clockwork.Clock
	Log     *slog.Logger
}

// Worker is a [node.Worker].
type Worker struct{ c Config }

// New makes a worker. Call Run to have it clear up.
func New(c Config) *Worker { return &Worker{c} }

const (
	// attempts are made at what can fail for a moment, a pause apart that doubles.
	attempts = 3
	pause    = time.Second
	// ScanTime is how long a scanner may take. With the pause after it, an attempt is over
	// before the rules ask for it again, and all of them are in a minute (semantics.md 6).
	ScanTime = chat.ScanWithin - pause<<(chat.ScanAttempts-2) - time.Second
	// sweepEvery is how often uploads are looked for that were never said to be complete,
	// abandoned how old they are when they are removed.
	sweepEvery = 10 * time.Minute
	abandoned  = chat.UploadWithin + time.Hour
)

// Work implements [node.Worker].
func (w *Worker) Work(ctx context.Context, id chat.ChatID, job chat.Job) chat.Command {
	switch job.Kind {
	case chat.JobScan:
		return w.scan(ctx, blob.Key{Chat: id, Attachment: job.File.ID}, job.File)
	case chat.JobDiscard:
		return w.discard(ctx, blob.Key{Chat: id, Attachment: job.File.ID})
	case chat.JobExchange:
		return w.exchange(ctx, id, job)
	}
	return nil
}

// scan makes one attempt; the rules ask for others. A failure is told after a pause, so
// that a scanner which restarts is not asked three times meanwhile; the last one at once.
func (w *Worker) scan(ctx context.Context, k blob.Key, f chat.File) chat.Command {
	approved, err := w.ask(ctx, k, f)
	switch {
	case ctx.Err() != nil:
		return nil // the node ends; another one asks again
	case errors.Is(err, scan.ErrRetry):
		w.c.Log.Warn("an attachment could not be scanned", "file", k, "attempt", f.Attempt, "err", err)
		if f.Attempt < chat.ScanAttempts {
			w.rest(ctx, f.Attempt)
		}
		return chat.Scanned{File: f, Failed: true}
	case approved && err == nil:
		return chat.Scanned{File: f, Result: chat.Approved}
	case err != nil:
		w.c.Log.Error("an attachment is rejected, since it can't be scanned", "file", k, "err", err)
	default:
		w.c.Log.Warn("the scanner rejects an attachment", "file", k)
	}
	return chat.Scanned{File: f, Result: chat.Rejected}
}

func (w *Worker) ask(ctx context.Context, k blob.Key, f chat.File) (approved bool, err error) {
	if w.c.Scanner == nil {
		return false, errors.New("this server has no scanner; the one that took the file had")
	}
	in := w.c.Center.Instance
	return w.c.Scanner.Scan(ctx, scan.Request{
		Instance: in.ID, Key: k, File: blob.FileOf(k.Chat, f, in.AccountID, in.ID), Created: time.Unix(f.ID.Time().UnixTime()),
	})
}

// rest waits after the attempt of that number, from 1.
func (w *Worker) rest(ctx context.Context, attempt int) {
	w.wait(ctx, pause<<min(attempt-1, attempts))
}

func (w *Worker) wait(ctx context.Context, d time.Duration) {
	timer := w.c.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
	case <-ctx.Done():
	}
}

// discard removes a file that nobody gets. If that fails, the rules ask for it again while
// the chat goes on.
func (w *Worker) discard(ctx context.Context, k blob.Key) chat.Command {
	for n := 1; ; n++ {
		err := w.c.Blobs.Delete(ctx, k)
		switch {
		case err == nil:
			return chat.Discarded{ID: k.Attachment}
		case ctx.Err() != nil:
			return nil // the node ends; another one is asked
		case n == attempts:
			w.c.Log.Error("a file that nobody gets could not be removed; if no later line says so again, it was, or remove it by hand", "file", k, "err", err)
			return nil
		}
		w.rest(ctx, n)
	}
}

// exchange finds out who the customer is.
func (w *Worker) exchange(ctx context.Context, id chat.ChatID, job chat.Job) chat.Command {
	result := chat.Authenticated{Session: job.Auth.Session}
	p, ok := w.c.Center.Provider(job.Auth.Provider)
	if !ok {
		w.c.Log.Error("the identity provider of a flow is not configured any more", "chat", id, "provider", job.Auth.Provider)
		return result
	}
	for n := 1; ; n++ {
		name, attributes, err := p.Exchange(ctx, id, job.Auth, job.Code)
		switch {
		case err == nil:
			result.OK, result.Name, result.Attributes = true, name, attributes
			return result
		case ctx.Err() != nil:
			return nil // the node ends; the flow's time-out says what then
		case errors.Is(err, identity.ErrUnavailable) && n < attempts:
			w.rest(ctx, n)
		default:
			w.c.Log.Warn("a customer could not be authenticated", "chat", id, "provider", p.ID, "err", err)
			return result
		}
	}
}

// Run removes abandoned uploads from time to time, until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := w.c.Blobs.Sweep(ctx, w.c.Clock.Now().Add(-abandoned))
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.c.Log.Error("abandoned uploads can't be removed; that will be tried again", "err", err)
		case n > 0:
			w.c.Log.Info("abandoned uploads were removed", "uploads", n)
		}
		w.wait(ctx, sweepEvery)
	}
}
