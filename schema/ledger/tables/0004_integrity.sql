-- The ledger, version 4: what decides anything is part of the chain of events, and what a role may
-- write is what it is there for.

-- words of those who may look at the ledger and write nothing else: kept apart from the chain, whose
-- lock they must not hold, until the next run takes them over
CREATE TABLE @ledger@.refusal (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    db_user     text NOT NULL,
    client_addr inet,
    detail      jsonb NOT NULL CHECK (octet_length(detail::text) <= 8192)
);
COMMENT ON TABLE @ledger@.refusal IS 'Commands that were refused to roles without the right to write events; the next run makes events of them';

-- NOT VALID: whatever is there stays there, and is told by those who read it
ALTER TABLE @ledger@.approval ADD CONSTRAINT approval_expires_at_finite CHECK (isfinite(expires_at)) NOT VALID;
ALTER TABLE @ledger@.approval ADD CONSTRAINT approval_size CHECK (octet_length(reason) <= 4096
    AND octet_length(os_user) <= 256 AND octet_length(host) <= 256) NOT VALID;
ALTER TABLE @ledger@.event ADD CONSTRAINT event_kind CHECK (kind IN (
    @kinds@)) NOT VALID;

-- they took texts of the attic's table for SQL, and left no event
DO $dagmar$
DECLARE
    old record;
BEGIN
    FOR old IN SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = @ledgerName@) AND p.proname IN ('purge', 'restore_rows')
    LOOP
        EXECUTE format('DROP FUNCTION %s', old.name);
    END LOOP;
END
$dagmar$;

COMMENT ON COLUMN @ledger@.run.kind IS 'apply, promote, rollback, mark, clear, adopt, purge, restore (both of the attic) or script';
COMMENT ON COLUMN @ledger@.attic.kind IS 'table, column: the thing itself is kept; rows, values: what a rollback would have lost; update, upsert, delete: the rows before; default, notNull, type, constraint, index and others: a definition is remembered';
COMMENT ON COLUMN @ledger@.attic.kept_as IS 'the name it has now: a table of the attic''s schema, or a column of the same table';
COMMENT ON COLUMN @ledger@.event.detail IS 'What is worth knowing; of an event about a changeset, `recorded` is what the ledger had of it then';
