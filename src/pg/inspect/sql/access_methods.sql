SELECT 'access method' AS kind, pg_catalog.quote_ident(m.amname) AS name, m.tableoid AS class, m.oid, m.oid AS unit,
    CASE m.amtype WHEN 't' THEN 'table' ELSE 'index' END AS type, m.amhandler::pg_catalog.regproc AS handler
FROM pg_catalog.pg_am m
WHERE m.oid >= 16384 AND m.oid @units@ AND @free@(m.tableoid, m.oid))
