-- What a statement did to the tables that were there before it: `kind|table|detail`.
CREATE SCHEMA truth;
CREATE VIEW truth.now AS
    SELECT c.oid, format('%s.%s', n.nspname, c.relname) AS name, c.relkind AS kind, c.relfilenode AS file,
        coalesce((SELECT format('%s.%s', m.nspname, t.relname) FROM pg_class t JOIN pg_namespace m ON m.oid = t.relnamespace
            WHERE t.oid = coalesce((SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = c.oid),
                (SELECT o.oid FROM pg_class o WHERE o.reltoastrelid = c.oid))), format('%s.%s', n.nspname, c.relname)) AS owner,
        (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'truth', 'dagmar', 'dagmar_attic') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I');
CREATE TABLE truth.base AS SELECT * FROM truth.now;
-- files before the statement, also of what the changeset has made
CREATE TABLE truth.files AS SELECT file FROM truth.now;
-- counters of the session go on where the transaction before has ended
CREATE FUNCTION truth.counters() RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(relid::text, jsonb_build_array(seq_tup_read, n_tup_del)), '{}') FROM pg_stat_xact_user_tables
    WHERE relid IN (SELECT oid FROM truth.base WHERE kind IN ('r', 'm')) AND (seq_tup_read > 0 OR n_tup_del > 0)
$$;
CREATE FUNCTION truth.mark() RETURNS void LANGUAGE sql AS $$ SELECT set_config('truth.before', truth.counters()::text, false) $$;
-- of a changeset: what is made later is its own
CREATE TABLE truth.first (oid oid);
CREATE FUNCTION truth.begin() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM truth.base;
    INSERT INTO truth.base SELECT * FROM truth.now WHERE oid IN (SELECT oid FROM truth.first);
    DELETE FROM truth.files;
    INSERT INTO truth.files SELECT file FROM truth.now;
    PERFORM truth.mark();
END
$$;
CREATE FUNCTION truth.start() RETURNS void LANGUAGE sql AS $$
    DELETE FROM truth.first;
    INSERT INTO truth.first SELECT oid FROM truth.now;
    SELECT truth.begin();
$$;
CREATE FUNCTION truth.observe() RETURNS SETOF text LANGUAGE sql AS $$
    WITH now AS MATERIALIZED (SELECT truth.counters() AS n, current_setting('truth.before')::jsonb AS b),
    counted AS (
        SELECT b.owner, (n -> b.oid::text -> 0)::bigint - coalesce((now.b -> b.oid::text -> 0)::bigint, 0) AS read,
            (n -> b.oid::text -> 1)::bigint - coalesce((now.b -> b.oid::text -> 1)::bigint, 0) AS deleted
        FROM now, truth.base b WHERE n ? b.oid::text)
    SELECT format('lock|%s|%s', b.owner, l.mode) FROM pg_locks l JOIN truth.base b ON b.oid = l.relation
        WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
        AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION SELECT format('scan|%s|', owner) FROM counted WHERE read > 0
    UNION SELECT format('loss|%s|', owner) FROM counted WHERE deleted > 0
    UNION SELECT format('%s|%s|', CASE WHEN pg_relation_size(b.oid) = 0 THEN 'loss' ELSE 'rewrite' END, b.owner)
        FROM truth.base b JOIN pg_class c ON c.oid = b.oid WHERE c.relfilenode <> b.file AND b.kind = 'r'
    UNION SELECT format('build|%s|', b.owner) FROM truth.base b JOIN pg_index i ON i.indrelid = b.oid
        JOIN pg_class c ON c.oid = i.indexrelid WHERE b.kind = 'r' AND c.relkind = 'i' AND pg_relation_size(b.oid) > 0
        AND c.relfilenode NOT IN (SELECT f.file FROM truth.files f)
    UNION SELECT format('loss|%s|', b.owner) FROM truth.base b WHERE b.kind = 'r'
        AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = b.oid)
    UNION SELECT format('loss|%s|', b.owner) FROM truth.base b WHERE b.kind = 'r' AND b.columns >
        (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = b.oid AND a.attnum > 0 AND NOT a.attisdropped)
        AND EXISTS (SELECT FROM pg_class c WHERE c.oid = b.oid)
$$;
