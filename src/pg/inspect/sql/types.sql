SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END AS kind,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) AS name,
    t.tableoid AS class, t.oid, t.oid AS unit,
    pg_catalog.pg_get_userbyid(t.typowner) AS owner,
    pg_catalog.array_to_json(coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))::text[]) AS "privileges:acl",
    CASE WHEN NOT t.typisdefined THEN 'shell' ELSE CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range' WHEN 'b' THEN 'base' END END AS "typeKind",
    CASE t.typtype WHEN 'e' THEN (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END AS "labels:json",
    CASE t.typtype WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END AS "baseType",
    nullif(t.typnotnull, false) AS "notNull:bool",
    t.typdefault AS default,
    CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN t.typcollation::pg_catalog.regcollation END AS collation,
    CASE WHEN r.rngtypid IS NOT NULL THEN pg_catalog.format_type(r.rngsubtype, NULL) END AS subtype,
    CASE WHEN r.rngtypid IS NOT NULL THEN r.rngmultitypid::pg_catalog.regtype END AS multirange,
    (SELECT pg_catalog.quote_ident(x.nspname) || '.' || pg_catalog.quote_ident(o.opcname) FROM pg_catalog.pg_opclass o
     JOIN pg_catalog.pg_namespace x ON x.oid = o.opcnamespace WHERE o.oid = r.rngsubopc) AS "subtypeOperatorClass",
    CASE WHEN r.rngcollation <> 0 THEN r.rngcollation::pg_catalog.regcollation END AS "subtypeCollation",
    CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::pg_catalog.regprocedure END AS "canonicalFunction",
    CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::pg_catalog.regprocedure END AS "differenceFunction",
    CASE WHEN t.typtype = 'b' AND t.typisdefined THEN (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
        'input', t.typinput::pg_catalog.regprocedure, 'output', t.typoutput::pg_catalog.regprocedure,
        'receive', nullif(t.typreceive, 0)::pg_catalog.regprocedure, 'send', nullif(t.typsend, 0)::pg_catalog.regprocedure,
        'typmodIn', nullif(t.typmodin, 0)::pg_catalog.regprocedure, 'typmodOut', nullif(t.typmodout, 0)::pg_catalog.regprocedure,
        'analyze', nullif(t.typanalyze, 0)::pg_catalog.regprocedure,
        'subscript', nullif(t.typsubscript, 0)::pg_catalog.regprocedure,
        'length', t.typlen, 'byValue', t.typbyval, 'alignment', t.typalign, 'storage', t.typstorage, 'category', t.typcategory,
        'preferred', t.typispreferred, 'delimiter', t.typdelim, 'collatable', t.typcollation <> 0,
        'element', CASE WHEN t.typelem <> 0 THEN pg_catalog.format_type(t.typelem, NULL) END))) END AS "*"
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
WHERE @schema@ AND t.oid @units@ AND @free@(t.tableoid, t.oid))
    -- not those that come with a table, and no arrays
    AND t.typtype IN ('b', 'c', 'd', 'e', 'r', 'p') AND (t.typrelid = 0 OR c.relkind = 'c')
    AND NOT (t.typelem <> 0 AND t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc)
