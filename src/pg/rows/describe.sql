-- Tables as far as their rows depend on them, as one JSON value: the selected ones, those that their foreign keys lead
-- to, and the types of all columns. @selected@ is the condition for a selected table, @own@ for one of the user.
WITH RECURSIVE selected (oid) AS MATERIALIZED (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE @selected@
), needed (oid) AS (
    SELECT s.oid FROM selected s
    UNION
    SELECT COALESCE(pg_catalog.pg_partition_root(k.confrelid), k.confrelid)
    FROM needed p JOIN pg_catalog.pg_constraint k ON k.conrelid = p.oid AND k.contype = 'f'
), columns AS MATERIALIZED (
    SELECT a.* FROM needed p JOIN pg_catalog.pg_attribute a ON a.attrelid = p.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
), types (oid) AS (
    SELECT a.atttypid FROM columns a
    UNION
    SELECT l.oid FROM types u
    JOIN pg_catalog.pg_type t ON t.oid = u.oid
    LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid AND t.typtype = 'r'
    LEFT JOIN pg_catalog.pg_range m ON m.rngmultitypid = t.oid AND t.typtype = 'm'
    CROSS JOIN LATERAL (
        SELECT v.oid FROM (VALUES (t.typbasetype), (t.typelem), (r.rngsubtype), (m.rngtypid)) v (oid)
        UNION ALL
        SELECT a.atttypid FROM pg_catalog.pg_attribute a
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) l
    WHERE l.oid <> 0
)
SELECT pg_catalog.jsonb_build_object(
    'tables', COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'oid', c.oid::int8,
            'schema', n.nspname,
            'name', c.relname,
            'own', (@own@),
            'selected', c.oid IN (SELECT s.oid FROM selected s),
            'partitioned', c.relkind = 'p',
            'columns', COALESCE((
                SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'number', a.attnum,
                    'name', a.attname,
                    'type', a.atttypid::int8,
                    'written', pg_catalog.format_type(a.atttypid, a.atttypmod),
                    'not_null', a.attnotnull,
                    'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
                    'generated', a.attgenerated <> '',
                    'counted', a.attidentity <> '' OR EXISTS (
                        SELECT FROM pg_catalog.pg_depend q
                        JOIN pg_catalog.pg_class s ON s.oid = q.refobjid AND s.relkind = 'S'
                        WHERE q.classid = 'pg_catalog.pg_attrdef'::regclass AND q.objid = d.oid
                        AND q.refclassid = 'pg_catalog.pg_class'::regclass
                    )
                ) ORDER BY a.attnum)
                FROM columns a
                LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = c.oid
            ), '[]'),
            'constraints', COALESCE((
                SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'name', k.conname,
                    'kind', k.contype::text,
                    'columns', COALESCE(pg_catalog.to_jsonb(k.conkey), '[]'),
                    'expression', pg_catalog.pg_get_expr(k.conbin, k.conrelid),
                    'references', NULLIF(k.confrelid, 0)::int8,
                    'target', NULLIF(k.confrelid, 0)::regclass::text,
                    'referenced', COALESCE(pg_catalog.to_jsonb(k.confkey), '[]'),
                    'full', k.confmatchtype = 'f',
                    'deferrable', k.condeferrable
                ) ORDER BY k.contype, k.conname)
                FROM pg_catalog.pg_constraint k
                WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f', 'x') AND k.conparentid = 0
            ), '[]'),
            'unique', COALESCE((
                SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'name', x.relname,
                    'columns', (SELECT pg_catalog.jsonb_agg(i.indkey[p] ORDER BY p)
                                FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) p),
                    'partial', i.indpred IS NOT NULL,
                    'nulls_equal', COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)
                ) ORDER BY i.indisprimary DESC, x.relname)
                FROM pg_catalog.pg_index i
                JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
                WHERE i.indrelid = c.oid AND i.indisunique
            ), '[]'),
            'partitions', COALESCE((
                SELECT pg_catalog.jsonb_agg(COALESCE(pg_catalog.pg_get_partition_constraintdef(p.relid), 'true')
                                            ORDER BY p.relid::text)
                FROM pg_catalog.pg_partition_tree(c.oid) p
                WHERE c.relkind = 'p' AND p.isleaf AND p.level > 0
            ), '[]'),
            'deferred', COALESCE((
                SELECT pg_catalog.jsonb_agg(pg_catalog.format('%I.%I', m.nspname, k.conname) ORDER BY k.conname)
                FROM pg_catalog.pg_constraint k
                JOIN pg_catalog.pg_namespace m ON m.oid = k.connamespace
                WHERE k.conrelid = c.oid AND k.condeferred AND k.conparentid = 0
            ), '[]')
        ) ORDER BY n.nspname, c.relname)
        FROM needed o
        JOIN pg_catalog.pg_class c ON c.oid = o.oid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    ), '[]'),
    'types', COALESCE((
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'oid', t.oid::int8,
            'name', t.typname,
            'kind', t.typtype::text,
            'category', t.typcategory::text,
            'of', CASE WHEN t.typtype = 'd' THEN t.typbasetype
                       WHEN t.typtype = 'r' THEN (SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
                       WHEN t.typtype = 'm' THEN (SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid)
                       WHEN t.typelem <> 0 THEN t.typelem END::int8,
            'array', EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid),
            'written', CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END,
            'labels', COALESCE((
                SELECT pg_catalog.jsonb_agg(e.enumlabel ORDER BY e.enumsortorder)
                FROM pg_catalog.pg_enum e WHERE t.typtype = 'e' AND e.enumtypid = t.oid
            ), '[]'),
            'attributes', COALESCE((
                SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
                    a.atttypid::int8, pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
                FROM pg_catalog.pg_attribute a
                WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
            ), '[]'),
            'not_null', t.typnotnull,
            'checks', COALESCE((
                SELECT pg_catalog.jsonb_agg(pg_catalog.pg_get_expr(k.conbin, 0) ORDER BY k.conname)
                FROM pg_catalog.pg_constraint k
                WHERE t.typtype = 'd' AND k.contypid = t.oid AND k.contype = 'c'
            ), '[]')
        ) ORDER BY t.oid)
        FROM types u JOIN pg_catalog.pg_type t ON t.oid = u.oid
    ), '[]')
)::text
