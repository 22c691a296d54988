// Package ledger knows what a session has told of its chat, and so what of that which
// comes, on several sockets and in transcripts, is new.
package ledger

import (
	"time"

	"github.com/parley-chat/parley/client/event"
	"github.com/parley-chat/parley/client/internal/recent"
)

// ReceiptsBack is how many of the newest items are looked at for receipts after a gap.
const ReceiptsBack = 50

// Ledger is of one session, and for one goroutine.
type Ledger struct {
	self    string
	told    recent.Map[string, bool] // kept items
	signals recent.Map[string, bool]
	read    recent.Map[receiptKey, event.ReceiptBy]
	partial recent.Map[string, event.Partial]
	anchors []event.Item // the newest kept items that were told, oldest first, without what they say
}

type receiptKey struct{ message, participant string }

// New makes the ledger of a participant. What comes until the item after, if that is
// not empty, is known.
func New(self, after string) *Ledger {
	l := &Ledger{self: self}
	if after != "" {
		l.told.Put(after, true)
		l.told.Put(after+" REJECTED", true) // if it is a file; see key
		l.anchors = []event.Item{{ID: after}}
	}
	return l
}

// Anchor is the item from which on the transcript is to be read after a gap: old enough
// to see receipts that were missed. It is the zero item if nothing was told.
func (l *Ledger) Anchor() event.Item {
	if len(l.anchors) == 0 {
		return event.Item{}
	}
	return l.anchors[0]
}

// Tell gives the events that an item stands for and that were not told yet.
func (l *Ledger) Tell(it event.Item) []event.Event {
	switch {
	case it.Kept():
		return l.tellKept(it)
	case it.Type == event.TypeMessage:
		return l.tellPartial(it)
	case it.Type == event.TypeMetadata && len(it.Receipts) > 0:
		return l.tellReceipts(it, it.MessageID)
	case it.ID != "" && l.signals.Get(it.ID):
		return nil
	}
	l.signals.Put(it.ID, true)
	return []event.Event{it.Event()}
}

// tellKept tells an item, and then the receipts that came with it.
func (l *Ledger) tellKept(it event.Item) (events []event.Event) {
	if key := key(it); !l.told.Get(key) {
		l.told.Put(key, true)
		l.partial.Drop(it.ID)
		place := event.Item{ID: it.ID, AbsoluteTime: it.AbsoluteTime, Time: it.Time}
		if n := len(l.anchors); n > 0 && it.Before(&l.anchors[n-1]) {
			it.Late = true
		} else if l.anchors = append(l.anchors, place); n == ReceiptsBack {
			l.anchors = l.anchors[1:]
		}
		events = append(events, it.Event())
	}
	return append(events, l.tellReceipts(it, it.ID)...)
}

// key is what an item may come once with: a file is told again when the scanner has
// decided.
func key(it event.Item) string {
	if len(it.Attachments) > 0 && it.Attachments[0].Status != "APPROVED" {
		return it.ID + " " + string(it.Attachments[0].Status)
	}
	return it.ID
}

// tellReceipts tells those receipts of an item that say something new.
func (l *Ledger) tellReceipts(it event.Item, message string) (events []event.Event) {
	for _, by := range it.Receipts {
		key := receiptKey{message, by.ParticipantID}
		known := l.read.Get(key)
		if !isNews(known.Delivered, by.Delivered) && !isNews(known.Read, by.Read) {
			continue
		}
		l.read.Put(key, by)
		it.Own = by.ParticipantID == l.self
		events = append(events, event.Receipt{Item: it, MessageID: message, By: by})
	}
	return events
}

func isNews(known, now time.Time) bool { return known.IsZero() && !now.IsZero() }

// tellPartial puts a part of a growing message where it belongs. Parts that are
// repeated, or that come after one that is missing, are left out: the whole message
// follows (semantics.md 2.3).
func (l *Ledger) tellPartial(it event.Item) []event.Event {
	sofar := l.partial.Get(it.ID)
	if it.Chunk != sofar.Chunk+1 || l.told.Get(it.ID) {
		return nil
	}
	p := event.Partial{Item: it, Text: sofar.Text + it.Content}
	l.partial.Put(it.ID, p)
	return []event.Event{p}
}
