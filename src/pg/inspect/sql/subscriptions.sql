-- the connection string may have a password
SELECT 'subscription' AS kind, pg_catalog.quote_ident(s.subname) AS name, 'pg_catalog.pg_subscription'::pg_catalog.regclass::oid AS class, s.oid, s.oid AS unit,
    pg_catalog.pg_get_userbyid(s.subowner) AS owner, CASE WHEN NOT s.subenabled THEN true END AS "disabled:bool",
    nullif(s.subbinary, false) AS "binary:bool", s.substream::text AS streaming, s.subslotname AS slot,
    s.subsynccommit AS "synchronousCommit", pg_catalog.array_to_json(s.subpublications) AS "publications:json"
FROM pg_catalog.pg_subscription s
WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AND s.oid @units@
