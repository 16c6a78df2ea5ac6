-- names are the author's, and found by his path; this text was read under dagmar's own
WITH RECURSIVE path AS MATERIALIZED (
    SELECT CASE WHEN pg_catalog.set_config('search_path', @path@, true) IS NOT NULL THEN pg_catalog.current_schemas(true) END AS p
),
asked AS MATERIALIZED (
    SELECT x.* FROM pg_catalog.jsonb_to_recordset(@questions@) AS x(i int, through text, class text, schema text, name text, part text)
),
relation AS MATERIALIZED (
    SELECT a.i, a.through, a.part, r.* FROM asked a, path, LATERAL (
        SELECT c.oid, c.relname AS name, n.nspname AS schema FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = a.name AND (n.nspname = a.schema OR a.schema IS NULL AND n.nspname = ANY (p))
        ORDER BY pg_catalog.array_position(p, n.nspname) LIMIT 1) r
    WHERE a.class IS NULL AND a.through NOT IN ('domainUsers', 'typedTables', 'columnDomain', 'schema', 'owner', 'tablespace', 'publishedTables')
),
type AS MATERIALIZED (
    SELECT a.i, a.through, r.* FROM asked a, path, LATERAL (
        SELECT t.oid, t.typname AS name, n.nspname AS schema FROM pg_catalog.pg_type t
        JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typname = a.name AND (n.nspname = a.schema OR a.schema IS NULL AND n.nspname = ANY (p))
        ORDER BY pg_catalog.array_position(p, n.nspname) LIMIT 1) r
    WHERE a.class = 'type' OR a.through IN ('domainUsers', 'typedTables', 'columnDomain')
),
-- objects that go, and all that depends on them
begin AS MATERIALIZED (
    SELECT i, 'pg_catalog.pg_class'::pg_catalog.regclass::oid AS class, oid AS id,
        coalesce((SELECT t.attnum FROM pg_catalog.pg_attribute t WHERE t.attrelid = r.oid AND t.attname = r.part), 0)::int AS sub
    FROM relation r WHERE through = 'dependents' AND (part IS NULL
        OR EXISTS (SELECT FROM pg_catalog.pg_attribute t WHERE t.attrelid = r.oid AND t.attname = r.part))
    UNION ALL SELECT i, 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 0
    FROM relation r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid AND k.conname = r.part WHERE through = 'dependents'
    UNION ALL SELECT i, 'pg_catalog.pg_type'::pg_catalog.regclass, oid, 0 FROM type WHERE through = 'dependents'
    UNION ALL SELECT i, 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, 0
    FROM asked a JOIN pg_catalog.pg_namespace n ON n.nspname = a.name WHERE a.class = 'schema'
    UNION ALL SELECT i, 'pg_catalog.pg_extension'::pg_catalog.regclass, e.oid, 0
    FROM asked a JOIN pg_catalog.pg_extension e ON e.extname = a.name WHERE a.class = 'extension'
    UNION ALL SELECT i, 'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid, 0
    FROM asked a JOIN pg_catalog.pg_proc f ON f.proname = a.name WHERE a.class = 'function'
    UNION ALL SELECT i, s.classid, s.objid, s.objsubid FROM asked a JOIN pg_catalog.pg_roles r ON r.rolname = a.name
    JOIN pg_catalog.pg_shdepend s ON s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
        AND s.deptype IN ('o', 'r') AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    WHERE a.through = 'owner'
),
gone AS (
    SELECT * FROM begin
    UNION SELECT g.i, x.class, x.id, x.sub FROM gone g, LATERAL (
        SELECT d.classid AS class, d.objid AS id, d.objsubid AS sub FROM pg_catalog.pg_depend d
        WHERE d.refclassid = g.class AND d.refobjid = g.id AND (g.sub = 0 OR d.refobjsubid = g.sub)
        -- without its rule a view is none
        UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, r.ev_class, 0 FROM pg_catalog.pg_rewrite r
        WHERE g.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = g.id AND r.rulename = '_RETURN') x
),
-- types that are made of a domain
of_domain AS (
    SELECT i, oid FROM type WHERE through = 'domainUsers'
    UNION SELECT d.i, x.oid FROM of_domain d, LATERAL (
        SELECT t.oid FROM pg_catalog.pg_type t WHERE t.typbasetype = d.oid OR t.typelem = d.oid
        UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngsubtype = d.oid
        UNION ALL SELECT r.rngmultitypid FROM pg_catalog.pg_range r WHERE r.rngtypid = d.oid
        UNION ALL SELECT c.reltype FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        WHERE a.atttypid = d.oid AND NOT a.attisdropped AND c.reltype <> 0) x
),
-- what a domain is made of
below_domain AS (
    SELECT i, oid FROM type WHERE through = 'columnDomain'
    UNION SELECT d.i, t.typbasetype FROM below_domain d JOIN pg_catalog.pg_type t ON t.oid = d.oid WHERE t.typtype = 'd'
),
below AS (
    SELECT i, oid FROM relation WHERE through = 'triggers'
    UNION SELECT b.i, h.inhrelid FROM below b JOIN pg_catalog.pg_inherits h ON h.inhparent = b.oid
),
listed AS (
    SELECT i, CASE class
        WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN coalesce((SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = id), id)
        WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass THEN (SELECT x.adrelid FROM pg_catalog.pg_attrdef x WHERE x.oid = id)
        WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN (SELECT x.conrelid FROM pg_catalog.pg_constraint x WHERE x.oid = id)
        WHEN 'pg_catalog.pg_trigger'::pg_catalog.regclass THEN (SELECT x.tgrelid FROM pg_catalog.pg_trigger x WHERE x.oid = id)
        WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN (SELECT x.ev_class FROM pg_catalog.pg_rewrite x WHERE x.oid = id)
        WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass THEN (SELECT x.polrelid FROM pg_catalog.pg_policy x WHERE x.oid = id)
        WHEN 'pg_catalog.pg_publication_rel'::pg_catalog.regclass THEN (SELECT x.prrelid FROM pg_catalog.pg_publication_rel x WHERE x.oid = id)
        END AS oid, class = 'pg_catalog.pg_class'::pg_catalog.regclass AND sub = 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indexrelid = id) AS dropped,
        class = 'pg_catalog.pg_class'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_class x
            WHERE x.oid = id AND x.relkind IN ('r', 'p', 'm', 'S', 'f')) AS data FROM gone
    UNION SELECT g.i, k.confrelid, false, false FROM gone g JOIN pg_catalog.pg_constraint k ON k.oid = g.id AND k.contype = 'f'
        WHERE g.class = 'pg_catalog.pg_constraint'::pg_catalog.regclass
    UNION SELECT d.i, c.oid, false, false FROM of_domain d JOIN pg_catalog.pg_attribute a ON a.atttypid = d.oid AND NOT a.attisdropped
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'p', 'f')
    UNION SELECT t.i, c.oid, false, false FROM type t JOIN pg_catalog.pg_class c ON c.reloftype = t.oid WHERE t.through = 'typedTables'
    UNION SELECT d.i, t.typrelid, false, false FROM below_domain d JOIN pg_catalog.pg_type t ON t.oid = d.oid WHERE t.typtype = 'd'
        AND (t.typnotnull OR t.typdefault IS NOT NULL
            OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid))
    UNION SELECT r.i, x.indrelid, false, false FROM relation r JOIN pg_catalog.pg_index x ON x.indexrelid = r.oid WHERE r.through = 'indexTable'
    UNION SELECT a.i, s.stxrelid, false, false FROM asked a, path, LATERAL (SELECT s.stxrelid FROM pg_catalog.pg_statistic_ext s
        JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
        WHERE s.stxname = a.name AND (n.nspname = a.schema OR a.schema IS NULL AND n.nspname = ANY (p))) s WHERE a.through = 'indexTable'
    UNION SELECT a.i, p.prrelid, false, false FROM asked a JOIN pg_catalog.pg_publication b ON b.pubname = a.name
        JOIN pg_catalog.pg_publication_rel p ON p.prpubid = b.oid WHERE a.through = 'publishedTables'
    UNION SELECT b.i, b.oid, false, false FROM below b JOIN pg_catalog.pg_class c ON c.oid = b.oid
        WHERE c.relkind IN ('v', 'f') OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = b.oid AND NOT t.tgisinternal)
            OR EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = b.oid)
    UNION SELECT a.i, c.oid, false, false FROM asked a JOIN pg_catalog.pg_class c ON c.relkind IN ('r', 'm', 'p')
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE a.through = 'schema' AND n.nspname = a.name
            OR a.through = 'database' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
    UNION SELECT a.i, coalesce(x.indrelid, c.oid), false, false FROM asked a JOIN pg_catalog.pg_tablespace s ON s.spcname = a.name
        JOIN pg_catalog.pg_class c ON c.relkind IN ('r', 'm', 'p', 'i', 'I') AND (c.reltablespace = s.oid OR c.reltablespace = 0
            AND s.oid = (SELECT dattablespace FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
        LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid WHERE a.through = 'tablespace'
),
-- user objects, with their names
named AS MATERIALIZED (
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname <> 'pg_catalog'
)
SELECT pg_catalog.jsonb_build_object(
'names', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(x.i, x.schema, x.name)), '[]')
    FROM (SELECT i, schema, name FROM relation UNION ALL SELECT i, schema, name FROM type) x),
'children', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(p.schema, p.name, c.schema, c.name, r.relispartition, d.partdefid IS NOT NULL)), '[]')
    FROM pg_catalog.pg_inherits h JOIN named p ON p.oid = h.inhparent JOIN named c ON c.oid = h.inhrelid
    JOIN pg_catalog.pg_class r ON r.oid = h.inhrelid
    LEFT JOIN pg_catalog.pg_partitioned_table d ON d.partdefid = h.inhrelid),
'keys', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(k.conname, f.schema, f.name, t.schema, t.name,
        (SELECT pg_catalog.jsonb_agg(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)),
        (SELECT pg_catalog.jsonb_agg(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)),
        (SELECT x.relname FROM pg_catalog.pg_class x WHERE x.oid = k.conindid), k.confdeltype IN ('c', 'n', 'd'))), '[]')
    FROM pg_catalog.pg_constraint k JOIN named f ON f.oid = k.conrelid JOIN named t ON t.oid = k.confrelid WHERE k.contype = 'f'),
'sequences', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(t.schema, t.name, a.attname, s.schema, s.name)), '[]')
    FROM named s JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.oid
        AND d.refclassid = d.classid AND d.deptype IN ('a', 'i')
    JOIN named t ON t.oid = d.refobjid JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    WHERE s.kind = 'S'),
'bases', (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT pg_catalog.jsonb_build_array(v.schema, v.name, t.schema, t.name)), '[]')
    FROM named v JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid JOIN pg_catalog.pg_depend d ON d.objid = r.oid
        AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    JOIN named t ON t.oid = d.refobjid AND t.oid <> v.oid WHERE v.kind IN ('v', 'm') AND @views@),
'lists', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(l.i, coalesce(n.schema, ''), coalesce(n.name, 'x'), l.dropped, l.data)), '[]')
    FROM listed l LEFT JOIN named n ON n.oid = l.oid WHERE n.oid IS NOT NULL OR l.oid = 0)
)::text
