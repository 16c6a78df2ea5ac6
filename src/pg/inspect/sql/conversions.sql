SELECT 'conversion' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.conname) AS name,
    c.tableoid AS class, c.oid, c.oid AS unit,
    pg_catalog.pg_get_userbyid(c.conowner) AS owner,
    pg_catalog.pg_encoding_to_char(c.conforencoding) AS "from", pg_catalog.pg_encoding_to_char(c.contoencoding) AS "to",
    c.conproc::pg_catalog.regproc AS "function", nullif(c.condefault, false) AS "default:bool"
FROM pg_catalog.pg_conversion c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
WHERE @schema@ AND c.oid @units@ AND @free@(c.tableoid, c.oid))
