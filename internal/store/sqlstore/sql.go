package sqlstore

// One text for all databases; what can't be the same is in dialect.go. A parameter
// that the text compares with a column is compared with the column first, because
// PostgreSQL takes the type of a parameter from its first use.
const (
	// In the order of contactArgs and scanContact.
	contactColumns = `chat_id, contact_id, previous_id, instance_id, method,
	initiated_at, queued_at, connected_at, ended_at, deadline,
	queue, agent, customer, name, cause, labels`

	// Stores an entry if the one before it ($7) is there or none is needed, and nobody
	// was faster; else it affects no row. Parameters: row.args.
	sqlInsertEntry = `
INSERT INTO entry (chat_id, seq, id, at, visible, body)
SELECT $1, $2, $3, $4, $5, $6
WHERE EXISTS (SELECT 1 FROM entry WHERE chat_id = $1 AND seq = $7) OR $7 = 0
ON CONFLICT DO NOTHING`

	sqlLastSeq = `SELECT COALESCE(MAX(seq), 0) FROM entry WHERE chat_id = $1`

	// Parameters: contactArgs.
	sqlPutContact = `
INSERT INTO contact (` + contactColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (chat_id, contact_id) DO UPDATE SET
	previous_id = excluded.previous_id, instance_id = excluded.instance_id, method = excluded.method,
	initiated_at = excluded.initiated_at, queued_at = excluded.queued_at, connected_at = excluded.connected_at,
	ended_at = excluded.ended_at, deadline = excluded.deadline,
	queue = excluded.queue, agent = excluded.agent, customer = excluded.customer,
	name = excluded.name, cause = excluded.cause, labels = excluded.labels`

	sqlEntries = `
SELECT seq, id, at, body FROM entry
WHERE chat_id = $1 AND seq > $2
ORDER BY seq LIMIT $3`

	sqlOldestItems = `
SELECT seq, id, at, body FROM entry
WHERE chat_id = $1 AND seq >= $2 AND seq <= $3 AND visible = 1
ORDER BY seq LIMIT $4`

	sqlNewestItems = `
SELECT seq, id, at, body FROM entry
WHERE chat_id = $1 AND seq >= $2 AND seq <= $3 AND visible = 1
ORDER BY seq DESC LIMIT $4`

	sqlSeqAt = `
SELECT seq FROM entry
WHERE chat_id = $1 AND at <= $2 AND visible = 1
ORDER BY seq DESC LIMIT 1`

	sqlChats = `SELECT chat_id FROM entry WHERE chat_id > $1 AND seq = 1 ORDER BY chat_id LIMIT $2`

	sqlContact = `SELECT ` + contactColumns + ` FROM contact WHERE contact_id = $1 LIMIT 1`

	// What follows is made by clause.
	sqlCountContacts  = `SELECT COUNT(*) FROM contact WHERE `
	sqlSearchContacts = `SELECT ` + contactColumns + ` FROM contact WHERE `

	sqlDue = `
SELECT chat_id, deadline FROM contact
WHERE deadline IS NOT NULL AND ended_at IS NULL
ORDER BY deadline LIMIT $1`
)
