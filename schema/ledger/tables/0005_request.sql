-- The ledger, version 5: a request of a second process is called a request.
ALTER TABLE @ledger@.wish RENAME TO request;
ALTER TABLE @ledger@.request RENAME CONSTRAINT wish_pkey TO request_pkey;
ALTER TABLE @ledger@.request RENAME CONSTRAINT wish_kind_check TO request_kind_check;
ALTER TABLE @ledger@.request RENAME CONSTRAINT wish_check TO request_check;
COMMENT ON TABLE @ledger@.request IS 'Requests of a second process to the run: pause its backfills, or stop';
COMMENT ON COLUMN @ledger@.request.made_by IS 'The operating system''s user and host of the person who made the request';
