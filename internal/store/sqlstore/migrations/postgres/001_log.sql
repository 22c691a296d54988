-- Steps of this schema are taken while nodes of older versions run (expand, migrate,
-- contract): a step only adds what older versions need not know, with defaults, and
-- holds no lock for long. What no version that may run uses any more is removed by a
-- later step, which sets parley_schema.oldest to the number of the oldest step whose
-- version may still run.

-- The log of all chats. A row is never changed. The primary key finds a chat's entries,
-- and decides who was first.
CREATE TABLE entry (
	chat_id BYTEA    NOT NULL, -- 16 bytes
	seq     BIGINT   NOT NULL, -- 1, 2, 3 ... within the chat
	id      BYTEA    NOT NULL, -- 16 bytes
	at      BIGINT   NOT NULL, -- milliseconds since 1970
	visible SMALLINT NOT NULL, -- 1: an item of the transcript
	body    TEXT     NOT NULL, -- the rest of the entry, as JSON
	PRIMARY KEY (chat_id, seq)
);

-- One row for each contact, derived from the log and written with it.
-- A time is in milliseconds since 1970, and NULL if there is none.
CREATE TABLE contact (
	chat_id      BYTEA  NOT NULL,
	contact_id   BYTEA  NOT NULL,
	previous_id  BYTEA  NOT NULL,
	instance_id  TEXT   NOT NULL,
	method       TEXT   NOT NULL,
	initiated_at BIGINT,
	queued_at    BIGINT,
	connected_at BIGINT, -- when an agent first joined
	ended_at     BIGINT,
	deadline     BIGINT,
	queue        TEXT   NOT NULL,
	agent        TEXT   NOT NULL,
	customer     TEXT   NOT NULL,
	name         TEXT   NOT NULL,
	cause        TEXT   NOT NULL,
	labels       TEXT   NOT NULL, -- see chat.Summary
	seq          BIGINT NOT NULL, -- of the chat's last entry when the row was written
	PRIMARY KEY (chat_id, contact_id)
);

CREATE INDEX contact_by_id     ON contact (contact_id);
CREATE INDEX contact_due       ON contact (deadline) WHERE deadline IS NOT NULL AND ended_at IS NULL;
CREATE INDEX contact_initiated ON contact (instance_id, initiated_at, contact_id) WHERE initiated_at IS NOT NULL;
CREATE INDEX contact_queued    ON contact (instance_id, queued_at, contact_id)    WHERE queued_at IS NOT NULL;
CREATE INDEX contact_connected ON contact (instance_id, connected_at, contact_id) WHERE connected_at IS NOT NULL;
CREATE INDEX contact_ended     ON contact (instance_id, ended_at, contact_id)     WHERE ended_at IS NOT NULL;
