SELECT 'text search dictionary' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(d.dictname) AS name,
    d.tableoid AS class, d.oid, d.oid AS unit,
    pg_catalog.pg_get_userbyid(d.dictowner) AS owner,
    (SELECT pg_catalog.quote_ident(x.nspname) || '.' || pg_catalog.quote_ident(t.tmplname) FROM pg_catalog.pg_ts_template t
     JOIN pg_catalog.pg_namespace x ON x.oid = t.tmplnamespace WHERE t.oid = d.dicttemplate) AS template,
    d.dictinitoption AS options
FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
WHERE @schema@ AND d.oid @units@ AND @free@(d.tableoid, d.oid))
