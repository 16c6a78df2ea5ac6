SELECT 'constraint' AS kind, r.name || '.' || pg_catalog.quote_ident(k.conname) AS name, r.kind AS "parentKind", r.name AS parent,
    k.tableoid AS class, k.oid, r.oid AS unit,
    pg_catalog.pg_get_constraintdef(k.oid) AS definition,
    CASE WHEN k.coninhcount > 0 OR k.conparentid <> 0 THEN
        CASE WHEN k.conislocal AND k.coninhcount > 0 THEN 'inherited and own' ELSE 'inherited' END END AS inheritance
FROM @relations@ r
JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x')
WHERE (k.conname NOT BETWEEN 'attic_0' AND 'attic_g' OR k.conname @current@)
    -- not those that a foreign key has for each partition of the table that it references
    AND NOT (k.contype = 'f' AND k.conparentid <> 0 AND EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid))
