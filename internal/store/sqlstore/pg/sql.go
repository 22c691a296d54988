package pg

// What is written, for many chats in one statement: each parameter is an array with a
// value for each row. Rows are taken in the order of their chats, in every statement
// and on every node, and the entries' locks before the contacts': so transactions wait
// for each other in one direction, and never in a circle.
//
// An entry is looked for by a subquery that gives a value, never by EXISTS or a join: those
// may be planned as a hash of all entries, while the table is small or not yet analyzed, and
// the plan stays when it has grown.
const (
	// Stores the first entry of each batch if the one before it is there or none is
	// needed, and nobody was faster: that decides who has the chat's next Seq. Somebody
	// who is just trying to take it is waited for. Gives the chats that were won.
	sqlFirst = `
INSERT INTO entry (chat_id, seq, id, at, visible, body)
SELECT n.chat_id, n.seq, n.id, n.at, n.visible, n.body
FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bigint[], $5::smallint[], $6::text[])
	AS n (chat_id, seq, id, at, visible, body)
WHERE n.seq = 1 OR n.seq - 1 = (SELECT e.seq FROM entry e WHERE e.chat_id = n.chat_id AND e.seq = n.seq - 1)
ORDER BY n.chat_id
ON CONFLICT DO NOTHING
RETURNING chat_id`

	// Gives the chats whose first entry is there, by its id: won in this transaction, or
	// in an earlier one of which nobody knows how it ended.
	sqlWon = `
SELECT n.chat_id FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS n (chat_id, seq, id)
WHERE n.id = (SELECT e.id FROM entry e WHERE e.chat_id = n.chat_id AND e.seq = n.seq)`

	// Gives up to $4 entries from each chat's $2 on, of the chats whose entry $2 is not the
	// batch's own.
	sqlMissed = `
SELECT e.chat_id, e.seq, e.id, e.at, e.body
FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS n (chat_id, seq, id)
CROSS JOIN LATERAL (
	SELECT * FROM entry WHERE entry.chat_id = n.chat_id AND entry.seq >= n.seq ORDER BY entry.seq LIMIT $4
) e
WHERE n.id <> (SELECT own.id FROM entry own WHERE own.chat_id = n.chat_id AND own.seq = n.seq)
ORDER BY e.chat_id, e.seq`

	// Stores the other entries of the batches whose first ($7, $8) was won.
	sqlRest = `
INSERT INTO entry (chat_id, seq, id, at, visible, body)
SELECT n.chat_id, n.seq, n.id, n.at, n.visible, n.body
FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bigint[], $5::smallint[], $6::text[], $7::bigint[], $8::bytea[])
	AS n (chat_id, seq, id, at, visible, body, first_seq, first_id)
WHERE n.first_id = (SELECT e.id FROM entry e WHERE e.chat_id = n.chat_id AND e.seq = n.first_seq)
ORDER BY n.chat_id, n.seq
ON CONFLICT DO NOTHING`

	// Puts the rows of contacts, of batches that were won, or without entries ($19 is
	// NULL) of chats whose last entry is the one expected ($17). A row that was written
	// with a later entry stays. Gives the chats of the rows that were put.
	sqlContacts = `
INSERT INTO contact (chat_id, contact_id, previous_id, instance_id, method,
	initiated_at, queued_at, connected_at, ended_at, deadline,
	queue, agent, customer, name, cause, labels, seq)
SELECT n.chat_id, n.contact_id, n.previous_id, n.instance_id, n.method,
	n.initiated_at, n.queued_at, n.connected_at, n.ended_at, n.deadline,
	n.queue, n.agent, n.customer, n.name, n.cause, n.labels, n.seq
FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::text[],
	$6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
	$11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
	$17::bigint[], $18::bigint[], $19::bytea[])
	AS n (chat_id, contact_id, previous_id, instance_id, method,
	initiated_at, queued_at, connected_at, ended_at, deadline,
	queue, agent, customer, name, cause, labels, seq, first_seq, first_id)
WHERE CASE WHEN n.first_id IS NULL
	THEN n.seq = (SELECT COALESCE(MAX(e.seq), 0) FROM entry e WHERE e.chat_id = n.chat_id)
	ELSE n.first_id = (SELECT e.id FROM entry e WHERE e.chat_id = n.chat_id AND e.seq = n.first_seq) END
ORDER BY n.chat_id, n.contact_id
ON CONFLICT (chat_id, contact_id) DO UPDATE SET
	previous_id = excluded.previous_id, instance_id = excluded.instance_id, method = excluded.method,
	initiated_at = excluded.initiated_at, queued_at = excluded.queued_at, connected_at = excluded.connected_at,
	ended_at = excluded.ended_at, deadline = excluded.deadline,
	queue = excluded.queue, agent = excluded.agent, customer = excluded.customer,
	name = excluded.name, cause = excluded.cause, labels = excluded.labels, seq = excluded.seq
WHERE contact.seq <= excluded.seq
RETURNING chat_id`
)
