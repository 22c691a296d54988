package node_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/node"
)

// worker does jobs as a test tells it, and records them.
type worker struct {
	mu   sync.Mutex
	jobs []chat.Job
	now  int // how many are under way
	most int // at a time
	work func(ctx context.Context, job chat.Job) chat.Command
}

func (k *worker) Work(ctx context.Context, _ chat.ChatID, job chat.Job) chat.Command {
	k.mu.Lock()
	k.jobs = append(k.jobs, job)
	k.now++
	k.most = max(k.most, k.now)
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		k.now--
		k.mu.Unlock()
	}()
	return k.work(ctx, job)
}

// did gives the kinds of the jobs so far, and for those to scan the attempts.
func (k *worker) did() (all []int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, j := range k.jobs {
		if j.Kind != chat.JobScan {
			all = append(all, -int(j.Kind))
		} else {
			all = append(all, j.File.Attempt)
		}
	}
	return all
}

func (w *world) wantJobs(k *worker, want ...int) {
	w.Helper()
	synctest.Wait()
	if got := k.did(); !slices.Equal(got, want) {
		w.Fatalf("the worker did %v, want %v", got, want)
	}
}

// answers has every scan end so.
func answers(s chat.Status) func(context.Context, chat.Job) chat.Command {
	return func(_ context.Context, job chat.Job) chat.Command {
		if job.Kind != chat.JobScan {
			return nil
		}
		return chat.Scanned{File: job.File, Result: s}
	}
}

// playWork is play with a worker on one node, and a file that is to be completed.
func playWork(t *testing.T, story func(w *world, k *worker, id chat.ChatID, done chat.CompleteUpload)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, k := newWorld(t, 0), &worker{}
		w.worker = k
		w.addNode(0)
		id, jane := w.start()
		file := w.do(0, id, chat.StartUpload{By: jane, File: chat.File{Name: "a.png", Type: "image/png", Size: 1}}).ID
		story(w, k, id, chat.CompleteUpload{By: jane, ID: file, Scan: true, Token: "c"})
	})
}

// last gives the kind of the chat's last entry.
func (w *world) last(id chat.ChatID) chat.Kind {
	log := w.log(id)
	return log[len(log)-1].Kind
}

// A job is done once, when what led to it is durable, and what comes of it is told to the
// chat.
func TestJob(t *testing.T) {
	playWork(t, func(w *world, k *worker, id chat.ChatID, done chat.CompleteUpload) {
		k.work = func(_ context.Context, job chat.Job) chat.Command {
			if job.Kind == chat.JobDiscard {
				return nil
			}
			if w.last(id) != chat.KindScanning {
				t.Errorf("the file is scanned when the last entry is %s", w.last(id))
			}
			return chat.Scanned{File: job.File, Result: chat.Rejected}
		}
		r := w.watch(0, id)
		w.do(0, id, done)
		w.wantJobs(k, 1, -int(chat.JobDiscard))
		w.saw(r, id)
		if e := r.got()[1]; e.Kind != chat.KindAttachment || e.File.Status != chat.Rejected {
			t.Errorf("the scan led to %+v", e)
		}
		if out := w.do(0, id, done); !out.Repeated { // its answer was lost, say
			t.Errorf("repeated: %+v", out)
		}
		w.wantJobs(k, 1, -int(chat.JobDiscard))
	})
}

// What was not stored leads to no job. If nobody knows whether it was stored, the job is
// asked for again when its time is over.
func TestJobOfAFailedAppend(t *testing.T) {
	playWork(t, func(w *world, k *worker, id chat.ChatID, done chat.CompleteUpload) {
		k.work = answers(chat.Approved)
		w.store.next(lost)
		w.fails(0, id, done, errDisk)
		w.wantJobs(k)
		w.store.next(liar)
		w.fails(0, id, done, errDisk)
		w.wantJobs(k)
		w.run()
		w.pass(chat.ScanWithin + time.Second)
		w.wantJobs(k, 1)
		if w.last(id) != chat.KindAttachment {
			t.Errorf("the last entry is %s", w.last(id))
		}
	})
}

// What came of a job is told again until it is stored, but not what the chat refuses.
func TestReportOfAJob(t *testing.T) {
	playWork(t, func(w *world, k *worker, id chat.ChatID, done chat.CompleteUpload) {
		k.work = answers(chat.Approved)
		w.store.next(nil, lost, lost)
		w.do(0, id, done)
		w.wantJobs(k, 1)
		for range 2 {
			if w.last(id) != chat.KindScanning {
				t.Fatalf("the last entry is %s", w.last(id))
			}
			w.pass(node.RetryPause)
		}
		if w.last(id) != chat.KindAttachment {
			t.Errorf("the last entry is %s", w.last(id))
		}

		k.work = func(context.Context, chat.Job) chat.Command { return say(chat.ParticipantID{}, "psst", "") }
		next := w.do(0, id, chat.StartUpload{By: done.By, File: chat.File{Name: "b.png"}}).ID
		w.do(0, id, chat.CompleteUpload{By: done.By, ID: next, Scan: true})
		synctest.Wait()
		w.store.onRead(func(what string) error { t.Errorf("%s is read for what was refused", what); return nil })
		w.pass(node.RetryPause)
	})
}

// A worker that is never heard of again is asked again, with its node gone on another one.
// That is the same attempt.
func TestJobOfALostWorker(t *testing.T) {
	playWork(t, func(w *world, k *worker, id chat.ChatID, done chat.CompleteUpload) {
		k.work = func(ctx context.Context, job chat.Job) chat.Command {
			<-ctx.Done()
			return chat.Scanned{File: job.File, Result: chat.Approved} // too late
		}
		w.do(0, id, done)
		w.wantJobs(k, 1)
		w.nodes[0].Close() // and with it, the work ends
		w.clocks[0].Advance(0)
		w.addNode(0)
		go w.nodes[1].Run(w.ctx)
		k.work = answers(chat.Approved)
		w.pass(chat.ScanWithin + time.Second)
		w.wantJobs(k, 1, 1)
		if log := w.log(id); log[len(log)-1].File.Status != chat.Approved {
			t.Errorf("the file is %+v", log[len(log)-1].File)
		}
	})
}

// A node that dies before it has removed a rejected file leaves that to another one.
func TestDiscardOfALostWorker(t *testing.T) {
	playWork(t, func(w *world, k *worker, id chat.ChatID, done chat.CompleteUpload) {
		dead := answers(chat.Rejected)
		k.work = func(ctx context.Context, job chat.Job) chat.Command {
			if job.Kind == chat.JobDiscard {
				<-ctx.Done()
			}
			return dead(ctx, job)
		}
		w.do(0, id, done)
		w.wantJobs(k, 1, -int(chat.JobDiscard))
		w.nodes[0].Close()
		w.clocks[0].Advance(0)
		w.addNode(0)
		go w.nodes[1].Run(w.ctx)
		k.work = func(_ context.Context, job chat.Job) chat.Command { return chat.Discarded{ID: job.File.ID} }
		w.pass(chat.ScanWithin + time.Second)
		w.wantJobs(k, 1, -int(chat.JobDiscard), -int(chat.JobDiscard))
		if w.last(id) != chat.KindDiscarded {
			t.Errorf("the last entry is %s", w.last(id))
		}
		w.pass(chat.ScanWithin + time.Second)
		w.wantJobs(k, 1, -int(chat.JobDiscard), -int(chat.JobDiscard))
	})
}

// A file that waits for long because there is too much to scan is scanned once, and does
// not count as one that can't be; other jobs don't wait for the scanner.
func TestJobThatWaits(t *testing.T) {
	playWork(t, func(w *world, k *worker, id chat.ChatID, done chat.CompleteUpload) {
		slow := make(chan struct{})
		k.work = func(ctx context.Context, job chat.Job) chat.Command {
			if job.Kind != chat.JobScan {
				return nil
			}
			select {
			case <-slow:
			case <-ctx.Done():
			}
			return chat.Scanned{File: job.File, Result: chat.Approved}
		}
		w.run()
		complete := func(id chat.ChatID, by chat.ParticipantID) {
			file := w.do(0, id, chat.StartUpload{By: by, File: chat.File{Name: "a"}}).ID
			w.do(0, id, chat.CompleteUpload{By: by, ID: file, Scan: true})
		}
		for range node.MaxWorking {
			complete(id, done.By)
		}
		w.do(0, id, done)
		for range 10 {
			w.pass(chat.ScanWithin + time.Second)
		}
		other, joe := w.start()
		complete(other, joe)
		w.do(0, other, chat.Stop{})
		want := append(slices.Repeat([]int{1}, node.MaxWorking), -int(chat.JobDiscard))
		w.wantJobs(k, want...)
		close(slow)
		w.wantJobs(k, append(want, 1, 1)...)
		if log := w.log(id); log[len(log)-1].File.Status != chat.Approved {
			t.Errorf("the file is %+v", log[len(log)-1].File)
		}
	})
}

// So many jobs are done at a time, and the others wait for them, or for the end of the node.
func TestManyJobs(t *testing.T) {
	playWork(t, func(w *world, k *worker, id chat.ChatID, done chat.CompleteUpload) {
		blocked := make(chan struct{})
		k.work = func(ctx context.Context, job chat.Job) chat.Command {
			select {
			case <-blocked:
			case <-ctx.Done():
			}
			return nil
		}
		complete := func(n int) {
			for range n {
				file := w.do(0, id, chat.StartUpload{By: done.By, File: chat.File{Name: "a"}, Most: 1000}).ID
				w.do(0, id, chat.CompleteUpload{By: done.By, ID: file, Scan: true})
			}
			synctest.Wait()
		}
		complete(20)
		if got := len(k.did()); got != node.MaxWorking || k.most != node.MaxWorking {
			t.Errorf("%d jobs were begun, want %d", got, node.MaxWorking)
		}
		close(blocked)
		synctest.Wait()
		if got := len(k.did()); got != 20 || k.most != node.MaxWorking {
			t.Errorf("%d jobs were done, %d at a time", got, k.most)
		}
		blocked = make(chan struct{})
		complete(node.MaxWorking + 1)
		w.nodes[0].Close()
		if got := len(k.did()); got != 20+node.MaxWorking {
			t.Errorf("%d jobs were begun, the last one when the node was closed", got)
		}
	})
}
