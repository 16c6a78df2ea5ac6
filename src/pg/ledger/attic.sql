-- Entries of the attic that keep data, or did before they were put back or purged. Texts of entries are compared with the
-- catalog and nothing else: whoever may write the table may write anything into it.
WITH kept AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.reltuples, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = @atticName@ AND c.relkind IN ('r', 'p') AND NOT c.relispartition
),
taken AS MATERIALIZED (
    SELECT relation AS oid FROM pg_locks WHERE relation IS NOT NULL AND mode = 'AccessExclusiveLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
),
sized AS MATERIALIZED (
    SELECT k.name, s.bytes, CASE WHEN s.tuples >= 0 THEN s.tuples::int8 END AS tuples
    FROM kept k, LATERAL (SELECT sum(x.reltuples) AS tuples,
        -- the size is asked for under a lock: a run that has the table is not waited for
        sum(CASE WHEN x.oid NOT IN (SELECT oid FROM taken) THEN pg_total_relation_size(x.oid) END)::int8 AS bytes FROM pg_class x
        WHERE x.oid = k.oid AND k.relkind = 'r' OR k.relkind = 'p' AND x.relkind = 'r'
            AND x.oid IN (SELECT relid FROM pg_partition_tree(k.oid))) s
),
-- where the table of a dropped column is by now, under whatever name
columns AS MATERIALIZED (
    SELECT a.attname, n.nspname, c.relname, c.reltuples, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attname ~ '^attic_[0-9a-f]{8}_' AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0 AND c.relkind IN ('r', 'p')
)
SELECT e.id, e.changeset, e.kind, c.status, e.object, e.kept_as,
    CASE e.kind WHEN 'column' THEN h.name WHEN 'rows' THEN t.name WHEN 'values' THEN t.name END AS home,
    CASE e.kind WHEN 'table' THEN s.tuples WHEN 'column' THEN CASE WHEN h.reltuples >= 0 THEN h.reltuples::int8 END
        ELSE CASE jsonb_typeof(e.detail -> 'rows') WHEN 'array' THEN jsonb_array_length(e.detail -> 'rows')
            WHEN 'number' THEN greatest(least((e.detail ->> 'rows')::numeric, 1e18), 0)::int8 END END AS rows,
    CASE WHEN e.kind IN ('table', 'rows', 'values') THEN s.bytes
        WHEN e.kind = 'column' THEN (SELECT (h.reltuples * (1 - p.null_frac) * p.avg_width)::int8 FROM pg_stats p
            WHERE p.schemaname = h.nspname AND p.tablename = h.relname AND p.attname = h.attname AND h.reltuples >= 0
            ORDER BY p.inherited LIMIT 1)
        ELSE pg_column_size(e.detail -> 'rows')::int8 END AS bytes,
    @keptAt@, @restoredAt@, @purgedAt@,
    CASE jsonb_typeof(e.detail -> 'restored') WHEN 'number' THEN greatest(least((e.detail ->> 'restored')::numeric, 1e18), 0)::int8 END,
    coalesce(c.rollback ->> 'derived' = 'true', false) AND e.kind NOT IN ('rows', 'values') AND NOT EXISTS (
        SELECT FROM @ledger@.attic p WHERE p.changeset = e.changeset AND @purged@),
    e.purged_at IS NULL AND (e.restored_at IS NULL OR e.kind IN ('rows', 'values') AND s.name IS NOT NULL
        OR e.kind IN ('update', 'upsert', 'delete') AND jsonb_typeof(e.detail -> 'rows') = 'array')
FROM @ledger@.attic e
LEFT JOIN @ledger@.changeset c ON c.id = e.changeset
LEFT JOIN sized s ON s.name = e.kept_as
LEFT JOIN LATERAL (SELECT x.* FROM columns x WHERE e.kind = 'column' AND e.restored_at IS NULL AND x.attname = e.detail ->> 'name'
    -- of copies that have it as well, the one of its name
    ORDER BY starts_with(e.object, x.name || '.') DESC, x.name LIMIT 1) h ON true
LEFT JOIN LATERAL (SELECT format('%I.%I', n.nspname, r.relname) AS name FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE e.kind IN ('rows', 'values') AND r.relkind IN ('r', 'p') AND CASE e.kind
        WHEN 'rows' THEN e.object = format('%I.%I', n.nspname, r.relname)
        ELSE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND e.object = format('%I.%I.%I', n.nspname, r.relname, a.attname)) END LIMIT 1) t ON true
WHERE e.kind IN ('table', 'column', 'rows', 'values', 'update', 'upsert', 'delete')
ORDER BY e.id
