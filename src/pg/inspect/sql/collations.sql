SELECT 'collation' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname) AS name,
    c.tableoid AS class, c.oid, c.oid AS unit,
    pg_catalog.pg_get_userbyid(c.collowner) AS owner,
    CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc' WHEN 'b' THEN 'builtin' WHEN 'd' THEN 'default' END AS provider,
    CASE WHEN NOT c.collisdeterministic THEN true END AS "nondeterministic:bool",
    nullif(c.collencoding, -1) AS "encoding:number",
    c.collcollate AS "collate", c.collctype AS ctype,
    coalesce(pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale') AS locale,
    pg_catalog.to_jsonb(c) ->> 'collicurules' AS rules
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE @schema@ AND c.oid @units@ AND @free@(c.tableoid, c.oid))
