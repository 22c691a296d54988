package sqlstore

import (
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/store"
)

// tally counts what was written, for those who wonder how much appends share: it is
// logged when the store is closed.
type tally struct{ transactions, appends, conflicts atomic.Int64 }

// group counts appends that share a transaction. Those of one chat, and those that are
// tried again one by one, have further ones, which is rare and not counted.
func (c *tally) group(appends int) {
	c.transactions.Add(1)
	c.appends.Add(int64(appends))
}

// answered counts an append by what became of it.
func (c *tally) answered(err error) {
	if errors.Is(err, store.ErrConflict) {
		c.conflicts.Add(1)
	}
}

func (c *tally) log(to *slog.Logger) {
	if n := c.transactions.Load(); n > 0 {
		to.Info("the store is closed", "transactions", n, "appends", c.appends.Load(), "conflicts", c.conflicts.Load())
	}
}
