SELECT 'index' AS kind, r.schema || '.' || pg_catalog.quote_ident(x.relname) AS name,
    CASE WHEN k.oid IS NULL THEN r.kind ELSE 'constraint' END AS "parentKind",
    r.name || coalesce('.' || pg_catalog.quote_ident(k.conname), '') AS parent,
    x.tableoid AS class, x.oid, r.oid AS unit,
    pg_catalog.pg_get_indexdef(x.oid) AS definition,
    CASE WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN true END AS "invalid:bool",
    nullif(i.indisclustered, false) AS "clustered:bool",
    nullif(i.indisreplident, false) AS "replicaIdentity:bool",
    s.spcname AS tablespace,
    (SELECT pg_catalog.json_object_agg(a.attnum, a.attstattarget) FROM pg_catalog.pg_attribute a
     WHERE i.indexprs IS NOT NULL AND a.attrelid = x.oid AND a.attstattarget >= 0) AS "statistics:json",
    CASE WHEN x.relispartition THEN (SELECT h.inhparent::pg_catalog.regclass FROM pg_catalog.pg_inherits h
        WHERE h.inhrelid = x.oid) END AS "partitionOf"
FROM @relations@ r
JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = x.oid AND k.conrelid = r.oid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = x.reltablespace
WHERE (x.relname NOT BETWEEN 'attic_0' AND 'attic_g' OR x.relname @current@)
