SELECT 'sequence' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name,
    CASE WHEN d.deptype = 'i' THEN 'column' END AS "parentKind",
    CASE WHEN d.deptype = 'i' THEN d.refobjid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname) END AS parent,
    c.tableoid AS class, c.oid, c.oid AS unit,
    NOT pg_catalog.has_sequence_privilege(c.oid, 'SELECT') AS unreadable,
    pg_catalog.format_type(s.seqtypid, NULL) AS type, s.seqstart AS "start:number", s.seqincrement AS "increment:number",
    s.seqmin AS "minimum:number", s.seqmax AS "maximum:number", s.seqcache AS "cache:number",
    nullif(s.seqcycle, false) AS "cycle:bool",
    CASE WHEN d.deptype = 'a' THEN d.refobjid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname) END AS "ownedBy",
    CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
    pg_catalog.pg_get_userbyid(c.relowner) AS owner,
    pg_catalog.array_to_json(coalesce(c.relacl, pg_catalog.acldefault('s', c.relowner))::text[]) AS "privileges:acl"
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_catalog.pg_depend d ON d.classid = c.tableoid AND d.objid = c.oid AND d.objsubid = 0
    AND d.refclassid = c.tableoid AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE @schema@ AND c.oid @units@ AND (c.relname NOT BETWEEN 'attic_0' AND 'attic_g' OR c.relname @current@) AND @free@(c.tableoid, c.oid))
