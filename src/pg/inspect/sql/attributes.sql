SELECT 'attribute' AS kind, x.name || '.' || pg_catalog.quote_ident(a.attname) AS name, 'type' AS "parentKind", x.name AS parent,
    a.class, a.attrelid AS oid, a.attnum AS sub, x.oid AS unit, a.attnum AS position,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::pg_catalog.regcollation END AS collation
FROM (SELECT t.oid, t.typrelid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) AS name
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
    WHERE @schema@ AND t.oid @units@ AND @free@(t.tableoid, t.oid))) x
JOIN (SELECT a.*, 'pg_catalog.pg_class'::pg_catalog.regclass::oid AS class FROM pg_catalog.pg_attribute a) a
    ON a.attrelid = x.typrelid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
