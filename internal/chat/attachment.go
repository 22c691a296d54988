package chat

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Limits of attachments (semantics.md 6).
const (
	// MaxAttachments is how many files a chat may have, unless the server says so.
	MaxAttachments = 35
	// UploadWithin is how long a file may be uploaded for, completeWithin how long after
	// StartAttachmentUpload that may be said: the last upload has to come to its end.
	UploadWithin   = 15 * time.Minute
	completeWithin = 2 * UploadWithin
	// ScanWithin is how long one attempt to scan a file, or to remove a rejected one, may
	// take. If nothing was heard by then, because its node has died or has too much to do, it
	// is asked for again: fileAsks times altogether. ScanAttempts is how often the scanner may
	// fail.
	ScanWithin   = 20 * time.Second
	fileAsks     = 45 // 15 minutes
	ScanAttempts = 3
)

// Status is an attachment's; the strings are the wire's.
type Status string

// What becomes of an attachment.
const (
	Approved Status = "APPROVED"
	Rejected Status = "REJECTED"
)

// File is an attachment.
type File struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
	// Type is its ContentType, Size its length in bytes.
	Type string `json:"type"`
	Size int64  `json:"size"`
	// Status is empty until the file is an item.
	Status Status `json:"status,omitempty"`
	// Attempt counts those to scan it; the ones before have failed.
	Attempt int `json:"attempt,omitempty"`
}

// file is what the rules need to know of a File.
type file struct {
	File
	by    ParticipantID
	at    time.Time // since when it may be uploaded
	until time.Time // when the scan, or the removal, is asked for again
	asks  int       // how often it was
	sent  bool      // it was uploaded; Status says what came of it
}

// applyFile folds an entry about a file. Sending it is what its participant is heard with,
// not what becomes of it later.
func (c *Chat) applyFile(e *Entry) {
	f := &file{File: *e.File, by: e.By.ID, at: e.At}
	if was := c.files[f.ID]; was != nil {
		f.at, f.asks = was.at, was.asks
		if !was.sent {
			c.heard(e.By.Role, e.At)
		}
	}
	f.sent = e.Kind != KindUpload
	rejected := e.Kind == KindAttachment && f.Status == Rejected
	switch {
	case e.Kind == KindUpload:
		maps.DeleteFunc(c.files, func(_ ID, f *file) bool { return f.abandoned(e.At) })
	case e.Kind == KindScanning, e.Kind == KindDiscarding, rejected:
		if f.until = e.At.Add(ScanWithin); rejected {
			f.asks = 0 // for another job
		}
		f.asks++
		c.pending = merged(c.pending, map[ID]bool{f.ID: true})
	default:
		c.pending = maps.Clone(c.pending)
		delete(c.pending, f.ID)
	}
	c.files[f.ID] = f
}

// abandoned reports whether a file was not uploaded in time.
func (f *file) abandoned(now time.Time) bool { return !f.sent && now.Sub(f.at) >= completeWithin }

// Attachment finds a file that can be downloaded.
func (c *Chat) Attachment(id ID) (File, bool) {
	f := c.files[id]
	if f == nil || f.Status != Approved {
		return File{}, false
	}
	return f.File, true
}

// Upload finds a file that may be, or was, uploaded by a participant.
func (c *Chat) Upload(id ID, by ParticipantID) (File, bool) {
	f := c.files[id]
	if f == nil || f.by != by {
		return File{}, false
	}
	return f.File, true
}

// Kept lists the files whose bytes must stay, by their ids: those that can be downloaded,
// and those that may be once they are scanned.
func (c *Chat) Kept() (kept []File) {
	for _, f := range c.filesByID() {
		if f.Status == Approved || f.Status == "" && f.sent && !c.Ended() {
			kept = append(kept, f.File)
		}
	}
	return kept
}

func (c *Chat) filesByID() []*file {
	return slices.SortedFunc(maps.Values(c.files), func(f, g *file) int {
		return bytes.Compare(f.ID.UUID[:], g.ID.UUID[:])
	})
}

// attachments counts the files that were uploaded, and those that still may be.
func (c *Chat) attachments(now time.Time) (n int) {
	for _, f := range c.files {
		if !f.abandoned(now) {
			n++
		}
	}
	return n
}

// StartUpload gives a file a place: StartAttachmentUpload (semantics.md 6). The caller
// has checked its type and size. The answer's ID is the file's. Files that were not complete
// in time are forgotten, and removed.
type StartUpload struct {
	By    ParticipantID
	File  File
	Most  int // files that a chat may have; MaxAttachments if 0
	Token string
}

func (s StartUpload) decide(t *turn) error {
	if t.repeated(s.By, s.Token, keyStart, s.File.Name) {
		if f := t.chat.files[t.out.ID]; f != nil && !f.abandoned(t.now) {
			return nil
		}
		t.out = Outcome{} // what nobody can complete any more is begun anew
	}
	p, err := t.speaker(s.By)
	if err != nil {
		return err
	}
	if most := cmp.Or(s.Most, MaxAttachments); t.chat.attachments(t.now) >= most {
		return refuse(QuotaExceeded, fmt.Sprintf("The number of attachments per contact exceeds the quota, which is %d", most))
	}
	f, before := s.File, t.chat.filesByID()
	f.ID = t.ids(t.now)
	t.append(Entry{Kind: KindUpload, ID: f.ID, By: &p.Author, Token: s.Token, File: &f})
	for _, old := range before {
		if t.chat.files[old.ID] == nil { // abandoned; its bytes may have come all the same
			t.discard(old.File, old.by)
		}
	}
	return nil
}

// CompleteUpload says that a file was uploaded: CompleteAttachmentUpload. The caller has
// checked that it was. Scan has it looked at before anybody gets it.
type CompleteUpload struct {
	By    ParticipantID
	ID    ID
	Scan  bool
	Token string
}

func (u CompleteUpload) decide(t *turn) error {
	if t.repeated(u.By, u.Token, keyComplete, u.ID.String()) {
		return nil
	}
	p, err := t.speaker(u.By)
	if err != nil {
		return err
	}
	f := t.chat.files[u.ID]
	switch {
	case f == nil || f.by != u.By || f.abandoned(t.now):
		return refuse(UnknownItem, "AttachmentIds names no attachment that the participant has begun to upload in the last 30 minutes; call StartAttachmentUpload first")
	case f.sent:
		return refuse(AlreadyDone, "the upload of the attachment is complete already")
	}
	idle := t.chat.isIdle(p.Role)
	if u.Scan {
		t.scan(f, &p.Author, 1, u.Token)
	} else {
		t.attach(f, &p.Author, Approved, u.Token)
	}
	if idle {
		t.append(Entry{Kind: KindReturned, By: &p.Author})
	}
	return nil
}

// scan asks for an attempt to scan a file.
func (t *turn) scan(f *file, by *Author, attempt int, token string) {
	next := f.File
	next.Attempt = attempt
	t.append(Entry{Kind: KindScanning, By: by, Token: token, File: &next})
	t.out.Jobs = append(t.out.Jobs, Job{Kind: JobScan, File: next, By: by.ID})
}

// attach makes a file an item, or says that it was rejected.
func (t *turn) attach(f *file, by *Author, s Status, token string) {
	done := f.File
	done.Status = s
	t.append(Entry{Kind: KindAttachment, By: by, Token: token, File: &done})
	if s == Rejected {
		t.discard(done, by.ID)
	}
}

// discard has a file removed.
func (t *turn) discard(f File, by ParticipantID) {
	t.out.Jobs = append(t.out.Jobs, Job{Kind: JobDiscard, File: f, By: by})
}

// discardRest has the files removed that won't be attachments any more, as the chat has
// ended: whether they were uploaded, their participants alone know. With the chat its
// deadlines have ended, so that this is not asked for again.
func (t *turn) discardRest() {
	for _, f := range t.chat.filesByID() {
		if f.Status == "" || t.chat.pending[f.ID] {
			t.discard(f.File, f.by)
		}
	}
}

// Scanned is what came of a JobScan. An attempt that failed is followed by the next, or the
// file is rejected after the last. A file may be scanned twice at the same time, when that
// was asked for again: the first result counts, and of each attempt the first failure.
type Scanned struct {
	File   File // as in the Job
	Result Status
	Failed bool
}

func (s Scanned) decide(t *turn) error {
	f := t.chat.files[s.File.ID]
	if f == nil || f.Attempt == 0 || f.Status != "" || s.Failed && f.Attempt != s.File.Attempt || t.chat.Ended() {
		t.nothing()
		return nil
	}
	by := &t.chat.Participant(f.by).Author
	switch {
	case !s.Failed:
		t.attach(f, by, s.Result, "")
	case f.Attempt < ScanAttempts:
		t.scan(f, by, f.Attempt+1, "")
	default:
		t.attach(f, by, Rejected, "")
	}
	return nil
}

// Discarded says that a JobDiscard was done.
type Discarded struct {
	ID ID // of the file
}

func (d Discarded) decide(t *turn) error {
	f := t.chat.files[d.ID]
	if f == nil || f.Status != Rejected || !t.chat.pending[d.ID] || t.chat.Ended() {
		t.nothing()
		return nil
	}
	t.about(f, KindDiscarded)
	return nil
}

// about records what becomes of a file that was rejected.
func (t *turn) about(f *file, kind Kind) {
	same := f.File
	t.append(Entry{Kind: kind, By: &t.chat.Participant(f.by).Author, File: &same})
}

// askAgain asks for a job of which nothing was heard, or gives it up.
func (t *turn) askAgain(id ID) {
	f := t.chat.files[id]
	by := &t.chat.Participant(f.by).Author
	switch again := f.asks < fileAsks; {
	case f.Status == Rejected && again:
		t.about(f, KindDiscarding)
		t.discard(f.File, f.by)
	case f.Status == Rejected:
		t.about(f, KindDiscarded)
	case again:
		t.scan(f, by, f.Attempt, "")
	default:
		t.attach(f, by, Rejected, "")
	}
}
