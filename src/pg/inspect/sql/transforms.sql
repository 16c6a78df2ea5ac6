SELECT 'transform' AS kind, 'FOR ' || pg_catalog.format_type(t.trftype, NULL) || ' LANGUAGE ' || pg_catalog.quote_ident(l.lanname) AS name,
    t.tableoid AS class, t.oid, t.oid AS unit,
    CASE WHEN t.trffromsql <> 0 THEN t.trffromsql::pg_catalog.regprocedure END AS "fromSql",
    CASE WHEN t.trftosql <> 0 THEN t.trftosql::pg_catalog.regprocedure END AS "toSql"
FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang
WHERE t.oid @units@ AND @free@(t.tableoid, t.oid))
