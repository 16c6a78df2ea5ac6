-- what depends on what, by the addresses of objects: a default is its column, the rule of a view is the view
WITH alias AS MATERIALIZED (
    SELECT d.tableoid AS class, d.oid, 'pg_catalog.pg_class'::pg_catalog.regclass::oid AS to_class, d.adrelid AS to_oid, d.adnum::int AS to_sub
    FROM pg_catalog.pg_attrdef d
    UNION ALL SELECT w.tableoid, w.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class, 0 FROM pg_catalog.pg_rewrite w WHERE w.rulename = '_RETURN'
    UNION ALL SELECT t.tableoid, t.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0 FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c'
    UNION ALL SELECT c.tableoid, c.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, c.reltype, 0 FROM pg_catalog.pg_class c WHERE c.relkind = 'c'
    UNION ALL SELECT t.tableoid, t.typarray, CASE WHEN c.relkind <> 'c' THEN c.tableoid ELSE t.tableoid END,
        CASE WHEN c.relkind <> 'c' THEN c.oid ELSE t.oid END, 0
    FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid WHERE t.typarray >= 16384
    UNION ALL SELECT t.tableoid, r.rngmultitypid, t.tableoid, r.rngtypid, 0
    FROM pg_catalog.pg_range r JOIN pg_catalog.pg_type t ON t.oid = r.rngtypid WHERE r.rngtypid >= 16384
    -- what belongs to an extension is the extension
    UNION ALL SELECT d.classid, d.objid, d.refclassid, d.refobjid, 0 FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
    UNION ALL SELECT p.tableoid, p.oid, 'pg_catalog.pg_publication'::pg_catalog.regclass, p.prpubid, 0 FROM pg_catalog.pg_publication_rel p
)
SELECT DISTINCT coalesce(a.to_class, d.classid) AS class, coalesce(a.to_oid, d.objid) AS oid,
    coalesce(nullif(a.to_sub, 0), d.objsubid) AS sub,
    coalesce(b.to_class, d.refclassid) AS "toClass", coalesce(b.to_oid, d.refobjid) AS "toOid", d.refobjsubid AS "toSub"
FROM pg_catalog.pg_depend d
LEFT JOIN alias a ON a.class = d.classid AND a.oid = d.objid AND d.objsubid = 0
LEFT JOIN alias b ON b.class = d.refclassid AND b.oid = d.refobjid AND d.refobjsubid = 0
WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S', 'x', 'e') AND d.objid >= 16384
