SELECT 'constraint' AS kind, x.name || '.' || pg_catalog.quote_ident(k.conname) AS name, 'domain' AS "parentKind", x.name AS parent,
    k.tableoid AS class, k.oid, x.oid AS unit,
    pg_catalog.pg_get_constraintdef(k.oid) AS definition
FROM (SELECT t.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) AS name
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype = 'd' AND @schema@ AND t.oid @units@ AND @free@(t.tableoid, t.oid))) x
JOIN pg_catalog.pg_constraint k ON k.contypid = x.oid
