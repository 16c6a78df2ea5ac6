-- a new kind of event
ALTER TABLE @ledger@.event DROP CONSTRAINT IF EXISTS event_kind;
ALTER TABLE @ledger@.event ADD CONSTRAINT event_kind CHECK (kind IN (
    @kinds@)) NOT VALID;
