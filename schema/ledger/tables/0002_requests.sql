-- The ledger, version 2: requests of a second process, and how far a backfill is.
CREATE TABLE @ledger@.wish (
    kind    text PRIMARY KEY CHECK (kind IN ('pause', 'cancel')),
    epoch   bigint CHECK (kind <> 'cancel' OR epoch IS NOT NULL),
    reason  text,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by text NOT NULL,
    db_user text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE @ledger@.wish IS 'What a second process asks of the run: to pause its backfills, to stop';
COMMENT ON COLUMN @ledger@.wish.kind IS 'pause: until the row is deleted; cancel: the run of this epoch, once';
COMMENT ON COLUMN @ledger@.wish.made_by IS 'The operating system''s user and host of who asked';

ALTER TABLE @ledger@.segment
    ADD COLUMN pass integer NOT NULL DEFAULT 0,
    ADD COLUMN seen bigint NOT NULL DEFAULT 0,
    ADD COLUMN changed bigint NOT NULL DEFAULT 0,
    ADD COLUMN unmoved bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN @ledger@.segment.pass IS 'Which walk of a backfill through its table it is';
COMMENT ON COLUMN @ledger@.segment.seen IS 'Rows that this walk has looked at';
COMMENT ON COLUMN @ledger@.segment.changed IS 'Rows that this walk has changed';
COMMENT ON COLUMN @ledger@.segment.unmoved IS 'Those of them that meet the condition as before';

-- a walk that version 1 began cannot tell what it has changed: it is followed by another
UPDATE @ledger@.segment SET pass = 1, changed = rows WHERE cursor IS NOT NULL;
