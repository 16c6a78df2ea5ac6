-- catalogs of which the open transaction may have written rows, and whether it only added some
SELECT c.relname, current_setting('track_counts') = 'on' AND x.changed = 0
FROM pg_catalog.pg_class c, LATERAL (SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) AS added,
    pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS changed) x
WHERE c.oid < 16384 AND c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relkind = 'r' AND (x.added + x.changed > 0
    -- without counters any row may be new; but then every catalog would be one of roles
    OR pg_catalog.current_setting('track_counts') <> 'on' AND NOT c.relisshared AND c.relname NOT LIKE 'pg\_largeobject%')
