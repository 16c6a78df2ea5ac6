SELECT 'text search template' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.tmplname) AS name,
    t.tableoid AS class, t.oid, t.oid AS unit,
    CASE WHEN t.tmplinit <> 0 THEN t.tmplinit::pg_catalog.regproc END AS init, t.tmpllexize::pg_catalog.regproc AS lexize
FROM pg_catalog.pg_ts_template t JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
WHERE @schema@ AND t.oid @units@ AND @free@(t.tableoid, t.oid))
