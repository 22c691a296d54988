-- Contacts can be searched, and a chat has a chain of them. Rows written before get
-- what the log knows.
ALTER TABLE contact ADD COLUMN previous_id  BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
ALTER TABLE contact ADD COLUMN method       TEXT NOT NULL DEFAULT 'API';
ALTER TABLE contact ADD COLUMN queued_at    INTEGER;
ALTER TABLE contact ADD COLUMN connected_at INTEGER; -- when an agent first joined
ALTER TABLE contact ADD COLUMN customer     TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN name         TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN cause        TEXT NOT NULL DEFAULT '';
ALTER TABLE contact ADD COLUMN labels       TEXT NOT NULL DEFAULT ''; -- see chat.Summary

UPDATE contact SET
	customer = COALESCE((SELECT body ->> '$.started.customer.name' FROM entry
		WHERE chat_id = contact.chat_id AND seq = 1), ''),
	queued_at = (SELECT MAX(at) FROM entry
		WHERE chat_id = contact.chat_id AND body LIKE '{"kind":"queued"%'),
	connected_at = (SELECT MIN(at) FROM entry
		WHERE chat_id = contact.chat_id AND body LIKE '{"kind":"joined"%' AND body ->> '$.by.role' = 'AGENT'),
	cause = COALESCE((SELECT body ->> '$.cause' FROM entry
		WHERE chat_id = contact.chat_id AND body LIKE '{"kind":"ended"%'), '');

-- Of each attribute, the value that was set last.
WITH written (chat_id, seq, key, value) AS (
	SELECT chat_id, seq, j.key, j.value FROM entry, json_each(body, '$.started.attributes') AS j
	WHERE body LIKE '{"kind":"started"%'
	UNION ALL
	SELECT chat_id, seq, j.key, j.value FROM entry, json_each(body, '$.attributes') AS j
	WHERE body LIKE '{"kind":"attributes"%'
), last (chat_id, key, value, seq) AS (
	SELECT chat_id, key, value, MAX(seq) FROM written GROUP BY chat_id, key
), label (chat_id, label) AS (
	SELECT chat_id, '["a","'
		|| replace(replace(replace(key, '\', '\\'), '"', '\"'), char(10), '\n') || '","'
		|| replace(replace(replace(value, '\', '\\'), '"', '\"'), char(10), '\n') || '"]' || char(10)
	FROM last
), joined (chat_id, labels) AS (
	SELECT chat_id, group_concat(label, '' ORDER BY label) FROM label GROUP BY chat_id
)
UPDATE contact SET labels = joined.labels FROM joined WHERE joined.chat_id = contact.chat_id;

CREATE INDEX contact_initiated ON contact (instance_id, initiated_at, contact_id) WHERE initiated_at IS NOT NULL;
CREATE INDEX contact_queued    ON contact (instance_id, queued_at, contact_id)    WHERE queued_at IS NOT NULL;
CREATE INDEX contact_connected ON contact (instance_id, connected_at, contact_id) WHERE connected_at IS NOT NULL;
CREATE INDEX contact_ended     ON contact (instance_id, ended_at, contact_id)     WHERE ended_at IS NOT NULL;
