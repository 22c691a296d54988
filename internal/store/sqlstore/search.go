package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/store"
)

// timeColumns are those of the [store.TimeField]s.
var timeColumns = [...]string{
	store.Initiated: "initiated_at", store.Queued: "queued_at",
	store.ConnectedToAgent: "connected_at", store.Ended: "ended_at",
}

// clause is a WHERE clause with its parameters. Values stand nowhere but in those.
type clause struct {
	text strings.Builder
	args []any
}

// and adds a condition, a format with a %s for the place of each value.
func (c *clause) and(format string, values ...any) {
	if c.text.Len() > 0 {
		c.text.WriteString(" AND ")
	}
	places := make([]any, len(values))
	for i, v := range values {
		c.args = append(c.args, v)
		places[i] = fmt.Sprintf("$%d", len(c.args))
	}
	fmt.Fprintf(&c.text, format, places...)
}

// andOneOf adds that a column has one of the values, unless there are none.
func andOneOf[T ~string](c *clause, column string, values []T) {
	if len(values) == 0 {
		return
	}
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	c.and(column+" IN (%s"+strings.Repeat(", %s", len(all)-1)+")", all...)
}

// where is the clause of all that match a search, wherever its page begins.
func (d *dialect) where(q *store.Search) *clause {
	c, at := &clause{}, timeColumns[q.By]
	c.and("instance_id = %s", q.Instance)
	c.and(at + " IS NOT NULL")
	if !q.From.IsZero() {
		c.and(at+" >= %s", q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		c.and(at+" <= %s", q.To.UnixMilli())
	}
	if q.Active != nil && *q.Active {
		c.and("ended_at IS NULL")
	} else if q.Active != nil {
		c.and("ended_at IS NOT NULL")
	}
	andOneOf(c, "agent", q.Agents)
	andOneOf(c, "queue", q.Queues)
	andOneOf(c, "name", q.Names)
	andOneOf(c, "method", q.Methods)
	for _, wanted := range q.Labels {
		has := d.find + "(labels, %s) > 0"
		all := make([]any, len(wanted))
		for i, label := range wanted {
			all[i] = label
		}
		c.and("("+has+strings.Repeat(" OR "+has, len(all)-1)+")", all...)
	}
	return c
}

// page adds what comes after the cursor, the order and the limit.
func (c *clause) page(q *store.Search) {
	at := timeColumns[q.By]
	beyond, order := "<", " DESC"
	if q.Ascending {
		beyond, order = ">", ""
	}
	if q.After != nil {
		c.and("("+at+", contact_id) "+beyond+" (%s, %s)", q.After.At.UnixMilli(), q.After.Contact.UUID[:])
	}
	c.args = append(c.args, q.Limit)
	fmt.Fprintf(&c.text, " ORDER BY %s%s, contact_id%[2]s LIMIT $%d", at, order, len(c.args))
}

// Search implements [store.Store].
func (r *reader) Search(ctx context.Context, q store.Search) (store.Found, error) {
	var found store.Found
	if err := q.Check(); err != nil {
		return found, err
	}
	c := r.where(&q)
	count := query{text: sqlCountContacts + c.text.String(), db: r.db}
	err := r.trySlowly(ctx, func(ctx context.Context) error {
		return count.all(ctx, func(rows *sql.Rows) error { return rows.Scan(&found.Total) }, c.args...)
	})
	if err != nil || q.Limit == 0 {
		return found, r.failed("search", err)
	}
	c.page(&q)
	page := query{text: sqlSearchContacts + c.text.String(), db: r.db}
	err = r.trySlowly(ctx, func(ctx context.Context) error {
		found.Contacts = nil
		return page.all(ctx, func(rows *sql.Rows) error {
			var s chat.Summary
			err := scanContact(rows, &s)
			found.Contacts = append(found.Contacts, s)
			return err
		}, c.args...)
	})
	return found, r.failed("search", err)
}
