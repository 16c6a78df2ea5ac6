SELECT 'extension' AS kind, pg_catalog.quote_ident(e.extname) AS name, e.tableoid AS class, e.oid, e.oid AS unit,
    e.extversion AS version, e.extnamespace::pg_catalog.regnamespace AS schema,
    pg_catalog.pg_get_userbyid(e.extowner) AS owner
FROM pg_catalog.pg_extension e
WHERE e.oid @units@
