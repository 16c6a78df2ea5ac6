-- what the open transaction changed, dropped or gave a comment is locked; a sequence also where it gave a value, if
-- that is asked for
SELECT CASE WHEN c.relkind = 'c' THEN 'pg_catalog.pg_type'::pg_catalog.regclass::oid
        WHEN k.oid IS NOT NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass::oid ELSE l.class END AS class,
    CASE WHEN c.relkind = 'c' THEN c.reltype WHEN c.relkind IN ('i', 'I') THEN i.indrelid WHEN k.oid IS NOT NULL THEN k.conrelid ELSE l.oid END AS oid,
    -- otherwise it is gone
    c.oid IS NOT NULL OR l.class <> 'pg_catalog.pg_class'::pg_catalog.regclass
        AND (l.class <> 'pg_catalog.pg_type'::pg_catalog.regclass OR @values@ AND EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = l.oid))
        AND (l.class <> 'pg_catalog.pg_proc'::pg_catalog.regclass OR @values@ AND EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.oid = l.oid))
FROM (
    SELECT DISTINCT CASE l.locktype WHEN 'relation' THEN 'pg_catalog.pg_class'::pg_catalog.regclass::oid ELSE l.classid END AS class,
        CASE l.locktype WHEN 'relation' THEN l.relation ELSE l.objid END AS oid
    FROM pg_catalog.pg_locks l
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.granted AND l.database <> 0
        AND (l.locktype = 'object' OR l.locktype = 'relation' AND l.relation >= 16384)
        AND (l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
            OR @values@ AND EXISTS (SELECT FROM pg_catalog.pg_sequence s WHERE s.seqrelid = l.relation))
) l
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.oid AND c.tableoid = l.class
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
-- NOT NULL is a property of a column
LEFT JOIN pg_catalog.pg_constraint k ON k.oid = l.oid AND k.tableoid = l.class AND k.contype = 'n' AND k.conrelid <> 0
WHERE c.relnamespace IS DISTINCT FROM 'pg_toast'::pg_catalog.regnamespace
