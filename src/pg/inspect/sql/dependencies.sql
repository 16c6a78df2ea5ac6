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
    -- a constraint of a domain is made with it
    UNION ALL SELECT k.tableoid, k.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, k.contypid, 0 FROM pg_catalog.pg_constraint k WHERE k.contypid <> 0
    -- what belongs to an extension is the extension
    UNION ALL SELECT d.classid, d.objid, d.refclassid, d.refobjid, 0 FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
    -- what a publication has, and what a family or class of operators has
    UNION ALL SELECT d.classid, d.objid, d.refclassid, d.refobjid, 0 FROM pg_catalog.pg_depend d
    WHERE d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass AND d.deptype = 'a'
    UNION ALL SELECT d.classid, d.objid, d.refclassid, d.refobjid, 0 FROM pg_catalog.pg_depend d
    WHERE d.classid IN ('pg_catalog.pg_amop'::pg_catalog.regclass, 'pg_catalog.pg_amproc'::pg_catalog.regclass) AND d.deptype IN ('a', 'i')
        AND (d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass OR d.refobjid IN (SELECT o.amopfamily FROM pg_catalog.pg_amop o WHERE o.oid = d.objid
            UNION ALL SELECT p.amprocfamily FROM pg_catalog.pg_amproc p WHERE p.oid = d.objid))
)
SELECT DISTINCT coalesce(a.to_class, d.classid) AS class, coalesce(a.to_oid, d.objid) AS oid,
    coalesce(nullif(a.to_sub, 0), d.objsubid) AS sub,
    coalesce(b.to_class, d.refclassid) AS "toClass", coalesce(b.to_oid, d.refobjid) AS "toOid", d.refobjsubid AS "toSub"
FROM pg_catalog.pg_depend d
LEFT JOIN alias a ON a.class = d.classid AND a.oid = d.objid AND d.objsubid = 0
LEFT JOIN alias b ON b.class = d.refclassid AND b.oid = d.refobjid AND d.refobjsubid = 0
WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S', 'x', 'e') AND d.objid >= 16384
-- constraints and indexes of a table come after its children and partitions, which would come with some of them otherwise
UNION SELECT x.class, x.oid, 0, 'pg_catalog.pg_class'::pg_catalog.regclass, i.inhrelid, 0
FROM (SELECT k.tableoid AS class, k.oid, k.conrelid AS relation FROM pg_catalog.pg_constraint k
    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, x.indexrelid, x.indrelid FROM pg_catalog.pg_index x) x
JOIN pg_catalog.pg_inherits i ON i.inhparent = x.relation
-- what is inherited comes after that of the parent
UNION SELECT k.tableoid, k.oid, 0, p.tableoid, p.oid, 0
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_inherits i ON i.inhrelid = k.conrelid
JOIN pg_catalog.pg_constraint p ON p.conrelid = i.inhparent AND p.conname = k.conname AND p.contype = k.contype
WHERE k.coninhcount > 0
-- the index that a foreign key needs is valid when those of all partitions are attached
UNION SELECT k.tableoid, k.oid, 0, 'pg_catalog.pg_class'::pg_catalog.regclass, t.relid, 0
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class x ON x.oid = k.conindid AND x.relkind = 'I'
CROSS JOIN LATERAL pg_catalog.pg_partition_tree(x.oid) t WHERE k.contype = 'f'
