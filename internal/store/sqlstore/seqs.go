package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

// seqsPage is how many chats sqlLastSeqs asks for.
const seqsPage = 128

// sqlLastSeqs finds chats by their contacts, so that the last entry of each is one look
// into the index: to group entries would be to read the whole chat. Parameters: seqsPage
// ids.
var sqlLastSeqs = `
SELECT DISTINCT chat_id, (SELECT MAX(seq) FROM entry WHERE entry.chat_id = contact.chat_id)
FROM contact WHERE chat_id IN (` + places(seqsPage) + `)`

// places lists parameters from $1 to $n.
func places(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(all, ", ")
}

// LastSeqs implements [store.Store].
func (r *reader) LastSeqs(ctx context.Context, ids []chat.ChatID) (map[chat.ChatID]int64, error) {
	seqs := make(map[chat.ChatID]int64)
	for page := range slices.Chunk(ids, seqsPage) {
		err := r.try(ctx, func(ctx context.Context) error { return r.lastSeqs(ctx, page, seqs) })
		if err != nil {
			return nil, r.failed("last seqs", err)
		}
	}
	return seqs, r.failed("last seqs", nil)
}

// lastSeqs asks for a page of chats. A smaller one is filled with its first.
func (r *reader) lastSeqs(ctx context.Context, page []chat.ChatID, into map[chat.ChatID]int64) error {
	args := make([]any, seqsPage)
	for i := range args {
		args[i] = page[0].UUID[:]
		if i < len(page) {
			args[i] = page[i].UUID[:]
		}
	}
	q := query{text: sqlLastSeqs, db: r.db}
	return q.all(ctx, func(rows *sql.Rows) error {
		var id sql.RawBytes
		var seq *int64 // NULL if there is no entry
		if err := rows.Scan(&id, &seq); err != nil || seq == nil {
			return err
		}
		var c chat.ChatID
		copy(c.UUID[:], id)
		into[c] = *seq
		return nil
	}, args...)
}
