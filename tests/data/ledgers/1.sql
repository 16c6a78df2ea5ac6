-- The ledger, version 1. @ledger@ is the quoted schema. Runs once, inside one transaction.
CREATE SCHEMA IF NOT EXISTS @ledger@;
COMMENT ON SCHEMA @ledger@ IS 'dagmar: which changesets this database has, and how it came to them';

CREATE TABLE @ledger@.meta (
    key   text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE @ledger@.meta IS 'Facts about the ledger itself: its version, its installation';

CREATE TABLE @ledger@.lease (
    epoch        bigint PRIMARY KEY,
    holder       text,
    backend_pid  integer,
    taken_at     timestamptz,
    heartbeat_at timestamptz,
    only_one     boolean NOT NULL DEFAULT true UNIQUE CHECK (only_one)
);
COMMENT ON TABLE @ledger@.lease IS 'Who runs: one row; every run takes the next epoch, and a runner of an earlier epoch can commit nothing';
COMMENT ON COLUMN @ledger@.lease.holder IS 'Host, process and user of the last runner';
INSERT INTO @ledger@.lease (epoch) VALUES (0);

CREATE TABLE @ledger@.run (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL,
    environment text NOT NULL,
    status      text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed', 'interrupted')),
    steps       integer NOT NULL,
    version     text NOT NULL,
    db_user     text NOT NULL DEFAULT session_user,
    os_user     text,
    host        text,
    client_addr inet DEFAULT inet_client_addr(),
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    message     text
);
COMMENT ON TABLE @ledger@.run IS 'Every execution of a plan';
COMMENT ON COLUMN @ledger@.run.kind IS 'apply, rollback, mark or script';
COMMENT ON COLUMN @ledger@.run.version IS 'The version of dagmar that ran it';
CREATE INDEX run_started_at_idx ON @ledger@.run (started_at);

CREATE TABLE @ledger@.changeset (
    id          text PRIMARY KEY,
    status      text NOT NULL CHECK (status IN ('applied', 'partly', 'failed', 'skipped', 'held')),
    ordinal     bigint GENERATED ALWAYS AS IDENTITY,
    checksum    text NOT NULL,
    digest      text NOT NULL,
    description text,
    author      text,
    labels      text[] NOT NULL DEFAULT '{}',
    file        text,
    repeatable  boolean NOT NULL DEFAULT false,
    body        jsonb NOT NULL,
    forward     jsonb NOT NULL,
    rollback    jsonb NOT NULL,
    run         uuid NOT NULL REFERENCES @ledger@.run,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by  text NOT NULL DEFAULT session_user,
    duration_ms bigint,
    reason      text,
    error       jsonb
);
COMMENT ON TABLE @ledger@.changeset IS 'What is true now: every changeset that is applied, half applied, failed, skipped or held here';
COMMENT ON COLUMN @ledger@.changeset.status IS 'applied: done; partly: some segments are done; failed: tried, nothing remains; skipped, held: marked by hand';
COMMENT ON COLUMN @ledger@.changeset.ordinal IS 'The order in which changesets came to this database';
COMMENT ON COLUMN @ledger@.changeset.checksum IS 'Of the changeset as written, before variables: the same in every environment';
COMMENT ON COLUMN @ledger@.changeset.digest IS 'Of the SQL as rendered for this environment';
COMMENT ON COLUMN @ledger@.changeset.body IS 'The changeset as written';
COMMENT ON COLUMN @ledger@.changeset.forward IS 'The segments that were run';
COMMENT ON COLUMN @ledger@.changeset.rollback IS 'The segments that take it back, rendered when it was applied';
COMMENT ON COLUMN @ledger@.changeset.reason IS 'Why it was marked by hand';
COMMENT ON COLUMN @ledger@.changeset.error IS 'What went wrong: SQLSTATE and message, never row values';
CREATE INDEX changeset_run_idx ON @ledger@.changeset (run);

CREATE TABLE @ledger@.requires (
    changeset text NOT NULL REFERENCES @ledger@.changeset ON UPDATE CASCADE ON DELETE CASCADE,
    needs     text NOT NULL REFERENCES @ledger@.changeset ON UPDATE CASCADE ON DELETE RESTRICT,
    PRIMARY KEY (changeset, needs)
);
COMMENT ON TABLE @ledger@.requires IS 'The edges: the database itself refuses to forget a changeset that others need';
CREATE INDEX requires_needs_idx ON @ledger@.requires (needs);

CREATE TABLE @ledger@.segment (
    changeset   text NOT NULL REFERENCES @ledger@.changeset ON UPDATE CASCADE ON DELETE CASCADE,
    direction   text NOT NULL CHECK (direction IN ('forward', 'rollback')),
    no          integer NOT NULL,
    status      text NOT NULL CHECK (status IN ('started', 'done')),
    cursor      jsonb,
    rows        bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (changeset, direction, no)
);
COMMENT ON TABLE @ledger@.segment IS 'Progress inside of changesets that are more than one transaction';
COMMENT ON COLUMN @ledger@.segment.cursor IS 'The last key of a backfill; committed together with its batch';

CREATE TABLE @ledger@.superseded (
    changeset     text NOT NULL REFERENCES @ledger@.changeset ON UPDATE CASCADE ON DELETE CASCADE,
    version       integer NOT NULL,
    content       jsonb NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (changeset, version)
);
COMMENT ON TABLE @ledger@.superseded IS 'Earlier versions of repeatable changesets: what rollback restores';

CREATE TABLE @ledger@.event (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    run       uuid,
    kind      text NOT NULL,
    changeset text,
    db_user   text NOT NULL DEFAULT session_user,
    detail    jsonb NOT NULL DEFAULT '{}',
    hash      text NOT NULL
);
COMMENT ON TABLE @ledger@.event IS 'What ever happened: append only, each row carries a hash over itself and the row before';
CREATE INDEX event_changeset_idx ON @ledger@.event (changeset) WHERE changeset IS NOT NULL;
CREATE INDEX event_run_idx ON @ledger@.event (run);

CREATE FUNCTION @ledger@.event_hash(previous text, e @ledger@.event) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat_ws('|', previous, e.seq,
        extract(epoch FROM e.at)::text, e.run::text, e.kind, coalesce(e.changeset, ''), e.db_user, e.detail::text),
        'UTF8')), 'hex')
$$;
COMMENT ON FUNCTION @ledger@.event_hash(text, @ledger@.event) IS 'The hash of an event: over the hash before it and its own columns';

CREATE FUNCTION @ledger@.chain_event() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- one writer at a time, so that every row sees the one before it
    PERFORM FROM @ledger@.meta WHERE key = 'version' FOR UPDATE;
    NEW.hash := @ledger@.event_hash(
        coalesce((SELECT hash FROM @ledger@.event ORDER BY seq DESC LIMIT 1), ''), NEW);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION @ledger@.chain_event() IS 'Links an event to the one before it';
CREATE TRIGGER chain BEFORE INSERT ON @ledger@.event FOR EACH ROW EXECUTE FUNCTION @ledger@.chain_event();

CREATE FUNCTION @ledger@.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'dagmar: events are append only' USING ERRCODE = 'DG003';
END
$$;
COMMENT ON FUNCTION @ledger@.refuse_change() IS 'Keeps the history from being rewritten';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @ledger@.event
    FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.refuse_change();

CREATE FUNCTION @ledger@.fence(mine bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM @ledger@.lease WHERE epoch = mine FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dagmar: another run has taken over' USING ERRCODE = 'DG001';
    END IF;
END
$$;
COMMENT ON FUNCTION @ledger@.fence(bigint) IS 'Stops a runner that lost its lock: part of every transaction';

CREATE VIEW @ledger@.schema_migrations AS
SELECT id AS version,
       coalesce(description, id) AS name,
       applied_at,
       applied_by,
       status,
       duration_ms AS execution_time_ms,
       checksum,
       error ->> 'message' AS error_message
FROM @ledger@.changeset
ORDER BY ordinal;
COMMENT ON VIEW @ledger@.schema_migrations IS 'The columns that people expect of a table of migrations';

INSERT INTO @ledger@.meta (key, value) VALUES ('version', '1');
-- The attic: where what was dropped is kept until its retention is over, and where a change
-- remembers what its rollback needs to know (a default, a definition, a type).
--
-- Runs once, in the transaction that installs the ledger. The names between at signs are
-- replaced by the quoted names of the ledger's schema and of the attic's schema.
-- All functions run with the rights of the caller. What they execute is made of catalog
-- text, which is written with every name qualified: hence the empty search_path.

CREATE SCHEMA @attic@;
COMMENT ON SCHEMA @attic@ IS 'dagmar: tables and rows that were dropped, until their retention is over';

CREATE TABLE @ledger@.attic (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changeset text NOT NULL,
    kind text NOT NULL,
    object text NOT NULL,
    kept_as text,
    detail jsonb,
    kept_at timestamptz DEFAULT clock_timestamp(),
    restored_at timestamptz,
    purged_at timestamptz
);
CREATE INDEX attic_open ON @ledger@.attic (changeset, kind, object) WHERE restored_at IS NULL AND purged_at IS NULL;
COMMENT ON TABLE @ledger@.attic IS 'what was dropped and is kept, and what changes remember for their rollback';
COMMENT ON COLUMN @ledger@.attic.id IS 'number of the entry; part of the names of kept rows and values';
COMMENT ON COLUMN @ledger@.attic.changeset IS 'id of the changeset that dropped or changed the object';
COMMENT ON COLUMN @ledger@.attic.kind IS 'table, column: the thing itself is kept; rows, values: what a rollback would have lost; default, notNull, type, constraint, index: a definition is remembered';
COMMENT ON COLUMN @ledger@.attic.object IS 'the object before, as SQL: schema.table, schema.table.column, schema.table.constraint, schema.index';
COMMENT ON COLUMN @ledger@.attic.kept_as IS 'the name it has now: a table of the attic''s schema, or a column of the same table';
COMMENT ON COLUMN @ledger@.attic.detail IS 'what is needed to put it back';
COMMENT ON COLUMN @ledger@.attic.kept_at IS 'when it was dropped or changed';
COMMENT ON COLUMN @ledger@.attic.restored_at IS 'when it was put back';
COMMENT ON COLUMN @ledger@.attic.purged_at IS 'when it was dropped for good';

CREATE FUNCTION @ledger@.attic_schema() RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT (parse_ident($name$@attic@$name$))[1]
$body$;
COMMENT ON FUNCTION @ledger@.attic_schema() IS 'the name of the attic''s schema, unquoted';

CREATE FUNCTION @ledger@.attic_object(tbl regclass, part text DEFAULT NULL) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT format('%I.%I', n.nspname, c.relname) || CASE WHEN part IS NULL THEN '' ELSE format('.%I', part) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tbl
$body$;
COMMENT ON FUNCTION @ledger@.attic_object(regclass, text) IS 'how an entry names a relation, or a part of it';

CREATE FUNCTION @ledger@.attic_column(tbl regclass, col text) RETURNS pg_attribute LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    found pg_attribute;
BEGIN
    SELECT a.* INTO found FROM pg_attribute a
    WHERE a.attrelid = tbl AND a.attname = col AND a.attnum > 0 AND NOT a.attisdropped;
    IF found.attnum IS NULL THEN
        RAISE EXCEPTION 'table % has no column %', tbl, quote_ident(col) USING ERRCODE = 'undefined_column';
    END IF;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_column(regclass, text) IS 'the catalog row of a column; an error when there is none';

CREATE FUNCTION @ledger@.attic_default(tbl regclass, col text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE d.adrelid = tbl AND a.attname = col AND a.attgenerated = ''
$body$;
COMMENT ON FUNCTION @ledger@.attic_default(regclass, text) IS 'the default of a column as SQL; NULL when it has none';

CREATE FUNCTION @ledger@.attic_note(changeset text, kind text, object text, detail jsonb) RETURNS bigint LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    INSERT INTO @ledger@.attic (changeset, kind, object, detail) VALUES ($1, $2, $3, $4) RETURNING id
$body$;
COMMENT ON FUNCTION @ledger@.attic_note(text, text, text, jsonb) IS 'writes an entry and gives its number';

CREATE FUNCTION @ledger@.attic_entry(of_changeset text, of_kind text, of_object text) RETURNS @ledger@.attic
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    found @ledger@.attic;
    wanted text[] := parse_ident(of_object);
BEGIN
    -- a name without its schema fits whatever schema the change found it in
    SELECT a.* INTO found FROM @ledger@.attic a
    WHERE a.changeset = of_changeset AND a.kind = of_kind AND a.restored_at IS NULL AND a.purged_at IS NULL
      AND (parse_ident(a.object))[cardinality(parse_ident(a.object)) - cardinality(wanted) + 1:] = wanted
    ORDER BY a.id DESC LIMIT 1 FOR UPDATE;
    IF found.id IS NULL THEN
        RAISE EXCEPTION 'the attic has no % % of changeset %', of_kind, of_object, quote_literal(of_changeset)
            USING ERRCODE = 'no_data_found',
                  HINT = 'it was put back or purged before: see the table ' || quote_literal($name$@ledger@.attic$name$);
    END IF;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_entry(text, text, text) IS 'the newest entry that is not yet put back; an error when there is none';

CREATE FUNCTION @ledger@.attic_done(entry bigint) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    UPDATE @ledger@.attic SET restored_at = clock_timestamp() WHERE id = entry
$body$;
COMMENT ON FUNCTION @ledger@.attic_done(bigint) IS 'notes that an entry was put back';

CREATE FUNCTION @ledger@.attic_probe(command text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    what text;
    who text;
BEGIN
    -- the server alone knows all that depends: let it drop, and take that back
    EXECUTE command;
    RAISE EXCEPTION 'taken back' USING ERRCODE = 'DGTRY';
EXCEPTION
    WHEN SQLSTATE 'DGTRY' THEN
        RETURN;
    WHEN dependent_objects_still_exist THEN
        GET STACKED DIAGNOSTICS what = MESSAGE_TEXT, who = PG_EXCEPTION_DETAIL;
        RAISE EXCEPTION '%', what USING ERRCODE = 'dependent_objects_still_exist', DETAIL = who,
            HINT = 'drop or change what depends on it first, in a changeset that this one depends on';
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_probe(text) IS 'fails as the command would, without doing it';

CREATE FUNCTION @ledger@.attic_prefix(changeset text, object text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
    -- of the changeset and not of the entry: the same in every environment and every time
    SELECT 'attic_' || left(md5(changeset || E'\n' || object), 8)
$body$;
COMMENT ON FUNCTION @ledger@.attic_prefix(text, text) IS 'the beginning of the names of what is kept of an object';

CREATE FUNCTION @ledger@.attic_rename(kind "char", schema text, old_name text, new_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    EXECUTE format('ALTER %s %I.%I RENAME TO %I',
        CASE kind WHEN 'i' THEN 'INDEX' WHEN 'S' THEN 'SEQUENCE' WHEN 's' THEN 'STATISTICS' ELSE 'TABLE' END,
        schema, old_name, new_name);
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_rename("char", text, text, text) IS 'renames a table (t), index (i), sequence (S) or statistics object (s)';

CREATE FUNCTION @ledger@.attic_constraints(tables regclass[], kinds "char"[], attribute smallint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'schema', n.nspname, 'table', c.relname, 'name', k.conname, 'kind', k.contype, 'validated', k.convalidated,
        'definition', pg_get_constraintdef(k.oid), 'comment', obj_description(k.oid, 'pg_constraint')
    -- what others rest on goes last; it comes back first
    ) ORDER BY array_position(ARRAY['f', 'c', 'x', 'u', 'p', 'n']::"char"[], k.contype), k.conname), '[]')
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype = 'u'
    WHERE k.conrelid = ANY (tables) AND k.conparentid = 0
      AND (k.contype = ANY (kinds)
           OR (attribute IS NOT NULL AND (to_jsonb(i) ->> 'indnullsnotdistinct')::boolean))
      AND CASE WHEN attribute IS NULL THEN k.confrelid <> ALL (tables) ELSE attribute = ANY (k.conkey) END
$body$;
COMMENT ON FUNCTION @ledger@.attic_constraints(regclass[], "char"[], smallint) IS 'constraints on a column, or the foreign keys that leave a set of tables, with all that makes them again';

CREATE FUNCTION @ledger@.attic_add_constraint(made jsonb, quickly boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', made ->> 'schema', made ->> 'table', made ->> 'name',
        (made ->> 'definition') || CASE WHEN quickly THEN ' NOT VALID' ELSE '' END);
    IF made ->> 'comment' IS NOT NULL THEN
        EXECUTE format('COMMENT ON CONSTRAINT %I ON %I.%I IS %L',
            made ->> 'name', made ->> 'schema', made ->> 'table', made ->> 'comment');
    END IF;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_add_constraint(jsonb, boolean) IS 'makes a remembered constraint again; quickly: without reading the rows';

CREATE FUNCTION @ledger@.attic_index(idx regclass) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $body$
    -- of a partitioned index the definition names ONLY its table, which would never be valid
    SELECT jsonb_build_object('object', @ledger@.attic_object(idx),
        'definition', CASE c.relkind WHEN 'I' THEN replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ')
                      ELSE pg_get_indexdef(c.oid) END,
        'tablespace', t.spcname, 'comment', obj_description(c.oid, 'pg_class'))
    FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
    WHERE c.oid = idx AND c.relkind IN ('i', 'I')
$body$;
COMMENT ON FUNCTION @ledger@.attic_index(regclass) IS 'all that makes an index again';

CREATE FUNCTION @ledger@.attic_add_index(made jsonb) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET default_tablespace = '' AS $body$
BEGIN
    IF made ->> 'tablespace' IS NOT NULL THEN
        PERFORM set_config('default_tablespace', made ->> 'tablespace', true);
    END IF;
    EXECUTE made ->> 'definition';
    IF made ->> 'comment' IS NOT NULL THEN
        EXECUTE format('COMMENT ON INDEX %s IS %L', made ->> 'object', made ->> 'comment');
    END IF;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_add_index(jsonb) IS 'makes a remembered index again';

CREATE FUNCTION @ledger@.keep_table(tbl regclass, changeset text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    attic text := @ledger@.attic_schema();
    object text := @ledger@.attic_object(tbl);
    prefix text := @ledger@.attic_prefix(changeset, object);
    entry bigint;
    tables regclass[];
    parts jsonb;
    keys jsonb;
    part jsonb;
    parent regclass;
    bound text;
BEGIN
    IF (SELECT relkind NOT IN ('r', 'p') FROM pg_class WHERE oid = tbl) THEN
        RAISE EXCEPTION '% is not a table', object USING ERRCODE = 'wrong_object_type';
    END IF;
    PERFORM @ledger@.attic_probe(format('DROP TABLE %s', tbl));
    -- the same table may have been dropped before and made anew since
    WHILE EXISTS (
        SELECT FROM pg_class c WHERE c.relnamespace::regnamespace::text = quote_ident(attic)
            AND starts_with(c.relname::text, prefix || '_')
    ) LOOP
        prefix := @ledger@.attic_prefix(changeset, prefix);
    END LOOP;

    SELECT i.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid) INTO parent, bound
    FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.oid = tbl AND c.relispartition;
    IF parent IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, tbl);
    END IF;
    -- the table and its partitions; a foreign key among them binds nobody else
    tables := ARRAY(SELECT relid FROM pg_partition_tree(tbl) UNION SELECT tbl);
    keys := @ledger@.attic_constraints(tables, ARRAY['f']::"char"[], NULL);
    FOR part IN SELECT * FROM jsonb_array_elements(keys) LOOP
        EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT %I', part ->> 'schema', part ->> 'table', part ->> 'name');
    END LOOP;

    entry := @ledger@.attic_note(changeset, 'table', object, NULL);
    -- whatever has a name of its own gets another: a later table may use the old ones again
    SELECT jsonb_agg(jsonb_build_object('kind', kind, 'schema', schema, 'name', name,
        'kept', format('%s_%s_%s', prefix, n, name)::name) ORDER BY n)
    INTO parts
    FROM (
        SELECT row_number() OVER (ORDER BY oid <> tbl, kind <> 't', schema, name) AS n, *
        FROM (
            SELECT c.oid, 't' AS kind, c.relnamespace::regnamespace AS namespace, c.relname AS name
            FROM pg_class c WHERE c.oid = ANY (tables)
            UNION ALL
            SELECT c.oid, 'i', c.relnamespace::regnamespace, c.relname
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = ANY (tables)
            UNION ALL
            SELECT c.oid, 'S', c.relnamespace::regnamespace, c.relname
            FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
              AND d.refobjid = ANY (tables) AND d.deptype IN ('a', 'i')
            UNION ALL
            SELECT s.oid, 's', s.stxnamespace::regnamespace, s.stxname
            FROM pg_statistic_ext s WHERE s.stxrelid = ANY (tables)
        ) AS own
        CROSS JOIN LATERAL (SELECT nspname AS schema FROM pg_namespace WHERE oid = own.namespace) AS home
    ) AS numbered;
    FOR part IN SELECT * FROM jsonb_array_elements(parts) LOOP
        PERFORM @ledger@.attic_rename((part ->> 'kind')::"char", part ->> 'schema', part ->> 'name', part ->> 'kept');
    END LOOP;
    -- indexes and sequences move with their table
    FOR part IN SELECT * FROM jsonb_array_elements(parts) p WHERE p ->> 'kind' IN ('t', 's') LOOP
        EXECUTE format('ALTER %s %I.%I SET SCHEMA %I',
            CASE part ->> 'kind' WHEN 't' THEN 'TABLE' ELSE 'STATISTICS' END, part ->> 'schema', part ->> 'kept', attic);
    END LOOP;

    UPDATE @ledger@.attic a SET kept_as = format('%I.%I', attic, parts -> 0 ->> 'kept'), detail = jsonb_build_object(
        'parts', parts, 'foreignKeys', keys, 'parent', @ledger@.attic_object(parent), 'bound', bound)
    WHERE a.id = entry;
    RETURN entry;
END
$body$;
COMMENT ON FUNCTION @ledger@.keep_table(regclass, text) IS 'moves a table with its partitions to the attic; refused as DROP TABLE would be; its foreign keys are remembered and dropped';

CREATE FUNCTION @ledger@.restore_table(object text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    attic text := @ledger@.attic_schema();
    entry @ledger@.attic := @ledger@.attic_entry(changeset, 'table', object);
    part jsonb;
BEGIN
    FOR part IN SELECT * FROM jsonb_array_elements(entry.detail -> 'parts') p WHERE p ->> 'kind' IN ('t', 's') LOOP
        EXECUTE format('ALTER %s %I.%I SET SCHEMA %I',
            CASE part ->> 'kind' WHEN 't' THEN 'TABLE' ELSE 'STATISTICS' END, attic, part ->> 'kept', part ->> 'schema');
    END LOOP;
    FOR part IN SELECT * FROM jsonb_array_elements(entry.detail -> 'parts') LOOP
        PERFORM @ledger@.attic_rename((part ->> 'kind')::"char", part ->> 'schema', part ->> 'kept', part ->> 'name');
    END LOOP;
    FOR part IN SELECT * FROM jsonb_array_elements(entry.detail -> 'foreignKeys') LOOP
        PERFORM @ledger@.attic_add_constraint(part);
    END LOOP;
    IF entry.detail ->> 'parent' IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s',
            entry.detail ->> 'parent', entry.object, entry.detail ->> 'bound');
    END IF;
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.restore_table(text, text) IS 'puts back a table that keep_table moved, under its names and with its foreign keys';

CREATE FUNCTION @ledger@.keep_column(tbl regclass, col text, changeset text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    a pg_attribute := @ledger@.attic_column(tbl, col);
    prefix text := @ledger@.attic_prefix(changeset, @ledger@.attic_object(tbl, col));
    entry bigint;
    kept name;
    bindings jsonb;
    indexes jsonb;
    parts jsonb;
    part jsonb;
    old_default text;
BEGIN
    -- a column of the same name may have been dropped before and added anew since
    WHILE EXISTS (
        SELECT FROM pg_attribute x WHERE x.attrelid = tbl AND NOT x.attisdropped AND x.attname = format('%s_%s', prefix, col)::name
    ) LOOP
        prefix := @ledger@.attic_prefix(changeset, prefix);
    END LOOP;
    PERFORM @ledger@.attic_probe(format('ALTER TABLE %s DROP COLUMN %I', tbl, col));
    entry := @ledger@.attic_note(changeset, 'column', @ledger@.attic_object(tbl, col), NULL);
    kept := format('%s_%s', prefix, col)::name;

    -- nothing that could refuse a row of a writer who does not know the column may stay
    bindings := @ledger@.attic_constraints(ARRAY[tbl], CASE WHEN a.attidentity = ''
        THEN ARRAY['f', 'c', 'p', 'n']::"char"[] ELSE ARRAY['f', 'c', 'p']::"char"[] END, a.attnum);
    FOR part IN SELECT * FROM jsonb_array_elements(bindings) LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', tbl, part ->> 'name');
    END LOOP;
    SELECT coalesce(jsonb_agg(@ledger@.attic_index(i.indexrelid)), '[]') INTO indexes
    FROM pg_index i
    WHERE i.indrelid = tbl AND i.indisunique AND (to_jsonb(i) ->> 'indnullsnotdistinct')::boolean
      AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = tbl AND d.refobjsubid = a.attnum);
    FOR part IN SELECT * FROM jsonb_array_elements(indexes) LOOP
        EXECUTE format('DROP INDEX %s', part ->> 'object');
    END LOOP;
    IF a.attnotnull AND a.attidentity = '' THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', tbl, col);
    END IF;
    -- a default goes on filling new rows, so that NOT NULL can come back; not where a
    -- unique index would refuse the second row with it
    IF EXISTS (SELECT FROM pg_index i WHERE i.indrelid = tbl AND (i.indisunique OR i.indisexclusion)
               AND a.attnum = ANY (i.indkey)) AND a.attidentity = '' THEN
        old_default := @ledger@.attic_default(tbl, col);
        IF old_default IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', tbl, col);
        END IF;
    END IF;

    -- indexes, sequences and statistics stay as they are, under other names
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'schema', schema, 'name', name,
        'kept', format('%s_%s_%s', prefix, n, name)::name) ORDER BY n), '[]')
    INTO parts
    FROM (
        SELECT row_number() OVER (ORDER BY kind, name) AS n, own.kind, own.name, home.nspname AS schema
        FROM (
            SELECT CASE c.relkind WHEN 'S' THEN 'S' ELSE 'i' END AS kind, c.relnamespace AS namespace, c.relname AS name
            FROM pg_class c
            WHERE c.relkind IN ('i', 'I', 'S') AND EXISTS (
                SELECT FROM pg_depend d
                LEFT JOIN pg_constraint k ON k.oid = d.objid AND d.classid = 'pg_constraint'::regclass
                WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = tbl AND d.refobjsubid = a.attnum
                  AND d.deptype IN ('a', 'i')
                  AND (k.conindid = c.oid OR (d.classid = 'pg_class'::regclass AND d.objid = c.oid)))
            UNION ALL
            SELECT 's', s.stxnamespace, s.stxname FROM pg_statistic_ext s
            WHERE s.stxrelid = tbl AND EXISTS (
                SELECT FROM pg_depend d WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = tbl AND d.refobjsubid = a.attnum)
        ) AS own JOIN pg_namespace home ON home.oid = own.namespace
    ) AS numbered;
    FOR part IN SELECT * FROM jsonb_array_elements(parts) LOOP
        PERFORM @ledger@.attic_rename((part ->> 'kind')::"char", part ->> 'schema', part ->> 'name', part ->> 'kept');
    END LOOP;
    EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', tbl, col, kept);

    UPDATE @ledger@.attic e SET kept_as = quote_ident(kept), detail = jsonb_build_object('name', kept, 'parts', parts,
        'constraints', bindings, 'indexes', indexes, 'notNull', a.attnotnull AND a.attidentity = '', 'default', old_default)
    WHERE e.id = entry;
    RETURN entry;
END
$body$;
COMMENT ON FUNCTION @ledger@.keep_column(regclass, text, text) IS 'renames a column to a name of the attic and frees it of all that binds writers; refused as DROP COLUMN would be';

CREATE FUNCTION @ledger@.restore_column(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_entry(changeset, 'column', @ledger@.attic_object(tbl, col));
    part jsonb;
    empty bigint;
BEGIN
    EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', tbl, entry.detail ->> 'name', col);
    FOR part IN SELECT * FROM jsonb_array_elements(entry.detail -> 'parts') LOOP
        PERFORM @ledger@.attic_rename((part ->> 'kind')::"char", part ->> 'schema', part ->> 'kept', part ->> 'name');
    END LOOP;
    IF entry.detail ->> 'default' IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', tbl, col, entry.detail ->> 'default');
    END IF;
    IF (entry.detail ->> 'notNull')::boolean THEN
        IF entry.detail ->> 'default' IS NOT NULL THEN
            EXECUTE format('UPDATE %s SET %I = DEFAULT WHERE %I IS NULL', tbl, col, col);
            SET CONSTRAINTS ALL IMMEDIATE;
        END IF;
        EXECUTE format('SELECT count(*) FROM %s WHERE %I IS NULL', tbl, col) INTO empty;
        IF empty > 0 THEN
            RAISE EXCEPTION 'column % of table % was NOT NULL, and % row(s) written since it was dropped have no value in it',
                quote_ident(col), tbl, empty
                USING ERRCODE = 'not_null_violation', COLUMN = col,
                      HINT = format('give them one first: UPDATE %s SET %s = ... WHERE %s IS NULL',
                                    tbl, entry.kept_as, entry.kept_as);
        END IF;
    END IF;
    FOR part IN SELECT value FROM jsonb_array_elements(entry.detail -> 'constraints')
                WITH ORDINALITY AS c (value, n) ORDER BY n DESC LOOP
        PERFORM @ledger@.attic_add_constraint(part);
    END LOOP;
    IF (entry.detail ->> 'notNull')::boolean AND NOT (@ledger@.attic_column(tbl, col)).attnotnull THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', tbl, col);
    END IF;
    FOR part IN SELECT * FROM jsonb_array_elements(entry.detail -> 'indexes') LOOP
        PERFORM @ledger@.attic_add_index(part);
    END LOOP;
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.restore_column(regclass, text, text) IS 'puts back a column that keep_column renamed, with its constraints, NOT NULL and default';

CREATE FUNCTION @ledger@.keep_rows(tbl regclass, changeset text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = off
SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET extra_float_digits = 3 SET lc_monetary = 'C' AS $body$
DECLARE
    filled boolean;
    entry bigint;
    names text;
    texts text;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', tbl) INTO filled;
    IF NOT filled THEN
        RETURN NULL;
    END IF;
    -- every value as its text: no type is needed to read the rows later
    SELECT string_agg(quote_literal(attname), ', ' ORDER BY attnum),
           string_agg(format('t.%I::text', attname), ', ' ORDER BY attnum)
    INTO names, texts
    FROM pg_attribute WHERE attrelid = tbl AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    entry := @ledger@.attic_note(changeset, 'rows', @ledger@.attic_object(tbl), NULL);
    PERFORM @ledger@.attic_store(entry, 'rows', format(
        'SELECT jsonb_object(ARRAY[%s]::text[], ARRAY[%s]::text[]) AS row FROM %s AS t', names, texts, tbl));
    RETURN entry;
END
$body$;
COMMENT ON FUNCTION @ledger@.keep_rows(regclass, text) IS 'before a rollback drops a table: stores its rows, if there are any, in a table of the attic';

CREATE FUNCTION @ledger@.attic_store(entry bigint, prefix text, query text, more jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    name text := format('%I.%I', @ledger@.attic_schema(), format('%s_%s', prefix, entry));
    stored bigint;
BEGIN
    EXECUTE format('CREATE TABLE %s AS %s', name, query);
    GET DIAGNOSTICS stored = ROW_COUNT;
    EXECUTE format('COMMENT ON TABLE %s IS %L', name, format('entry %s of the attic', entry));
    UPDATE @ledger@.attic a SET kept_as = name, detail = more || jsonb_build_object('rows', stored) WHERE a.id = entry;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_store(bigint, text, text, jsonb) IS 'stores the answer of a query in a table of the attic';

CREATE FUNCTION @ledger@.attic_key(tbl regclass, without text) RETURNS text[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT coalesce((
        SELECT array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
        WHERE i.indrelid = tbl AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        GROUP BY i.indexrelid, i.indisprimary
        HAVING bool_and(a.attnotnull AND a.attname <> without)
        ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1
    -- no key: all the other columns tell the rows apart as well as anything does
    ), (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = tbl AND attnum > 0 AND NOT attisdropped AND attname <> without))
$body$;
COMMENT ON FUNCTION @ledger@.attic_key(regclass, text) IS 'columns that tell rows apart: the primary key, else a unique one, else all';

CREATE FUNCTION @ledger@.keep_column_values(tbl regclass, col text, changeset text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = off
SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET extra_float_digits = 3 SET lc_monetary = 'C' AS $body$
DECLARE
    a pg_attribute := @ledger@.attic_column(tbl, col);
    keys text[] := @ledger@.attic_key(tbl, col);
    wanted text := format('t.%I IS NOT NULL', col);
    filled boolean;
    entry bigint;
BEGIN
    IF a.attgenerated <> '' THEN
        RETURN NULL;
    END IF;
    -- a constant default comes back with the column itself
    wanted := wanted || coalesce((
        SELECT format(' AND t.%I::text IS DISTINCT FROM (%s)::text', col, pg_get_expr(adbin, adrelid))
        FROM pg_attrdef WHERE adrelid = tbl AND adnum = a.attnum AND adbin::text LIKE '{CONST %'), '');
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE %s)', tbl, wanted) INTO filled;
    IF NOT filled THEN
        RETURN NULL;
    END IF;
    entry := @ledger@.attic_note(changeset, 'values', @ledger@.attic_object(tbl, col), NULL);
    PERFORM @ledger@.attic_store(entry, 'values', format(
        'SELECT jsonb_object(ARRAY[%s]::text[], ARRAY[%s]::text[]) AS key, t.%I::text AS value FROM %s AS t WHERE %s',
        (SELECT string_agg(quote_literal(k), ', ') FROM unnest(keys) k),
        (SELECT string_agg(format('t.%I::text', k), ', ') FROM unnest(keys) k), col, tbl, wanted),
        jsonb_build_object('table', @ledger@.attic_object(tbl), 'column', col, 'key', keys));
    RETURN entry;
END
$body$;
COMMENT ON FUNCTION @ledger@.keep_column_values(regclass, text, text) IS 'before a rollback drops a column: stores its values, with the key of their rows, in a table of the attic';

CREATE FUNCTION @ledger@.restore_rows(attic_id bigint) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = off
SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET lc_monetary = 'C' AS $body$
DECLARE
    entry @ledger@.attic;
    tbl regclass;
    command text;
    restored bigint;
BEGIN
    SELECT e.* INTO entry FROM @ledger@.attic e
    WHERE e.id = attic_id AND e.kind IN ('rows', 'values') AND e.restored_at IS NULL AND e.purged_at IS NULL FOR UPDATE;
    IF entry.id IS NULL THEN
        RAISE EXCEPTION 'entry % of the attic holds no rows that could be put back', attic_id USING ERRCODE = 'no_data_found';
    END IF;
    IF entry.kind = 'rows' THEN
        tbl := entry.object::regclass;
        EXECUTE format('SELECT row FROM %s LIMIT 1', entry.kept_as) INTO entry.detail;
        -- columns that came since get their defaults
        SELECT format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s AS k ON CONFLICT DO NOTHING', tbl,
            string_agg(quote_ident(attname), ', ' ORDER BY attnum),
            string_agg(format('(k.row ->> %L)::%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum),
            entry.kept_as)
        INTO command FROM pg_attribute
        WHERE attrelid = tbl AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND entry.detail ? attname;
    ELSE
        tbl := (entry.detail ->> 'table')::regclass;
        SELECT format('UPDATE %s AS t SET %I = k.value::%s FROM %s AS k WHERE %s', tbl, entry.detail ->> 'column',
            (SELECT format_type(atttypid, atttypmod) FROM pg_attribute
             WHERE attrelid = tbl AND attname = entry.detail ->> 'column'),
            entry.kept_as,
            string_agg(format('t.%I IS NOT DISTINCT FROM (k.key ->> %L)::%s', attname, attname,
                format_type(atttypid, atttypmod)), ' AND '))
        INTO command FROM pg_attribute
        WHERE attrelid = tbl AND attnum > 0 AND NOT attisdropped AND entry.detail -> 'key' ? attname;
    END IF;
    EXECUTE command;
    GET DIAGNOSTICS restored = ROW_COUNT;
    PERFORM @ledger@.attic_done(entry.id);
    RETURN restored;
END
$body$;
COMMENT ON FUNCTION @ledger@.restore_rows(bigint) IS 'puts kept rows or values back where nothing stands in their way; gives how many';

CREATE FUNCTION @ledger@.purge(attic_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic;
BEGIN
    SELECT e.* INTO entry FROM @ledger@.attic e WHERE e.id = attic_id AND e.purged_at IS NULL FOR UPDATE;
    IF entry.id IS NULL THEN
        RAISE EXCEPTION 'the attic has no entry % to purge', attic_id USING ERRCODE = 'no_data_found';
    END IF;
    IF entry.kind IN ('rows', 'values') OR (entry.kind = 'table' AND entry.restored_at IS NULL) THEN
        EXECUTE format('DROP TABLE %s', entry.kept_as);
    ELSIF entry.kind = 'column' AND entry.restored_at IS NULL THEN
        EXECUTE format('ALTER TABLE %s DROP COLUMN %s',
            regexp_replace(entry.object, '\.("([^"]|"")*"|[^."]*)$', ''), entry.kept_as);
    END IF;
    UPDATE @ledger@.attic e SET purged_at = clock_timestamp() WHERE e.id = attic_id;
END
$body$;
COMMENT ON FUNCTION @ledger@.purge(bigint) IS 'drops for good what an entry keeps; its changeset cannot be rolled back from then on';

CREATE FUNCTION @ledger@.remember_default(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    PERFORM @ledger@.attic_column(tbl, col);
    PERFORM @ledger@.attic_note(changeset, 'default', @ledger@.attic_object(tbl, col),
        jsonb_build_object('default', @ledger@.attic_default(tbl, col)));
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_default(regclass, text, text) IS 'remembers the default of a column, or that it has none';

CREATE FUNCTION @ledger@.recall_default(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_entry(changeset, 'default', @ledger@.attic_object(tbl, col));
BEGIN
    -- an identity column has none and refuses to hear of one
    IF (entry.detail ->> 'default') IS DISTINCT FROM @ledger@.attic_default(tbl, col) THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I %s', tbl, col,
            coalesce('SET DEFAULT ' || (entry.detail ->> 'default'), 'DROP DEFAULT'));
    END IF;
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.recall_default(regclass, text, text) IS 'gives a column the default that remember_default saw';

CREATE FUNCTION @ledger@.remember_not_null(tbl regclass, col text, changeset text) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT @ledger@.attic_note($3, 'notNull', @ledger@.attic_object(tbl, col),
        jsonb_build_object('notNull', (@ledger@.attic_column(tbl, col)).attnotnull))
$body$;
COMMENT ON FUNCTION @ledger@.remember_not_null(regclass, text, text) IS 'remembers whether a column may hold NULL';

CREATE FUNCTION @ledger@.prepare_not_null(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_entry(changeset, 'notNull', @ledger@.attic_object(tbl, col));
    helper text := format('attic_%s_not_null', entry.id);
    valid boolean;
BEGIN
    IF NOT (entry.detail ->> 'notNull')::boolean OR (@ledger@.attic_column(tbl, col)).attnotnull THEN
        RETURN;
    END IF;
    SELECT convalidated INTO valid FROM pg_constraint WHERE conrelid = tbl AND conname = helper;
    IF valid IS NULL THEN
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%I IS NOT NULL) NOT VALID', tbl, helper, col);
    ELSIF NOT valid THEN
        EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', tbl, helper);
    END IF;
END
$body$;
COMMENT ON FUNCTION @ledger@.prepare_not_null(regclass, text, text) IS 'called in two transactions before recall_not_null, lets it set NOT NULL without reading the table under its lock';

CREATE FUNCTION @ledger@.recall_not_null(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_entry(changeset, 'notNull', @ledger@.attic_object(tbl, col));
BEGIN
    IF (entry.detail ->> 'notNull')::boolean <> (@ledger@.attic_column(tbl, col)).attnotnull THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I %s NOT NULL', tbl, col,
            CASE WHEN (entry.detail ->> 'notNull')::boolean THEN 'SET' ELSE 'DROP' END);
    END IF;
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', tbl, format('attic_%s_not_null', entry.id));
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.recall_not_null(regclass, text, text) IS 'sets or drops NOT NULL as remember_not_null saw it';

CREATE FUNCTION @ledger@.remember_type(tbl regclass, col text, changeset text) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT @ledger@.attic_note($3, 'type', @ledger@.attic_object(tbl, col), jsonb_build_object(
        'type', format_type(a.atttypid, a.atttypmod),
        'collation', (SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation c
                      JOIN pg_namespace n ON n.oid = c.collnamespace JOIN pg_type t ON t.oid = a.atttypid
                      WHERE c.oid = a.attcollation AND a.attcollation <> t.typcollation),
        'default', @ledger@.attic_default(tbl, col)))
    FROM @ledger@.attic_column(tbl, col) a
$body$;
COMMENT ON FUNCTION @ledger@.remember_type(regclass, text, text) IS 'remembers the type, collation and default of a column';

CREATE FUNCTION @ledger@.recall_type(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_entry(changeset, 'type', @ledger@.attic_object(tbl, col));
    command text := format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', tbl, col, entry.detail ->> 'type')
        || coalesce(' COLLATE ' || (entry.detail ->> 'collation'), '');
    has_default boolean := @ledger@.attic_default(tbl, col) IS NOT NULL;
BEGIN
    -- a default converted there and back would not be the same text
    IF has_default THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', tbl, col);
    END IF;
    BEGIN
        EXECUTE command;
    EXCEPTION WHEN datatype_mismatch THEN
        -- only where no assignment is known: an explicit cast cuts texts silently
        EXECUTE format('%s USING %I::%s', command, col, entry.detail ->> 'type');
    END;
    IF entry.detail ->> 'default' IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', tbl, col, entry.detail ->> 'default');
    END IF;
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.recall_type(regclass, text, text) IS 'gives a column the type, collation and default that remember_type saw';

CREATE FUNCTION @ledger@.remember_constraint(tbl regclass, con text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    made jsonb;
BEGIN
    SELECT jsonb_build_object('schema', n.nspname, 'table', c.relname, 'name', k.conname, 'kind', k.contype,
        'validated', k.convalidated, 'definition', pg_get_constraintdef(k.oid),
        'comment', obj_description(k.oid, 'pg_constraint'))
    INTO made
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.conrelid = tbl AND k.conname = con;
    IF made IS NULL THEN
        RAISE EXCEPTION 'table % has no constraint %', tbl, quote_ident(con) USING ERRCODE = 'undefined_object';
    END IF;
    PERFORM @ledger@.attic_note(changeset, 'constraint', @ledger@.attic_object(tbl, con), made);
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_constraint(regclass, text, text) IS 'remembers the definition of a constraint';

CREATE FUNCTION @ledger@.recall_constraint(tbl regclass, con text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_entry(changeset, 'constraint', @ledger@.attic_object(tbl, con));
    made jsonb := entry.detail;
BEGIN
    -- before 18 a partitioned table takes no foreign key that is not valid
    PERFORM @ledger@.attic_add_constraint(made, (made ->> 'validated')::boolean AND made ->> 'kind' IN ('c', 'f')
        AND (made ->> 'kind' = 'c' OR (SELECT relkind = 'r' FROM pg_class WHERE oid = tbl)));
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.recall_constraint(regclass, text, text) IS 'adds the constraint that remember_constraint saw; a check or foreign key is not valid until validate_recalled';

CREATE FUNCTION @ledger@.validate_recalled(tbl regclass, con text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    -- of this changeset the newest entry that was put back
    IF (SELECT (a.detail ->> 'validated')::boolean AND a.detail ->> 'kind' IN ('c', 'f') FROM @ledger@.attic a
        WHERE a.changeset = $3 AND a.kind = 'constraint' AND a.object = @ledger@.attic_object(tbl, con)
          AND a.restored_at IS NOT NULL ORDER BY a.id DESC LIMIT 1) THEN
        EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', tbl, con);
    END IF;
END
$body$;
COMMENT ON FUNCTION @ledger@.validate_recalled(regclass, text, text) IS 'validates, in a later transaction, the constraint that recall_constraint added';

CREATE FUNCTION @ledger@.remember_index(idx regclass, changeset text) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT @ledger@.attic_note($2, 'index', @ledger@.attic_object(idx), @ledger@.attic_index(idx))
$body$;
COMMENT ON FUNCTION @ledger@.remember_index(regclass, text) IS 'remembers the definition of an index';

CREATE FUNCTION @ledger@.recall_index(idx text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_entry(changeset, 'index', idx);
    valid boolean;
BEGIN
    -- a concurrent drop that was broken off leaves the index whole or invalid
    SELECT indisvalid INTO valid FROM pg_index WHERE indexrelid = to_regclass(entry.object);
    IF NOT valid THEN
        EXECUTE format('DROP INDEX %s', entry.object);
    END IF;
    IF valid IS NOT TRUE THEN
        PERFORM @ledger@.attic_add_index(entry.detail);
    END IF;
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.recall_index(text, text) IS 'builds the index that remember_index saw; writes to its table wait meanwhile';
-- What changes of rows, comments and extensions remember for their rollback, in the attic's
-- table. Runs once, after attic.sql, in the transaction that installs the ledger.
-- All functions run with the rights of the caller. Old rows are kept as the texts that the
-- types themselves write and read, so that every value comes back as it was.

CREATE FUNCTION @ledger@.remembered(of_changeset text, of_kind text, of_object text) RETURNS @ledger@.attic
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    found @ledger@.attic;
BEGIN
    SELECT a.* INTO found FROM @ledger@.attic a
    WHERE a.changeset = of_changeset AND a.kind = of_kind AND a.object = of_object
      AND a.restored_at IS NULL AND a.purged_at IS NULL
    ORDER BY a.id DESC LIMIT 1 FOR UPDATE;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION @ledger@.remembered(text, text, text) IS 'the newest entry of exactly this object that is not yet put back; NULL when there is none';

CREATE FUNCTION @ledger@.must_remember(of_changeset text, of_kind text, of_object text) RETURNS @ledger@.attic
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    found @ledger@.attic := @ledger@.remembered(of_changeset, of_kind, of_object);
BEGIN
    IF found.id IS NULL THEN
        RAISE EXCEPTION 'nothing is remembered of the % of % by changeset %', of_kind, of_object, quote_literal(of_changeset)
            USING ERRCODE = 'no_data_found', HINT = 'it was put back or purged before';
    END IF;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION @ledger@.must_remember(text, text, text) IS 'the same; an error when there is none';

CREATE FUNCTION @ledger@.remembered_once(of_changeset text, of_kind text, of_object text) RETURNS @ledger@.attic
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    found @ledger@.attic := @ledger@.remembered(of_changeset, of_kind, of_object);
BEGIN
    IF found.id IS NULL AND EXISTS (
        SELECT FROM @ledger@.attic a
        WHERE a.changeset = of_changeset AND a.kind = of_kind AND a.object = of_object AND a.restored_at IS NOT NULL
    ) THEN
        RETURN NULL;
    END IF;
    RETURN @ledger@.must_remember(of_changeset, of_kind, of_object);
END
$body$;
COMMENT ON FUNCTION @ledger@.remembered_once(text, text, text) IS 'for what is remembered once however often a changeset changes it: NULL when it was put back already';

CREATE FUNCTION @ledger@.row_key(tbl regclass) RETURNS text[] LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    columns text[];
BEGIN
    SELECT array_agg(a.attname::text ORDER BY k.position) INTO columns
    FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = tbl AND i.indisprimary AND k.position <= i.indnkeyatts;
    IF columns IS NULL THEN
        RAISE EXCEPTION 'table % has no primary key by which its rows could be found again', tbl
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'write the rollback by hand: `key` in an insert, `keep: false` and `rollback` in an update or delete';
    END IF;
    RETURN columns;
END
$body$;
COMMENT ON FUNCTION @ledger@.row_key(regclass) IS 'the columns of the primary key; an error when there is none';

CREATE FUNCTION @ledger@.row_values(tbl regclass, columns text[], pattern text, separator text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
    -- %1$I is the column, %2$L its name as a text, %3$s its type
    SELECT string_agg(format(pattern, a.attname, a.attname, format_type(a.atttypid, a.atttypmod)), separator ORDER BY c.position)
    FROM unnest(columns) WITH ORDINALITY AS c (name, position)
    JOIN pg_attribute a ON a.attrelid = tbl AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped
$body$;
COMMENT ON FUNCTION @ledger@.row_values(regclass, text[], text, text) IS 'a pattern filled in for each column, joined';

CREATE FUNCTION @ledger@.refuse_followers(tbl regclass, kept jsonb) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = off AS $body$
DECLARE
    reference record;
    found boolean;
BEGIN
    FOR reference IN
        SELECT k.conrelid::regclass AS child, k.conname,
            (SELECT string_agg(format('c.%I = (r.row ->> %L)::%s', a.attname, f.attname,
                    format_type(f.atttypid, f.atttypmod)), ' AND ')
             FROM unnest(k.conkey, k.confkey) AS pair (own, other)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.own
             JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = pair.other) AS matches,
            CASE WHEN k.conrelid = tbl THEN (
                SELECT string_agg(format('c.%I = (o.row ->> %L)::%s', a.attname, a.attname,
                    format_type(a.atttypid, a.atttypmod)), ' AND ')
                FROM unnest(@ledger@.row_key(tbl)) AS own (name)
                JOIN pg_attribute a ON a.attrelid = tbl AND a.attname = own.name) END AS itself
        FROM pg_constraint k
        WHERE k.contype = 'f' AND k.confrelid = tbl AND k.confdeltype IN ('c', 'n', 'd') AND k.conparentid = 0
    LOOP
        -- rows of the same table that are deleted along are kept themselves
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c JOIN jsonb_array_elements($1) AS r (row) ON %s%s)',
            reference.child, reference.matches,
            coalesce(' WHERE NOT EXISTS (SELECT FROM jsonb_array_elements($1) AS o (row) WHERE ' || reference.itself || ')', ''))
        INTO found USING kept;
        IF found THEN
            RAISE EXCEPTION 'rows of % follow these rows of % through %', reference.child, tbl, quote_ident(reference.conname)
                USING ERRCODE = 'foreign_key_violation',
                      HINT = 'they would be lost: delete or change them first, in a change of their own';
        END IF;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION @ledger@.refuse_followers(regclass, jsonb) IS 'an error when deleting these rows would delete or change rows of other tables';

-- search_path is the caller's: the condition is his
CREATE FUNCTION @ledger@.remember_matching(tbl regclass, change text, changeset text, condition text, columns text[])
RETURNS bigint LANGUAGE plpgsql SET row_security = off
SET datestyle = 'ISO' SET intervalstyle = 'postgres' SET extra_float_digits = 3 SET lc_monetary = 'C' AS $body$
DECLARE
    most constant integer := 100000;
    key text[] := @ledger@.row_key(tbl);
    kept jsonb;
BEGIN
    IF columns && key THEN
        RAISE EXCEPTION 'the % changes the primary key of %, by which the old rows would be found again', change, tbl
            USING ERRCODE = 'feature_not_supported', HINT = 'write `keep: false` and a `rollback`';
    END IF;
    IF change = 'delete' THEN
        SELECT array_agg(a.attname ORDER BY a.attnum) INTO columns FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = tbl AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
    ELSE
        columns := key || columns;
    END IF;
    -- FOR UPDATE: the rows stay as they are kept until the change itself
    EXECUTE pg_catalog.format(
        'SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_object($1, m.texts)), ''[]'')
         FROM (SELECT ARRAY[%s] AS texts FROM %s AS t WHERE (%s) LIMIT %s FOR UPDATE OF t) AS m',
        @ledger@.row_values(tbl, columns, 't.%1$I::text', ', '), tbl, condition, most + 1)
    INTO kept USING columns;
    IF pg_catalog.jsonb_array_length(kept) > most THEN
        RAISE EXCEPTION 'the % touches more than % rows of %', change, most, tbl
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'use a backfill, or write `keep: false` and a `rollback`';
    END IF;
    IF change = 'delete' THEN
        PERFORM @ledger@.refuse_followers(tbl, kept);
    END IF;
    PERFORM @ledger@.attic_note(changeset, change, @ledger@.attic_object(tbl),
        pg_catalog.jsonb_build_object('key', key, 'columns', columns, 'rows', kept));
    RETURN pg_catalog.jsonb_array_length(kept);
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_matching(regclass, text, text, text, text[]) IS 'locks the rows that meet a condition and keeps what an update or delete is about to change';

CREATE FUNCTION @ledger@.remember_conflicting(tbl regclass, changeset text, conflicts jsonb, columns text[])
RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $body$
    SELECT @ledger@.remember_matching(tbl, 'upsert', changeset,
        format('EXISTS (SELECT FROM jsonb_array_elements(%L) AS r (row) WHERE %s)', conflicts,
            @ledger@.row_values(tbl, ARRAY(SELECT jsonb_object_keys(conflicts -> 0)),
                't.%1$I = (r.row ->> %2$L)::%3$s', ' AND ')), columns)
$body$;
COMMENT ON FUNCTION @ledger@.remember_conflicting(regclass, text, jsonb, text[]) IS 'the same for the rows that an insert is about to update';

CREATE FUNCTION @ledger@.expect_remembered(tbl regclass, change text, changeset text, changed bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    kept bigint := jsonb_array_length(
        (@ledger@.must_remember(changeset, change, @ledger@.attic_object(tbl))).detail -> 'rows');
BEGIN
    IF kept <> changed THEN
        RAISE EXCEPTION 'the % changed % rows of % where % were kept', change, changed, tbl, kept
            USING ERRCODE = 'serialization_failure',
                  HINT = 'rows that meet the condition came in between: it is tried again. If a trigger or rule is the cause, write `keep: false` and a `rollback`';
    END IF;
END
$body$;
COMMENT ON FUNCTION @ledger@.expect_remembered(regclass, text, text, bigint) IS 'an error, to be tried again, when more or less was changed than kept';

CREATE FUNCTION @ledger@.put_back(tbl regclass, change text, changeset text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = off SET lc_monetary = 'C' AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.must_remember(changeset, change, @ledger@.attic_object(tbl));
    key text[] := ARRAY(SELECT jsonb_array_elements_text(entry.detail -> 'key'));
    columns text[] := ARRAY(SELECT jsonb_array_elements_text(entry.detail -> 'columns'));
    changed bigint;
BEGIN
    IF change = 'delete' THEN
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM jsonb_array_elements($1) AS r (row)', tbl,
            @ledger@.row_values(tbl, columns, '%1$I', ', '),
            @ledger@.row_values(tbl, columns, '(r.row ->> %2$L)::%3$s', ', '))
        USING entry.detail -> 'rows';
    ELSE
        EXECUTE format('UPDATE %s AS t SET %s FROM jsonb_array_elements($1) AS r (row) WHERE %s', tbl,
            @ledger@.row_values(tbl, columns[cardinality(key) + 1:], '%1$I = (r.row ->> %2$L)::%3$s', ', '),
            @ledger@.row_values(tbl, key, 't.%1$I = (r.row ->> %2$L)::%3$s', ' AND '))
        USING entry.detail -> 'rows';
    END IF;
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM @ledger@.attic_done(entry.id);
    RETURN changed;
END
$body$;
COMMENT ON FUNCTION @ledger@.put_back(regclass, text, text) IS 'undoes an update or delete with the rows that were kept; answers how many';

CREATE FUNCTION @ledger@.remember_inserted(tbl regclass, changeset text, inserted jsonb) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = off AS $body$
DECLARE
    -- all columns that others may point at, so that the rollback can look for followers
    columns text[] := ARRAY(
        SELECT unnest(@ledger@.row_key(tbl))
        UNION SELECT a.attname FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = tbl AND a.attnum = ANY (k.confkey)
        WHERE k.contype = 'f' AND k.confrelid = tbl);
    kept jsonb;
BEGIN
    SELECT coalesce(jsonb_agg((SELECT jsonb_object_agg(name, row ->> name) FROM unnest(columns) AS name)), '[]')
    INTO kept FROM jsonb_array_elements(coalesce(inserted, '[]')) AS row;
    PERFORM @ledger@.attic_note(changeset, 'insert', @ledger@.attic_object(tbl),
        jsonb_build_object('key', @ledger@.row_key(tbl), 'rows', kept));
    RETURN jsonb_array_length(kept);
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_inserted(regclass, text, jsonb) IS 'keeps the primary keys of inserted rows';

CREATE FUNCTION @ledger@.remove_inserted(tbl regclass, changeset text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = off AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.must_remember(changeset, 'insert', @ledger@.attic_object(tbl));
    removed bigint;
BEGIN
    PERFORM @ledger@.refuse_followers(tbl, entry.detail -> 'rows');
    EXECUTE format('DELETE FROM %s AS t USING jsonb_array_elements($1) AS r (row) WHERE %s', tbl,
        @ledger@.row_values(tbl, ARRAY(SELECT jsonb_array_elements_text(entry.detail -> 'key')),
            't.%1$I = (r.row ->> %2$L)::%3$s', ' AND '))
    USING entry.detail -> 'rows';
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM @ledger@.attic_done(entry.id);
    RETURN removed;
END
$body$;
COMMENT ON FUNCTION @ledger@.remove_inserted(regclass, text) IS 'undoes an insert: deletes exactly the rows that it inserted, unless rows of other tables would go with them';

CREATE FUNCTION @ledger@.remember_comment(kind text, names text[], arguments text[], changeset text) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
    -- search_path is the caller's: names may have no schema
    at record := pg_catalog.pg_get_object_address(kind, names, arguments);
    object text := (pg_catalog.pg_identify_object(at.classid, at.objid, at.objsubid)).identity;
BEGIN
    -- a repeatable changeset goes back to what was there before its first version
    IF (@ledger@.remembered(changeset, kind || ' comment', object)).id IS NULL THEN
        PERFORM @ledger@.attic_note(changeset, kind || ' comment', object, pg_catalog.jsonb_build_object('text',
            (SELECT d.description FROM pg_catalog.pg_description d
             WHERE d.classoid = at.classid AND d.objoid = at.objid AND d.objsubid = at.objsubid)));
    END IF;
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_comment(text, text[], text[], text) IS 'keeps the comment of an object, which pg_get_object_address finds';

CREATE FUNCTION @ledger@.restore_comment(kind text, names text[], arguments text[], changeset text) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
    at record := pg_catalog.pg_get_object_address(kind, names, arguments);
    object text := (pg_catalog.pg_identify_object(at.classid, at.objid, at.objsubid)).identity;
    entry @ledger@.attic := @ledger@.remembered_once(changeset, kind || ' comment', object);
    word text := pg_catalog.upper(pg_catalog.replace(kind, 'table ', ''));
BEGIN
    IF entry.id IS NULL THEN
        RETURN;
    END IF;
    -- the identity of a part is "part on schema.table", which is what COMMENT wants; a type of
    -- pg_type may be a domain, which COMMENT ON TYPE takes too
    EXECUTE pg_catalog.format('COMMENT ON %s %s IS %s', word, object, pg_catalog.quote_nullable(entry.detail ->> 'text'));
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.restore_comment(text, text[], text[], text) IS 'puts the comment of an object back';

CREATE FUNCTION @ledger@.remember_extensions(extension text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF (@ledger@.remembered(changeset, 'extension', quote_ident(extension))).id IS NULL THEN
        PERFORM @ledger@.attic_note(changeset, 'extension', quote_ident(extension),
            jsonb_build_object('there', (SELECT jsonb_agg(extname ORDER BY extname) FROM pg_extension)));
    END IF;
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_extensions(text, text) IS 'notes which extensions are there before one is installed';

CREATE FUNCTION @ledger@.drop_extension(extension text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.remembered_once(changeset, 'extension', quote_ident(extension));
    needed name[];
    name name;
BEGIN
    IF entry.id IS NULL THEN
        RETURN;
    END IF;
    IF NOT entry.detail -> 'there' ? extension THEN
        -- what CASCADE brought along, what needs others first
        WITH RECURSIVE need (oid, depth) AS (
            SELECT oid, 0 FROM pg_extension WHERE extname = extension
            UNION
            SELECT d.refobjid, need.depth + 1 FROM need JOIN pg_depend d
                ON d.classid = 'pg_extension'::regclass AND d.objid = need.oid AND d.refclassid = 'pg_extension'::regclass
        )
        SELECT array_agg(e.extname ORDER BY n.depth) INTO needed
        FROM (SELECT oid, max(depth) AS depth FROM need GROUP BY oid) AS n JOIN pg_extension e USING (oid);
        FOREACH name IN ARRAY coalesce(needed, '{}') LOOP
            IF NOT entry.detail -> 'there' ? name::text THEN
                EXECUTE format('DROP EXTENSION %I', name);
            END IF;
        END LOOP;
    END IF;
    PERFORM @ledger@.attic_done(entry.id);
END
$body$;
COMMENT ON FUNCTION @ledger@.drop_extension(text, text) IS 'drops an extension, and what it brought along, where they were not there before';
