-- what depends on objects, with the relation for a default or the rule of a view; and on the types that come with them
WITH source(class, oid) AS (VALUES @sources@), sources AS (
    SELECT s.class, s.oid FROM source s
    UNION SELECT t.tableoid, x.oid FROM source s JOIN pg_catalog.pg_class c ON c.oid = s.oid AND c.tableoid = s.class
    JOIN pg_catalog.pg_type t ON t.oid = c.reltype, LATERAL (VALUES (t.oid), (t.typarray)) x(oid)
    UNION SELECT t.tableoid, x.oid FROM source s JOIN pg_catalog.pg_type t ON t.oid = s.oid AND t.tableoid = s.class
    LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid, LATERAL (VALUES (t.typarray), (r.rngmultitypid)) x(oid)
    UNION SELECT c.tableoid, c.oid FROM source s JOIN pg_catalog.pg_type t ON t.oid = s.oid AND t.tableoid = s.class
    JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
)
SELECT DISTINCT CASE WHEN d.classid IN ('pg_catalog.pg_attrdef'::pg_catalog.regclass, 'pg_catalog.pg_rewrite'::pg_catalog.regclass)
        THEN 'pg_catalog.pg_class'::pg_catalog.regclass::oid WHEN c.relkind = 'c' THEN 'pg_catalog.pg_type'::pg_catalog.regclass::oid ELSE d.classid END,
    coalesce(a.adrelid, w.ev_class, CASE c.relkind WHEN 'c' THEN c.reltype WHEN 'i' THEN i.indrelid WHEN 'I' THEN i.indrelid END,
        nullif(e.typelem, 0), d.objid),
    (SELECT k.relname FROM pg_catalog.pg_class k WHERE k.oid = d.classid)
FROM sources s JOIN pg_catalog.pg_depend d ON d.refclassid = s.class AND d.refobjid = s.oid
LEFT JOIN pg_catalog.pg_attrdef a ON d.classid = a.tableoid AND a.oid = d.objid
LEFT JOIN pg_catalog.pg_rewrite w ON d.classid = w.tableoid AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_class c ON d.classid = c.tableoid AND c.oid = d.objid
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_type e ON d.classid = e.tableoid AND e.oid = d.objid
    AND e.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc
WHERE d.deptype <> 'p' AND NOT (d.deptype = 'i' AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
