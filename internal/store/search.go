package store

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// TimeField is one of a contact's times, by which contacts are found and ordered.
type TimeField int

// The times of a contact.
const (
	Initiated        TimeField = iota // Summary.InitiatedAt
	Queued                            // Summary.QueuedAt
	ConnectedToAgent                  // Summary.ConnectedAt
	Ended                             // Summary.EndedAt
)

// Of gives a contact's time; zero if it has none.
func (f TimeField) Of(s *chat.Summary) time.Time {
	return [...]time.Time{s.InitiatedAt, s.QueuedAt, s.ConnectedAt, s.EndedAt}[f]
}

// Search selects contacts of one instance (semantics.md 9.12). A contact must match
// all that is set; of the values in a list, one. Texts match whole and exactly.
type Search struct {
	Instance string
	// By says which time From and To bound, both inclusive, and by which the result is
	// ordered. A contact without that time is not found.
	By TimeField
	// From and To bound nothing if they are zero.
	From, To time.Time
	// Active finds those that go on, or if false those that have ended; nil: both.
	Active                *bool
	Agents, Queues, Names []string
	Methods               []chat.Method
	// Labels are lists of [chat.TagLabel] and [chat.AttributeLabel]: of each list, the
	// contact must have at least one.
	Labels [][]string
	// Ascending puts the earliest first; otherwise it is last. Contacts with the same
	// time are in the order of their ids, or in the reverse order.
	Ascending bool
	// After leaves out what comes first in that order up to a contact, itself included.
	After *Cursor
	// Limit is how many contacts are wanted at most; 0 only counts.
	Limit int
}

// Cursor is a place in the result of a search: that of a contact, which need not
// match any more.
type Cursor struct {
	At      time.Time
	Contact chat.ContactID
}

// Compare puts cursors in the ascending order of a search.
func (c Cursor) Compare(other Cursor) int {
	return cmp.Or(c.At.Compare(other.At), slices.Compare(c.Contact.UUID[:], other.Contact.UUID[:]))
}

// Cursor gives a contact's place in the result.
func (s *Search) Cursor(c *chat.Summary) Cursor { return Cursor{s.By.Of(c), c.Contact} }

// Found is what a search has found.
type Found struct {
	Contacts []chat.Summary
	// Total counts all that match, whatever After and Limit are. Contacts and Total are
	// not of the same moment.
	Total int
}

// Check reports what is malformed about a search, like [Append.Check].
func (s *Search) Check() error {
	switch {
	case s.By < Initiated || s.By > Ended:
		return fmt.Errorf("store: Search.By is %d; it must be Initiated, Queued, ConnectedToAgent or Ended", s.By)
	case s.Limit < 0:
		return fmt.Errorf("store: Search.Limit is %d; it must not be negative", s.Limit)
	}
	for i, wanted := range s.Labels {
		if len(wanted) == 0 {
			return fmt.Errorf("store: Search.Labels[%d] is empty; nothing could match it", i)
		}
	}
	return nil
}
