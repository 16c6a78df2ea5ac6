SELECT 'text search parser' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.prsname) AS name,
    p.tableoid AS class, p.oid, p.oid AS unit,
    p.prsstart::pg_catalog.regproc AS start, p.prstoken::pg_catalog.regproc AS token, p.prsend::pg_catalog.regproc AS "end",
    CASE WHEN p.prsheadline <> 0 THEN p.prsheadline::pg_catalog.regproc END AS headline, p.prslextype::pg_catalog.regproc AS "lexTypes"
FROM pg_catalog.pg_ts_parser p JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
WHERE @schema@ AND p.oid @units@ AND @free@(p.tableoid, p.oid))
