package node

import (
	"context"
	"math"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// Page selects a part of a chat's transcript (GetTranscript, semantics.md 5): the
// Limit items next to a start, which is part of the page, walking forward or back.
// At most one of Seq, ID, Time and MostRecent is set; with none, the start is the
// newest end, from where nothing lies forward.
type Page struct {
	Backward bool
	Limit    int

	// Seq starts at this entry: it comes from the page before.
	Seq int64
	// ID starts at this item; if there is none such, the page is empty.
	ID chat.ID
	// Time starts at the first item not before it, or backward at the last not after it.
	Time time.Time
	// MostRecent starts at the n-th newest item; 0 is the newest.
	MostRecent *int
}

// Transcript is a page: items in the order of the log, and where the next page
// starts in the same direction; 0 if there is none.
type Transcript struct {
	Items    []chat.Entry
	Receipts map[chat.ID][]chat.ReceiptBy
	Next     int64
}

// Transcript reads a page for a participant, who must still be in the chat.
func (n *Node) Transcript(ctx context.Context, id chat.ChatID, by chat.ParticipantID, p Page) (Transcript, error) {
	t, err := n.page(ctx, id, p)
	if err != nil {
		return Transcript{}, busy(err)
	}
	err = n.View(ctx, id, func(c *chat.Chat) error {
		_, err := c.Admit(by)
		t.Receipts = receipts(c, t.Items)
		return err
	})
	if err != nil {
		return Transcript{}, err
	}
	return t, nil
}

// page reads the items of a page.
func (n *Node) page(ctx context.Context, id chat.ChatID, p Page) (Transcript, error) {
	p.Limit = max(p.Limit, 0)
	start, err := n.resolveStart(ctx, id, p)
	if err != nil || start < 1 {
		return Transcript{}, err
	}
	q := store.Query{From: start, To: math.MaxInt64, Limit: p.Limit + 1}
	if p.Backward {
		q = store.Query{From: 1, To: start, Newest: true, Limit: p.Limit + 1}
	}
	items, err := n.store.Items(ctx, id, q)
	if err != nil {
		return Transcript{}, err
	}
	return cut(items, p), nil
}

// cut takes the one item too many off, which says that there is a next page.
func cut(items []chat.Entry, p Page) Transcript {
	switch {
	case len(items) <= p.Limit:
		return Transcript{Items: items}
	case p.Backward:
		return Transcript{Items: items[1:], Next: items[0].Seq}
	default:
		return Transcript{Items: items[:p.Limit], Next: items[p.Limit].Seq}
	}
}

func receipts(c *chat.Chat, items []chat.Entry) map[chat.ID][]chat.ReceiptBy {
	found := make(map[chat.ID][]chat.ReceiptBy)
	for i := range items {
		if r := c.Receipts(items[i].ID); r != nil {
			found[items[i].ID] = r
		}
	}
	return found
}

// nowhere is a start from which nothing is found.
const nowhere = -1

// resolveStart gives the Seq at which the page starts, itself included.
func (n *Node) resolveStart(ctx context.Context, id chat.ChatID, p Page) (int64, error) {
	switch {
	case p.Seq != 0:
		return p.Seq, nil
	case !p.ID.IsZero():
		return n.seqOfID(ctx, id, p.ID)
	case !p.Time.IsZero():
		if p.Backward {
			return n.store.SeqAt(ctx, id, p.Time.UTC().Truncate(time.Millisecond))
		}
		before, err := n.store.SeqAt(ctx, id, p.Time.UTC().Add(-1).Truncate(time.Millisecond))
		return before + 1, err
	case p.MostRecent != nil:
		return n.seqOfRecent(ctx, id, p)
	case p.Backward:
		return math.MaxInt64, nil
	}
	return nowhere, nil
}

// seqOfID finds an item by the time that its id holds.
func (n *Node) seqOfID(ctx context.Context, id chat.ChatID, item chat.ID) (int64, error) {
	if item.Version() != 7 {
		return nowhere, nil
	}
	sec, nsec := item.Time().UnixTime()
	seq, err := n.store.SeqAt(ctx, id, time.Unix(sec, nsec).UTC().Truncate(time.Millisecond))
	if err != nil || seq == 0 {
		return nowhere, err
	}
	found, err := n.store.Items(ctx, id, store.Query{From: seq, To: seq, Limit: 1})
	if err != nil || len(found) == 0 || found[0].ID != item {
		return nowhere, err
	}
	return seq, nil
}

func (n *Node) seqOfRecent(ctx context.Context, id chat.ChatID, p Page) (int64, error) {
	back := max(*p.MostRecent, 0) + 1
	items, err := n.store.Items(ctx, id, store.Query{From: 1, To: math.MaxInt64, Newest: true, Limit: back})
	if err != nil {
		return 0, err
	}
	if len(items) == back {
		return items[0].Seq, nil
	}
	if p.Backward {
		return nowhere, nil // before the first item lies nothing
	}
	return 1, nil
}
