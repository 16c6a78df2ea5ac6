-- The tables of the ledger, version 1. Runs once, inside one transaction.
COMMENT ON SCHEMA @ledger@ IS 'dagmar: which changesets this database has, and how it came to them';
COMMENT ON SCHEMA @attic@ IS 'dagmar: tables and rows that were dropped, until their retention is over';

CREATE TABLE @ledger@.meta (
    key   text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE @ledger@.meta IS 'Facts about the ledger itself: its version, its installation';

CREATE TABLE @ledger@.lease (
    epoch        bigint PRIMARY KEY,
    holder       text,
    backend_pid  integer,
    taken_at     timestamptz,
    heartbeat_at timestamptz,
    only_one     boolean NOT NULL DEFAULT true UNIQUE CHECK (only_one)
);
COMMENT ON TABLE @ledger@.lease IS 'Who runs: one row; every run takes the next epoch, and a runner of an earlier epoch can commit nothing';
COMMENT ON COLUMN @ledger@.lease.holder IS 'Host, process and user of the last runner';
INSERT INTO @ledger@.lease (epoch) VALUES (0);

CREATE TABLE @ledger@.run (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL,
    environment text NOT NULL,
    status      text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed', 'interrupted')),
    steps       integer NOT NULL,
    version     text NOT NULL,
    db_user     text NOT NULL DEFAULT session_user,
    os_user     text,
    host        text,
    client_addr inet DEFAULT inet_client_addr(),
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    message     text
);
COMMENT ON TABLE @ledger@.run IS 'Every execution of a plan';
COMMENT ON COLUMN @ledger@.run.kind IS 'apply, rollback, mark or script';
COMMENT ON COLUMN @ledger@.run.version IS 'The version of dagmar that ran it';
CREATE INDEX run_started_at_idx ON @ledger@.run (started_at);

CREATE TABLE @ledger@.changeset (
    id          text PRIMARY KEY,
    status      text NOT NULL CHECK (status IN ('applied', 'partly', 'failed', 'skipped', 'held')),
    ordinal     bigint GENERATED ALWAYS AS IDENTITY,
    checksum    text NOT NULL,
    digest      text NOT NULL,
    description text,
    author      text,
    labels      text[] NOT NULL DEFAULT '{}',
    file        text,
    repeatable  boolean NOT NULL DEFAULT false,
    body        jsonb NOT NULL,
    forward     jsonb NOT NULL,
    rollback    jsonb NOT NULL,
    run         uuid NOT NULL REFERENCES @ledger@.run,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by  text NOT NULL DEFAULT session_user,
    duration_ms bigint,
    reason      text,
    error       jsonb
);
COMMENT ON TABLE @ledger@.changeset IS 'What is true now: every changeset that is applied, half applied, failed, skipped or held here';
COMMENT ON COLUMN @ledger@.changeset.status IS 'applied: done; partly: some segments are done; failed: tried, nothing remains; skipped, held: marked by hand';
COMMENT ON COLUMN @ledger@.changeset.ordinal IS 'The order in which changesets came to this database';
COMMENT ON COLUMN @ledger@.changeset.checksum IS 'Of the changeset as written, before variables: the same in every environment';
COMMENT ON COLUMN @ledger@.changeset.digest IS 'Of the SQL as rendered for this environment';
COMMENT ON COLUMN @ledger@.changeset.body IS 'The changeset as written';
COMMENT ON COLUMN @ledger@.changeset.forward IS 'The segments that were run';
COMMENT ON COLUMN @ledger@.changeset.rollback IS 'The segments that take it back, rendered when it was applied';
COMMENT ON COLUMN @ledger@.changeset.reason IS 'Why it was marked by hand';
COMMENT ON COLUMN @ledger@.changeset.error IS 'What went wrong: SQLSTATE and message, never row values';
CREATE INDEX changeset_run_idx ON @ledger@.changeset (run);

CREATE TABLE @ledger@.requires (
    changeset text NOT NULL REFERENCES @ledger@.changeset ON UPDATE CASCADE ON DELETE CASCADE,
    needs     text NOT NULL REFERENCES @ledger@.changeset ON UPDATE CASCADE ON DELETE RESTRICT,
    PRIMARY KEY (changeset, needs)
);
COMMENT ON TABLE @ledger@.requires IS 'The edges: the database itself refuses to forget a changeset that others need';
CREATE INDEX requires_needs_idx ON @ledger@.requires (needs);

CREATE TABLE @ledger@.segment (
    changeset   text NOT NULL REFERENCES @ledger@.changeset ON UPDATE CASCADE ON DELETE CASCADE,
    direction   text NOT NULL CHECK (direction IN ('forward', 'rollback')),
    no          integer NOT NULL,
    status      text NOT NULL CHECK (status IN ('started', 'done')),
    cursor      jsonb,
    rows        bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (changeset, direction, no)
);
COMMENT ON TABLE @ledger@.segment IS 'Progress inside of changesets that are more than one transaction';
COMMENT ON COLUMN @ledger@.segment.cursor IS 'The last key of a backfill; committed together with its batch';

CREATE TABLE @ledger@.superseded (
    changeset     text NOT NULL REFERENCES @ledger@.changeset ON UPDATE CASCADE ON DELETE CASCADE,
    version       integer NOT NULL,
    content       jsonb NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (changeset, version)
);
COMMENT ON TABLE @ledger@.superseded IS 'Earlier versions of repeatable changesets: what rollback restores';

CREATE TABLE @ledger@.event (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    run       uuid,
    kind      text NOT NULL,
    changeset text,
    db_user   text NOT NULL DEFAULT session_user,
    detail    jsonb NOT NULL DEFAULT '{}',
    hash      text NOT NULL
);
COMMENT ON TABLE @ledger@.event IS 'What ever happened: append only, each row carries a hash over itself and the row before';
CREATE INDEX event_changeset_idx ON @ledger@.event (changeset) WHERE changeset IS NOT NULL;
CREATE INDEX event_run_idx ON @ledger@.event (run);

CREATE VIEW @ledger@.schema_migrations AS
SELECT id AS version,
       coalesce(description, id) AS name,
       applied_at,
       applied_by,
       status,
       duration_ms AS execution_time_ms,
       checksum,
       error ->> 'message' AS error_message
FROM @ledger@.changeset
ORDER BY ordinal;
COMMENT ON VIEW @ledger@.schema_migrations IS 'The columns that people expect of a table of migrations';

CREATE TABLE @ledger@.attic (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changeset text NOT NULL,
    kind text NOT NULL,
    object text NOT NULL,
    kept_as text,
    detail jsonb,
    kept_at timestamptz DEFAULT clock_timestamp(),
    restored_at timestamptz,
    purged_at timestamptz
);
CREATE INDEX attic_open ON @ledger@.attic (changeset, kind, object) WHERE restored_at IS NULL AND purged_at IS NULL;
COMMENT ON TABLE @ledger@.attic IS 'what was dropped and is kept, and what changes remember for their rollback';
COMMENT ON COLUMN @ledger@.attic.id IS 'number of the entry; part of the names of kept rows and values';
COMMENT ON COLUMN @ledger@.attic.changeset IS 'id of the changeset that dropped or changed the object';
COMMENT ON COLUMN @ledger@.attic.kind IS 'table, column: the thing itself is kept; rows, values: what a rollback would have lost; default, notNull, type, constraint, index: a definition is remembered';
COMMENT ON COLUMN @ledger@.attic.object IS 'the object before, as SQL: schema.table, schema.table.column, schema.table.constraint, schema.index';
COMMENT ON COLUMN @ledger@.attic.kept_as IS 'the name it has now: a table of the attic''s schema, or a column of the same table';
COMMENT ON COLUMN @ledger@.attic.detail IS 'what is needed to put it back';
COMMENT ON COLUMN @ledger@.attic.kept_at IS 'when it was dropped or changed';
COMMENT ON COLUMN @ledger@.attic.restored_at IS 'when it was put back';
COMMENT ON COLUMN @ledger@.attic.purged_at IS 'when it was dropped for good';

INSERT INTO @ledger@.meta (key, value) VALUES ('version', '1');
