-- The ledger, version 3: approvals of sealed plans.
CREATE TABLE @ledger@.approval (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      text NOT NULL CHECK (digest ~ '^p1:[0-9a-f]{64}$'),
    verdict     text NOT NULL CHECK (verdict IN ('approve', 'reject')),
    reason      text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    os_user     text NOT NULL,
    host        text NOT NULL,
    expires_at  timestamptz,
    db_user     text NOT NULL,
    roles       text[] NOT NULL,
    client_addr inet,
    at          timestamptz NOT NULL
);
COMMENT ON TABLE @ledger@.approval IS 'Who approved or rejected which sealed plan here: append only; each has an event';
COMMENT ON COLUMN @ledger@.approval.digest IS 'Of the sealed plan: whatever would run differently has another one';
COMMENT ON COLUMN @ledger@.approval.os_user IS 'The operating system''s user, as the client says; the columns from db_user on are the server''s word';
COMMENT ON COLUMN @ledger@.approval.roles IS 'The roles that the user was a member of';
CREATE INDEX approval_digest_idx ON @ledger@.approval (digest);

-- a database that was made anew under the same name is another one
INSERT INTO @ledger@.meta (key, value) VALUES ('installation', pg_catalog.gen_random_uuid()::text);
