SELECT 'column' AS kind, r.name || '.' || pg_catalog.quote_ident(a.attname) AS name, r.kind AS "parentKind", r.name AS parent,
    r.tableoid AS class, r.oid, a.attnum AS sub, r.oid AS unit, a.attnum AS position,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
    nullif(a.attnotnull, false) AS "notNull:bool",
    CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS default,
    CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS generated,
    CASE a.attgenerated WHEN 'v' THEN 'virtual' WHEN 's' THEN 'stored' END AS "generatedKind",
    CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity,
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::pg_catalog.regcollation END AS collation,
    CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'
        WHEN 'm' THEN 'main' WHEN 'x' THEN 'extended' END END AS storage,
    CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
    CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS "statistics:number",
    CASE WHEN a.attoptions IS NOT NULL THEN (SELECT pg_catalog.json_object_agg(o.option_name, o.option_value)
        FROM pg_catalog.pg_options_to_table(a.attoptions) o) END AS "options:json",
    CASE WHEN a.attfdwoptions IS NOT NULL THEN (SELECT pg_catalog.json_object_agg(o.option_name, o.option_value)
        FROM pg_catalog.pg_options_to_table(a.attfdwoptions) o) END AS "foreignOptions:json",
    CASE WHEN a.attinhcount > 0 THEN CASE WHEN a.attislocal THEN 'inherited and own' ELSE 'inherited' END END AS inheritance,
    CASE WHEN pg_catalog.cardinality(a.attacl) > 0 THEN pg_catalog.array_to_json(a.attacl::text[]) END AS "privileges:acl"
FROM @relations@ r
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef
WHERE (a.attname NOT BETWEEN 'attic_0' AND 'attic_g' OR a.attname @current@)
