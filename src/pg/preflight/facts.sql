-- names are the author's, and found by his path; this text was read under dagmar's own
WITH RECURSIVE path AS MATERIALIZED (
    SELECT CASE WHEN his THEN pg_catalog.current_schemas(true) END AS p, CASE WHEN his THEN pg_catalog.current_schemas(false) END AS q
    FROM (SELECT pg_catalog.set_config('search_path', @path@, true) IS NOT NULL AS his OFFSET 0) x
),
asked AS MATERIALIZED (
    SELECT x.* FROM pg_catalog.jsonb_to_recordset(@relations@) AS x(i int, schema text, name text, sized boolean, altered boolean)
),
found AS MATERIALIZED (
    SELECT a.i, a.sized, a.altered, r.*, coalesce((SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = r.oid), r.oid) AS whole
    FROM asked a, path, LATERAL (
        SELECT c.oid, c.relname, c.relkind, c.relowner, c.reltablespace, n.nspname, n.nspowner
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = a.name AND (n.nspname = a.schema OR a.schema IS NULL AND n.nspname = ANY (p))
        ORDER BY pg_catalog.array_position(p, n.nspname) LIMIT 1) r
),
above AS (
    -- what is published with its partitioned table
    SELECT i, oid AS id FROM found WHERE altered UNION
    SELECT a.i, h.inhparent FROM above a JOIN pg_catalog.pg_inherits h ON h.inhrelid = a.id
        JOIN pg_catalog.pg_class c ON c.oid = a.id AND c.relispartition
),
published AS MATERIALIZED (
    -- the view pg_publication_tables locks every published table since 16
    SELECT f.i, p.pubname FROM found f CROSS JOIN pg_catalog.pg_publication p
    WHERE f.altered AND f.relkind IN ('r', 'p') AND (p.puballtables
        OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel r, above a WHERE a.i = f.i AND r.prpubid = p.oid AND r.prrelid = a.id)
        @schemas_published@)
),
lock AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks),
here AS MATERIALIZED (SELECT * FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
-- who asks for the size of a file locks its table for reading, and would wait behind these: then the pages of the catalog count
queued AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM lock l WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
        AND l.database = (SELECT oid FROM here)
        AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()) AS is, pg_catalog.current_setting('block_size')::bigint AS block
),
family AS (
    SELECT i, whole AS id FROM found WHERE sized UNION
    SELECT f.i, h.inhrelid FROM family f JOIN pg_catalog.pg_inherits h ON h.inhparent = f.id
        JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid AND c.relispartition
),
size AS MATERIALIZED (
    SELECT f.i, f.id, c.relpages AS heap, c.relpages + (SELECT coalesce(sum(x.relpages), 0) FROM pg_catalog.pg_class x
        WHERE x.oid = ANY (ARRAY(SELECT d.indexrelid FROM pg_catalog.pg_index d WHERE d.indrelid IN (c.oid, c.reltoastrelid)
            UNION ALL SELECT c.reltoastrelid))) AS pages
    FROM family f JOIN pg_catalog.pg_class c ON c.oid = f.id
),
me AS MATERIALIZED (SELECT * FROM pg_catalog.pg_roles WHERE rolname = current_user),
session AS MATERIALIZED (
    -- of others one sees little without pg_read_all_stats; the server's own processes have no role
    SELECT a.*, extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::bigint AS seconds,
        coalesce(a.backend_type = 'client backend', a.usename IS NOT NULL) AS client
    FROM pg_catalog.pg_stat_activity a
)
SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
'relations', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'i', f.i, 'schema', f.nspname, 'name', f.relname, 'kind', f.relkind,
    'table', (SELECT pg_catalog.jsonb_build_array(n.nspname, c.relname) FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = f.whole),
    'owner', pg_catalog.pg_get_userbyid(f.relowner),
    'owned', pg_catalog.pg_has_role(f.relowner, 'USAGE'),
    'schemaOwned', pg_catalog.pg_has_role(f.nspowner, 'USAGE'),
    'rights', CASE WHEN f.relkind IN ('r', 'p', 'v', 'm', 'f') THEN (SELECT coalesce(pg_catalog.jsonb_agg(r), '[]')
        FROM pg_catalog.unnest(ARRAY['INSERT', 'UPDATE', 'REFERENCES']) r WHERE pg_catalog.has_any_column_privilege(f.oid, r))
        || CASE WHEN pg_catalog.has_table_privilege(f.oid, 'DELETE') THEN '["DELETE"]'::jsonb ELSE '[]' END ELSE '[]' END,
    'total', coalesce((SELECT sum(CASE WHEN q.is THEN s.pages * q.block ELSE pg_catalog.pg_total_relation_size(s.id) END)::bigint FROM size s, queued q WHERE s.i = f.i), 0),
    'heap', coalesce((SELECT sum(CASE WHEN q.is THEN s.heap * q.block ELSE pg_catalog.pg_relation_size(s.id) END)::bigint FROM size s, queued q WHERE s.i = f.i), 0),
    'place', nullif(pg_catalog.pg_tablespace_location(f.reltablespace), ''),
    'publications', (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT p.pubname), '[]') FROM published p WHERE p.i = f.i),
    'subscriptions', (SELECT coalesce(pg_catalog.jsonb_agg(s.subname), '[]') FROM pg_catalog.pg_subscription_rel sr
        JOIN pg_catalog.pg_subscription s ON s.oid = sr.srsubid WHERE sr.srrelid = f.oid))) FROM found f),
'schemas', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', s.name, 'there', n.oid IS NOT NULL,
    'create', coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false)))
    FROM (SELECT coalesce(x, q[1]::text) AS name FROM path, pg_catalog.jsonb_array_elements_text(@schemas@) x) s
    LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.name),
'path', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('schema', n.nspname, 'public', x.public, 'roles', x.roles)
    ORDER BY pg_catalog.array_position(q, n.nspname)) FROM path, pg_catalog.pg_namespace n, LATERAL (
        SELECT bool_or(a.grantee = 0) AS public, pg_catalog.jsonb_agg(DISTINCT pg_catalog.pg_get_userbyid(a.grantee))
            FILTER (WHERE a.grantee <> 0) AS roles
        FROM pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
        WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = a.grantee AND (r.rolsuper OR r.rolname = current_user))) x
    WHERE n.nspname = ANY (q) AND x.public IS NOT NULL),
'databaseCreate', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
'superuser', (SELECT rolsuper FROM me),
'ledger', (SELECT bool_and(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(c.oid, CASE WHEN c.relname IN ('meta', 'approval', 'event', 'refusal', 'sealed_plan', 'delivery') THEN 'SELECT' WHEN c.relname = 'lease' THEN 'UPDATE' ELSE 'INSERT' END)
    AND (c.relname <> 'event' OR pg_catalog.has_column_privilege(c.oid, 'kind', 'INSERT')))
    AND (SELECT bool_and(pg_catalog.has_function_privilege(p.oid, 'EXECUTE')) FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = @ledger@ AND p.proname = 'fence')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = @ledger@ AND c.relkind = 'r'),
'extensions', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', x.key, 'installed', e.extversion,
    'versions', (SELECT coalesce(pg_catalog.jsonb_agg(v.version), '[]') FROM pg_catalog.pg_available_extension_versions v WHERE v.name = x.key),
    'superuser', coalesce((SELECT v.superuser AND NOT v.trusted FROM pg_catalog.pg_available_extension_versions v
        JOIN pg_catalog.pg_available_extensions a ON a.name = v.name
        WHERE v.name = x.key AND v.version = coalesce(x.value, a.default_version)), false)))
    FROM pg_catalog.jsonb_each_text(@extensions@) x LEFT JOIN pg_catalog.pg_extension e ON e.extname = x.key),
'missingRoles', (SELECT pg_catalog.jsonb_agg(r) FROM pg_catalog.jsonb_array_elements_text(@roles@) r
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r)),
'transactions', (SELECT pg_catalog.jsonb_agg(t) FROM (SELECT pid, coalesce(usename, '') AS "user", application_name AS application,
    coalesce(state, '') AS state, seconds FROM session WHERE datname = pg_catalog.current_database()
    AND pid <> pg_catalog.pg_backend_pid() AND client AND seconds >= @old@ ORDER BY seconds DESC LIMIT 20) t),
'prepared', (SELECT pg_catalog.jsonb_agg(t) FROM (SELECT gid, owner,
    extract(epoch FROM pg_catalog.clock_timestamp() - prepared)::bigint AS seconds
    FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database() ORDER BY prepared LIMIT 20) t),
'slots', (SELECT pg_catalog.jsonb_agg(t) FROM (SELECT slot_name AS name, coalesce(pg_catalog.pg_wal_lsn_diff(
    CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,
    restart_lsn), 0)::bigint AS kept FROM pg_catalog.pg_replication_slots WHERE NOT active AND NOT temporary ORDER BY 2 DESC LIMIT 20) t),
-- of many the strongest, and those that wait
'locks', (SELECT pg_catalog.jsonb_agg(t ORDER BY t.i, t.granted DESC, t.pid = 0, t.pid) FROM (SELECT f.i, l.mode, l.granted, x.gid, coalesce(s.backend_type = 'autovacuum worker', s.pid IS NOT NULL AND s.usename IS NULL)
    AND coalesce(s.query, '') NOT LIKE '%to prevent wraparound%' AS vacuum,
    coalesce(l.pid, 0) AS pid, coalesce(s.usename, x.owner, '') AS "user", coalesce(s.application_name, '') AS application,
    coalesce(s.state, '') AS state, coalesce(s.seconds, extract(epoch FROM pg_catalog.clock_timestamp() - x.prepared)::bigint) AS seconds,
    pg_catalog.row_number() OVER (PARTITION BY f.i ORDER BY l.granted, pg_catalog.array_position(ARRAY['AccessExclusiveLock', 'ExclusiveLock',
        'ShareRowExclusiveLock', 'ShareLock', 'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock', 'AccessShareLock'], l.mode), l.pid) AS n
    FROM found f JOIN lock l ON l.locktype = 'relation' AND l.relation = f.oid
        AND l.database = (SELECT oid FROM here) AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    LEFT JOIN session s ON s.pid = l.pid
    -- a prepared transaction has no process; it keeps its number locked
    LEFT JOIN lock own ON l.pid IS NULL AND own.pid IS NULL AND own.granted AND own.locktype = 'transactionid'
        AND own.virtualtransaction = l.virtualtransaction
    LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = own.transactionid
    -- workers of a parallel query have the locks of their leader
    WHERE s.leader_pid IS NULL) t WHERE t.n <= 100),
'room', pg_catalog.jsonb_build_object(
    'server', pg_catalog.current_setting('max_connections')::bigint - CASE WHEN (SELECT rolsuper FROM me) THEN 0 ELSE
        pg_catalog.current_setting('superuser_reserved_connections')::bigint
        + coalesce(pg_catalog.current_setting('reserved_connections', true)::bigint, 0) END,
    'used', (SELECT count(*) FROM session WHERE client),
    'role', (SELECT CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END FROM me),
    'roleUsed', (SELECT count(*) FROM session WHERE usename = current_user AND client),
    'database', (SELECT CASE WHEN me.rolsuper THEN -1 ELSE datconnlimit END FROM here, me),
    'databaseUsed', (SELECT count(*) FROM session WHERE datname = pg_catalog.current_database() AND client)),
'dataDirectory', (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'),
'local', pg_catalog.inet_server_addr() IS NULL
))::text
