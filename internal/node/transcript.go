package node

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// Page selects a part of a chat's transcript (GetTranscript, semantics.md 5): the
// Limit items next to a start, which is part of the page, walking forward or back.
// At most one of From, ID, Time and MostRecent is set; with none, the start is the
// newest end, from where nothing lies forward. What the reader may not see, or is not
// of the Contact, is left out: a page may have less than Limit items, and a next one.
type Page struct {
	Backward bool
	Limit    int
	// Contact, if not zero, leaves the items of other contacts out. For a participant's own
	// contact, those count that came while it went on.
	Contact chat.ContactID

	// From is a start that comes from the page before.
	From Place
	// ID starts at this item; if there is none such, the page is empty.
	ID chat.ID
	// Time starts at the first item not before it, or backward at the last not after it.
	Time time.Time
	// MostRecent starts at the n-th newest item; 0 is the newest.
	MostRecent *int
}

// Place is an entry of a chat, or of a past one that the chat continues.
type Place struct {
	Chat chat.ChatID
	Seq  int64
}

// Transcript is a page: items in the order of the log, and where the next page
// starts in the same direction; zero if there is none.
type Transcript struct {
	Items    []chat.Entry
	Receipts map[chat.ID][]chat.ReceiptBy
	// Past says that the items are of a past chat that the reader's continues.
	Past bool
	Next Place
}

// Transcript reads a page for a participant, who must still be in the chat. Walking
// back from the first item of a chat that continues a past one, the next page is of
// that one.
func (n *Node) Transcript(ctx context.Context, id chat.ChatID, by chat.ParticipantID, p Page) (Transcript, error) {
	in := id
	if p.From.Seq != 0 {
		in = p.From.Chat
	}
	t, err := n.page(ctx, in, p)
	if err != nil {
		return Transcript{}, busy(err)
	}
	err = n.View(ctx, id, func(c *chat.Chat) error {
		who, err := c.Admit(by)
		if err != nil {
			return err
		}
		if p.Contact != (chat.ContactID{}) {
			k := c.Find(p.Contact)
			if k == nil {
				return ErrNoContact
			}
			t.Items = slices.DeleteFunc(t.Items, func(e chat.Entry) bool { return !within(&e, k) })
		}
		t.Items = slices.DeleteFunc(t.Items, func(e chat.Entry) bool { return !e.To.Includes(who.Role) })
		return nil
	})
	if err != nil {
		return Transcript{}, err
	}
	t.Past = in != id
	return t, n.complete(ctx, in, p, &t)
}

// within reports whether an item is of a contact. A participant's own contact is
// part of the conversation for as long as it goes on.
func within(e *chat.Entry, k *chat.Contact) bool {
	if k.Of == (chat.ParticipantID{}) {
		return e.Contact == k.ID
	}
	return !e.At.Before(k.Began) && (k.Ended.IsZero() || !e.At.After(k.Ended))
}

// complete adds the receipts, and the place where a past chat begins. One that was deleted
// since is as if it had never been.
func (n *Node) complete(ctx context.Context, id chat.ChatID, p Page, t *Transcript) error {
	var past *chat.Past
	err := n.View(ctx, id, func(c *chat.Chat) error {
		t.Receipts = receipts(c, t.Items)
		past = c.Past
		return nil
	})
	if t.Past && errors.Is(err, ErrNotFound) {
		return nil
	}
	nowhere := p.ID != (chat.ID{}) && len(t.Items) == 0
	if err != nil || past == nil || !p.Backward || t.Next.Seq != 0 || nowhere || p.Contact != (chat.ContactID{}) {
		return err
	}
	err = n.View(ctx, past.Chat, func(c *chat.Chat) error {
		t.Next = Place{past.Chat, c.Until(past.Contact)}
		if t.Next.Seq == 0 {
			t.Next.Seq = c.Seq
		}
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
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
	return cut(items, id, p), nil
}

// cut takes the one item too many off, which says that there is a next page.
func cut(items []chat.Entry, id chat.ChatID, p Page) Transcript {
	switch {
	case len(items) <= p.Limit:
		return Transcript{Items: items}
	case p.Backward:
		return Transcript{Items: items[1:], Next: Place{id, items[0].Seq}}
	default:
		return Transcript{Items: items[:p.Limit], Next: Place{id, items[p.Limit].Seq}}
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
	case p.From.Seq != 0:
		return p.From.Seq, nil
	case !p.ID.IsZero():
		return n.seqOfID(ctx, id, p.ID)
	case !p.Time.IsZero():
		if p.Backward {
			return n.seqAt(ctx, id, p.Time)
		}
		before, err := n.seqAt(ctx, id, p.Time.Add(-1))
		return before + 1, err
	case p.MostRecent != nil:
		return n.seqOfRecent(ctx, id, p)
	case p.Backward:
		return math.MaxInt64, nil
	}
	return nowhere, nil
}

// seqAt asks the store, whose times have whole milliseconds, for the newest item up to t.
func (n *Node) seqAt(ctx context.Context, id chat.ChatID, t time.Time) (int64, error) {
	return n.store.SeqAt(ctx, id, t.UTC().Truncate(time.Millisecond))
}

// lateItems is how many items after the time of its id an item is looked for: one that
// was sent in parts has the id of its first part (see [chat.SendPart]).
const lateItems = 100

// seqOfID finds an item by the time that its id holds.
func (n *Node) seqOfID(ctx context.Context, id chat.ChatID, item chat.ID) (int64, error) {
	if item.Version() != 7 {
		return nowhere, nil
	}
	sec, nsec := item.Time().UnixTime()
	seq, err := n.seqAt(ctx, id, time.Unix(sec, nsec))
	if err != nil {
		return nowhere, err
	}
	found, err := n.store.Items(ctx, id, store.Query{From: max(seq, 1), To: math.MaxInt64, Limit: lateItems})
	if err != nil {
		return nowhere, err
	}
	for i := range found {
		if found[i].ID == item {
			return found[i].Seq, nil
		}
	}
	return nowhere, nil
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
