package pg

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-chat/parley/internal/store"
)

// Row is an entry as it is stored.
type Row struct {
	Seq, At int64
	Visible int16
	ID      []byte
	Body    string
}

// maxMissed is how many entries a batch is told of that it lost to. It is told again if
// there are more.
const maxMissed = 16

// Batch is an append on its way.
type Batch struct {
	Chat  []byte
	After int64
	Rows  []Row
	// Contacts are the contacts' rows: the values of the contact table's columns up to
	// labels, as bytes, text or a number of milliseconds, nil if there is no time.
	Contacts [][]any
	// Until is when to give up.
	Until time.Time
	// Err is the outcome.
	Err error
	// Missed are entries that are there instead of the batch's, if Err is
	// [store.ErrConflict] and the committer expected that: the oldest, up to maxMissed.
	Missed []Row

	maybe bool // it was tried, and nobody knows whether it is stored
}

// last is the Seq of the chat's last entry when the batch is stored.
func (b *Batch) last() int64 { return b.After + int64(len(b.Rows)) }

// Committer stores batches. It has one connection and belongs to one goroutine.
type Committer struct {
	server *Server
	health *Health
	conn   *pgx.Conn // nil: to be made when needed
	rivals bool      // the last transaction had a conflict: in the next one, those who lose are told to what
}

// NewCommitter makes a committer; it connects when there is something to store.
func NewCommitter(s *Server, h *Health) *Committer { return &Committer{server: s, health: h} }

// Close ends the connection.
func (c *Committer) Close() error {
	if c.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.health.haste)
	defer cancel()
	err := c.conn.Close(ctx)
	c.conn = nil
	return err
}

// Commit stores the batches in few transactions, one if their chats are different, and
// sets the outcome of each.
func (c *Committer) Commit(group []*Batch) {
	slices.SortStableFunc(group, func(a, b *Batch) int { return bytes.Compare(a.Chat, b.Chat) })
	for len(group) > 0 {
		var now, later []*Batch
		for _, b := range group {
			if len(now) > 0 && bytes.Equal(now[len(now)-1].Chat, b.Chat) {
				later = append(later, b) // its chat is about to move on
			} else {
				now = append(now, b)
			}
		}
		c.commit(now)
		group = later
	}
}

// commit stores batches of different chats, sorted by chat, in one transaction. If one
// can't be stored, each is tried in a transaction of its own, so that the others are.
func (c *Committer) commit(group []*Batch) {
	err := c.health.Try(context.Background(), func(ctx context.Context) error {
		if group = c.inTime(group); len(group) == 0 {
			return nil
		}
		err := c.transact(ctx, group)
		if err != nil {
			for _, b := range group {
				b.Err, b.maybe = err, true
			}
		}
		return err
	})
	if err != nil && poisoned(err) && len(group) > 1 {
		for _, b := range group {
			c.commit([]*Batch{b})
		}
	}
}

// inTime drops the batches whose time is over; they keep the error of the last attempt.
func (c *Committer) inTime(group []*Batch) []*Batch {
	now := time.Now()
	return slices.DeleteFunc(slices.Clone(group), func(b *Batch) bool {
		late := now.After(b.Until)
		if late && !b.maybe {
			b.Err = fmt.Errorf("%w: it waited too long to be written", store.ErrBusy)
		}
		return late
	})
}

// transact runs one transaction: all of its statements are sent at once, and it ends
// with them. When it fails, the next one finds a connection in order.
func (c *Committer) transact(ctx context.Context, group []*Batch) error {
	if c.conn == nil || c.conn.IsClosed() {
		conn, err := c.server.connect(ctx)
		if err != nil {
			return err
		}
		c.conn = conn
	}
	won := make(map[[16]byte]bool, len(group))
	all := statements(group, won)
	if c.rivals {
		askMissed(all, group)
	}
	err := c.conn.SendBatch(ctx, all).Close()
	if err != nil {
		if lost(err) || Transient(err) {
			c.abandon() // it leads to the wrong server, or nowhere
		}
		return err
	}
	c.rivals = false
	for _, b := range group {
		b.Err = nil
		if !won[[16]byte(b.Chat)] {
			b.Err, c.rivals = store.ErrConflict, true
		}
	}
	return nil
}

// abandon throws the connection away.
func (c *Committer) abandon() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // no good-bye
	c.conn.Close(ctx)
	c.conn = nil
}

// statements are the transaction's; they note in won whose chats were.
func statements(group []*Batch, won map[[16]byte]bool) *pgx.Batch {
	var first, rest entries
	var contacts contacts
	maybe := false
	for _, b := range group {
		maybe = maybe || b.maybe
		for i := range b.Rows {
			if i == 0 {
				first.add(b, i)
			} else {
				rest.add(b, i)
			}
		}
		contacts.add(b)
	}
	note := func(rows pgx.Rows) error {
		var id []byte
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error { won[[16]byte(id)] = true; return nil })
		return err
	}
	all := &pgx.Batch{}
	if len(first.chats) > 0 {
		all.Queue(sqlFirst, first.args()...).Query(note)
	}
	if maybe && len(first.chats) > 0 {
		all.Queue(sqlWon, first.chats, first.seqs, first.ids).Query(note)
	}
	if len(rest.chats) > 0 {
		all.Queue(sqlRest, append(rest.args(), rest.firstSeqs, rest.firstIDs)...)
	}
	if len(contacts.rows) > 0 {
		all.Queue(sqlContacts, contacts.args()...).Query(note)
	}
	return all
}

// askMissed adds the statement that tells the batches which lose what is there instead.
func askMissed(all *pgx.Batch, group []*Batch) {
	var first entries
	chats := make(map[[16]byte]*Batch, len(group))
	for _, b := range group {
		b.Missed = nil
		if len(b.Rows) > 0 {
			first.add(b, 0)
			chats[[16]byte(b.Chat)] = b
		}
	}
	if len(chats) == 0 {
		return
	}
	all.Queue(sqlMissed, first.chats, first.seqs, first.ids, maxMissed).Query(func(rows pgx.Rows) error {
		var id []byte
		var r Row
		_, err := pgx.ForEachRow(rows, []any{&id, &r.Seq, &r.ID, &r.At, &r.Body}, func() error {
			b := chats[[16]byte(id)]
			b.Missed = append(b.Missed, r)
			r.ID = nil // the next row's is not to be written over it
			return nil
		})
		return err
	})
}

// entries are parameters, a value for each row.
type entries struct {
	chats, ids [][]byte
	seqs, ats  []int64
	visible    []int16
	bodies     []string
	firstSeqs  []int64
	firstIDs   [][]byte
}

func (e *entries) add(b *Batch, i int) {
	r := &b.Rows[i]
	e.chats, e.ids = append(e.chats, b.Chat), append(e.ids, r.ID)
	e.seqs, e.ats = append(e.seqs, r.Seq), append(e.ats, r.At)
	e.visible, e.bodies = append(e.visible, r.Visible), append(e.bodies, r.Body)
	e.firstSeqs, e.firstIDs = append(e.firstSeqs, b.After+1), append(e.firstIDs, b.Rows[0].ID)
}

func (e *entries) args() []any {
	return []any{e.chats, e.seqs, e.ids, e.ats, e.visible, e.bodies}
}

// contacts are parameters of sqlContacts.
type contacts struct {
	rows            [][]any
	seqs, firstSeqs []int64
	firstIDs        [][]byte // nil for a batch without entries
}

func (c *contacts) add(b *Batch) {
	for _, row := range b.Contacts {
		c.rows = append(c.rows, row)
		c.seqs, c.firstSeqs = append(c.seqs, b.last()), append(c.firstSeqs, b.After+1)
		var id []byte
		if len(b.Rows) > 0 {
			id = b.Rows[0].ID
		}
		c.firstIDs = append(c.firstIDs, id)
	}
}

func (c *contacts) args() []any {
	var args []any
	for i := range c.rows[0] {
		switch c.rows[0][i].(type) {
		case []byte:
			args = append(args, column[[]byte](c.rows, i))
		case string:
			args = append(args, column[string](c.rows, i))
		default:
			args = append(args, times(c.rows, i))
		}
	}
	return append(args, c.seqs, c.firstSeqs, c.firstIDs)
}

// column gives the values of a column, which all have the type.
func column[T any](rows [][]any, i int) []T {
	all := make([]T, len(rows))
	for j, row := range rows {
		all[j] = row[i].(T)
	}
	return all
}

// times gives the values of a column that may have none.
func times(rows [][]any, i int) []*int64 {
	all := make([]*int64, len(rows))
	for j, row := range rows {
		if ms, ok := row[i].(int64); ok {
			all[j] = &ms
		}
	}
	return all
}
