-- The ledger, version 8: what a service needs that acts for people. Uploaded plans, approvals of persons, runs by
-- their request, and how far the events are delivered.
-- a new kind of event
ALTER TABLE @ledger@.event DROP CONSTRAINT IF EXISTS event_kind;
ALTER TABLE @ledger@.event ADD CONSTRAINT event_kind CHECK (kind IN (
    @kinds@)) NOT VALID;

ALTER TABLE @ledger@.approval ADD COLUMN origin jsonb;
ALTER TABLE @ledger@.approval ADD CONSTRAINT approval_origin CHECK (jsonb_typeof(origin) = 'object'
    AND octet_length(origin::text) <= 8192) NOT VALID;
COMMENT ON COLUMN @ledger@.approval.origin IS 'The request with which a person asked a service, as the service says; NULL: the role approved itself';

CREATE TABLE @ledger@.sealed_plan (
    digest      text PRIMARY KEY CHECK (digest ~ '^p1:[0-9a-f]{64}$'),
    content     text NOT NULL CHECK (octet_length(content) <= 67108864),
    expires_at  timestamptz NOT NULL CHECK (isfinite(expires_at)),
    uploaded_by text NOT NULL CHECK (octet_length(uploaded_by) <= 1024),
    uploaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    db_user     text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE @ledger@.sealed_plan IS 'Sealed plans that were uploaded to a service; their digest and signature are verified at each use';
COMMENT ON COLUMN @ledger@.sealed_plan.content IS 'The file';
COMMENT ON COLUMN @ledger@.sealed_plan.expires_at IS 'When the plan expires; some time later it is deleted';
COMMENT ON COLUMN @ledger@.sealed_plan.uploaded_by IS 'The person and the address, as the service says';

CREATE TABLE @ledger@.delivery (
    hook         text PRIMARY KEY CHECK (octet_length(hook) <= 256),
    seq          bigint NOT NULL,
    tries        integer NOT NULL DEFAULT 0,
    tried_since  timestamptz,
    next_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz,
    leased_by    text CHECK (octet_length(leased_by) <= 256),
    given_up     bigint NOT NULL DEFAULT 0,
    last_error   text CHECK (octet_length(last_error) <= 4096)
);
COMMENT ON TABLE @ledger@.delivery IS 'How far the events are delivered to each webhook of a service';
COMMENT ON COLUMN @ledger@.delivery.hook IS 'The name of the webhook in dagmar.yaml';
COMMENT ON COLUMN @ledger@.delivery.seq IS 'The last event that was delivered, given up, or is of no interest';
COMMENT ON COLUMN @ledger@.delivery.tries IS 'How often the event after it was tried in vain';
COMMENT ON COLUMN @ledger@.delivery.tried_since IS 'The first of these tries';
COMMENT ON COLUMN @ledger@.delivery.next_at IS 'When it is tried again';
COMMENT ON COLUMN @ledger@.delivery.leased_until IS 'Until when one instance of the service delivers, and no other';
COMMENT ON COLUMN @ledger@.delivery.leased_by IS 'That instance';
COMMENT ON COLUMN @ledger@.delivery.given_up IS 'How many events were given up';

-- a hash: whoever writes events must not make an index fail by a long text
CREATE INDEX event_request_idx ON @ledger@.event USING hash ((detail -> 'origin' ->> 'request')) WHERE kind = 'runStarted';
