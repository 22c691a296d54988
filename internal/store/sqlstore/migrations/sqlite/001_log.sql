-- The log of all chats. A row is never changed. Rows stand in the order in which they
-- were written (pos), so that an append touches the end of the table only, whatever
-- the chat; the unique index finds a chat's entries, and decides who was first.
CREATE TABLE entry (
	pos     INTEGER PRIMARY KEY,
	chat_id BLOB    NOT NULL, -- 16 bytes
	seq     INTEGER NOT NULL, -- 1, 2, 3 ... within the chat
	id      BLOB    NOT NULL, -- 16 bytes
	at      INTEGER NOT NULL, -- milliseconds since 1970
	visible INTEGER NOT NULL, -- 1: an item of the transcript
	body    TEXT    NOT NULL, -- the rest of the entry, as JSON
	UNIQUE (chat_id, seq)
) STRICT;

-- One row for each contact, derived from the log and written with it.
-- A time is in milliseconds since 1970, and NULL if there is none.
CREATE TABLE contact (
	chat_id      BLOB NOT NULL,
	contact_id   BLOB NOT NULL,
	instance_id  TEXT NOT NULL,
	initiated_at INTEGER,
	ended_at     INTEGER,
	deadline     INTEGER,
	queue        TEXT NOT NULL,
	agent        TEXT NOT NULL,
	PRIMARY KEY (chat_id, contact_id)
) STRICT;

CREATE INDEX contact_by_id ON contact (contact_id);

CREATE INDEX contact_due ON contact (deadline) WHERE deadline IS NOT NULL AND ended_at IS NULL;

PRAGMA application_id = 1349676153; -- "Prly"
