-- The ledger, version 5: a request of a second process is called a request.
ALTER TABLE @ledger@.wish RENAME TO request;
ALTER TABLE @ledger@.request RENAME CONSTRAINT wish_pkey TO request_pkey;
ALTER TABLE @ledger@.request RENAME CONSTRAINT wish_kind_check TO request_kind_check;
ALTER TABLE @ledger@.request RENAME CONSTRAINT wish_check TO request_check;
COMMENT ON TABLE @ledger@.request IS 'Requests of a second process to the run: pause its backfills, or stop';
COMMENT ON COLUMN @ledger@.request.made_by IS 'The operating system''s user and host of the person who made the request';
UPDATE @ledger@.meta SET value = '5' WHERE key = 'version';
-- The chain of events, and the fence. A function with the rights of its owner (SECURITY DEFINER) is
-- written as if the worst role of the ledger called it: it works for its own table alone, since
-- whoever may execute a trigger function may put it on a table of his own, whose columns have types
-- with casts and checks of his own.

CREATE OR REPLACE FUNCTION @ledger@.event_hash(previous text, e @ledger@.event) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- an array keeps the borders of its parts, and NULL
    SELECT 'e2:' || encode(sha256(convert_to(jsonb_build_array(previous, e.seq, extract(epoch FROM e.at)::text, e.run, e.kind,
        e.changeset, e.db_user, e.detail)::text, 'UTF8')), 'hex')
$$;
COMMENT ON FUNCTION @ledger@.event_hash(text, @ledger@.event) IS 'The hash of an event: over the hash before it and its own columns';

CREATE OR REPLACE FUNCTION @ledger@.chain_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- the functions below say so: the column is granted to nobody
    told boolean;
BEGIN
    IF TG_RELID <> $name$dagmar.event$name$::regclass THEN
        RAISE EXCEPTION 'dagmar: this function is for the table event of the ledger alone' USING ERRCODE = 'DG003';
    END IF;
    told := NEW.hash IS NOT NULL;
    -- of anything else `recorded` below could not be told apart
    IF jsonb_typeof(NEW.detail) <> 'object' THEN
        RAISE EXCEPTION 'dagmar: the detail of an event is a JSON object' USING ERRCODE = 'DG003';
    END IF;
    NEW.db_user := session_user;
    NEW.at := clock_timestamp();
    -- what belongs to a run has it at the run's beginning
    IF (NEW.run IS NULL OR NEW.kind = 'runStarted') AND NOT told THEN
        NEW.detail := NEW.detail - 'from'
            || CASE WHEN inet_client_addr() IS NULL THEN '{}' ELSE jsonb_build_object('from', host(inet_client_addr())) END;
    END IF;
    -- whose word another transaction was, nobody else says
    IF NEW.kind = 'refused' AND NOT told THEN
        NEW.detail := NEW.detail - ARRAY['role', 'at'];
    END IF;
    IF NEW.kind IN ('runStarted', 'adopted') THEN
        NEW.detail := NEW.detail || jsonb_build_object('installation', (SELECT value FROM @ledger@.meta WHERE key = 'installation'));
    END IF;
    -- only the word itself makes its event
    IF NEW.kind IN ('approved', 'rejected') AND NOT told THEN
        RAISE EXCEPTION 'dagmar: nobody has % this plan', NEW.kind USING ERRCODE = 'DG003';
    END IF;
    IF NEW.changeset IS NOT NULL THEN
        -- of one that is not here any more the attic may keep something all the same
        NEW.detail := NEW.detail - 'recorded' || coalesce((SELECT jsonb_build_object('recorded', jsonb_strip_nulls(
            jsonb_build_object(
    'row', encode(sha256(convert_to(jsonb_build_array(c.id, c.status, c.ordinal, c.checksum, c.digest, c.description, c.author,
        c.labels, c.file, c.repeatable, c.body, c.forward, c.rollback, c.run, extract(epoch FROM c.applied_at)::text,
        c.applied_by, c.duration_ms, c.reason)::text, 'UTF8')), 'hex'),
    'requires', (SELECT jsonb_agg(r.needs ORDER BY r.needs COLLATE "C") FROM @ledger@.requires r WHERE r.changeset = c.id),
    'versions', (SELECT encode(sha256(convert_to(jsonb_agg(jsonb_build_array(s.version, s.content) ORDER BY s.version)::text,
        'UTF8')), 'hex') FROM @ledger@.superseded s WHERE s.changeset = c.id),
    'attic', (SELECT encode(sha256(convert_to(jsonb_agg(jsonb_build_array(a.id, a.kind, a.object, a.kept_as, a.detail,
    extract(epoch FROM a.kept_at)::text) ORDER BY a.id)::text, 'UTF8')), 'hex') FROM @ledger@.attic a
    WHERE a.changeset = c.id AND a.restored_at IS NULL AND a.purged_at IS NULL)))) FROM @ledger@.changeset c WHERE c.id = NEW.changeset), (SELECT jsonb_build_object('recorded',
            jsonb_build_object('attic', kept)) FROM (SELECT encode(sha256(convert_to(jsonb_agg(jsonb_build_array(a.id, a.kind, a.object, a.kept_as, a.detail,
    extract(epoch FROM a.kept_at)::text) ORDER BY a.id)::text, 'UTF8')), 'hex') FROM @ledger@.attic a
    WHERE a.changeset = NEW.changeset AND a.restored_at IS NULL AND a.purged_at IS NULL) AS x (kept) WHERE kept IS NOT NULL), '{}');
    END IF;
    NEW.hash := @ledger@.event_hash(
        coalesce((SELECT hash FROM @ledger@.event ORDER BY seq DESC LIMIT 1), ''), NEW);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION @ledger@.chain_event() IS 'Says who wrote an event and when, what the ledger has of its changeset, and links it to the event before it';
CREATE OR REPLACE TRIGGER chain BEFORE INSERT ON @ledger@.event FOR EACH ROW EXECUTE FUNCTION @ledger@.chain_event();

-- one writer at a time, so that every row sees the one before it; before the statement, so that
-- its number is drawn under the lock as well
CREATE OR REPLACE FUNCTION @ledger@.lock_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> $name$dagmar.event$name$::regclass THEN
        RAISE EXCEPTION 'dagmar: this function is for the table event of the ledger alone' USING ERRCODE = 'DG003';
    END IF;
    PERFORM FROM @ledger@.meta WHERE key = 'version' FOR UPDATE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION @ledger@.lock_chain() IS 'Lets one transaction at a time write events';
CREATE OR REPLACE TRIGGER chain_lock BEFORE INSERT ON @ledger@.event FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.lock_chain();

CREATE OR REPLACE FUNCTION @ledger@.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'dagmar: %s are append only', TG_TABLE_NAME USING ERRCODE = 'DG003';
END
$$;
COMMENT ON FUNCTION @ledger@.refuse_change() IS 'Keeps the history from being rewritten';
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @ledger@.event
    FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.refuse_change();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @ledger@.approval
    FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.refuse_change();

CREATE OR REPLACE FUNCTION @ledger@.sign_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> $name$dagmar.approval$name$::regclass THEN
        RAISE EXCEPTION 'dagmar: this function is for the table approval of the ledger alone' USING ERRCODE = 'DG003';
    END IF;
    IF NEW.id <> currval(pg_get_serial_sequence($name$dagmar.approval$name$, 'id')) THEN
        RAISE EXCEPTION 'dagmar: the server numbers approvals' USING ERRCODE = 'DG003';
    END IF;
    NEW.db_user := session_user;
    NEW.roles := ARRAY(SELECT rolname::text FROM pg_roles
        WHERE rolname <> session_user AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY 1);
    NEW.client_addr := inet_client_addr();
    NEW.at := clock_timestamp();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION @ledger@.sign_approval() IS 'Nobody approves in another''s name, at another time or under another number';
CREATE OR REPLACE TRIGGER sign BEFORE INSERT ON @ledger@.approval FOR EACH ROW EXECUTE FUNCTION @ledger@.sign_approval();

-- with the rights of the ledger's owner: who approves needs none on the events
CREATE OR REPLACE FUNCTION @ledger@.note_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> $name$dagmar.approval$name$::regclass THEN
        RAISE EXCEPTION 'dagmar: this function is for the table approval of the ledger alone' USING ERRCODE = 'DG003';
    END IF;
    INSERT INTO @ledger@.event (kind, detail, hash) VALUES (
        CASE NEW.verdict WHEN 'approve' THEN 'approved' ELSE 'rejected' END,
        jsonb_strip_nulls(jsonb_build_object('approval', NEW.id, 'plan', NEW.digest, 'reason', NEW.reason,
            'by', NEW.os_user || '@' || NEW.host, 'expiresAt', NEW.expires_at, 'roles', NEW.roles,
            'from', host(NEW.client_addr))), 'told');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION @ledger@.note_approval() IS 'Writes the event of an approval';
CREATE OR REPLACE TRIGGER note AFTER INSERT ON @ledger@.approval FOR EACH ROW EXECUTE FUNCTION @ledger@.note_approval();

-- who may write events writes one; whoever may only look leaves word, without the lock of the chain,
-- which he could hold as long as he likes
CREATE OR REPLACE FUNCTION @ledger@.note_refusal(detail jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most constant integer := 100;
BEGIN
    IF jsonb_typeof(note_refusal.detail) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'dagmar: a refusal is a JSON object' USING ERRCODE = 'DG003';
    END IF;
    IF octet_length(note_refusal.detail::text) > 8192 THEN
        RAISE EXCEPTION 'dagmar: too much to say of one refusal' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    IF has_column_privilege(session_user, $name$dagmar.event$name$, 'kind', 'INSERT') THEN
        INSERT INTO @ledger@.event (kind, detail) VALUES ('refused', jsonb_strip_nulls(note_refusal.detail));
    ELSIF (SELECT count(*) FROM (SELECT FROM @ledger@.refusal r WHERE r.db_user = session_user LIMIT most) x) < most THEN
        INSERT INTO @ledger@.refusal (at, db_user, client_addr, detail)
        VALUES (clock_timestamp(), session_user, inet_client_addr(), jsonb_strip_nulls(note_refusal.detail));
    END IF;
END
$$;
COMMENT ON FUNCTION @ledger@.note_refusal(jsonb) IS 'Keeps that a command was refused; of a role that may not write events, at most 100 between two runs';

CREATE OR REPLACE FUNCTION @ledger@.collect_refusals() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH taken AS (DELETE FROM @ledger@.refusal RETURNING *)
    INSERT INTO @ledger@.event (kind, detail, hash)
    SELECT 'refused', detail - ARRAY['role', 'at', 'from']
        || jsonb_strip_nulls(jsonb_build_object('role', db_user, 'at', at, 'from', host(client_addr))), 'told'
    FROM taken ORDER BY id;
END
$$;
COMMENT ON FUNCTION @ledger@.collect_refusals() IS 'Makes events of what was kept apart from the chain';

CREATE OR REPLACE FUNCTION @ledger@.fence(mine bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM @ledger@.lease WHERE epoch = mine FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dagmar: another run has taken over' USING ERRCODE = 'DG001';
    END IF;
END
$$;
COMMENT ON FUNCTION @ledger@.fence(bigint) IS 'Stops a runner that lost its lock: part of every transaction';
-- What all of the attic's functions are made of. They run with the rights of the caller. What they
-- execute is made of catalog text, which is written with every name qualified: hence the
-- `search_path`.

CREATE OR REPLACE FUNCTION @ledger@.attic_schema() RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT (parse_ident($name$@attic@$name$))[1]
$body$;
COMMENT ON FUNCTION @ledger@.attic_schema() IS 'the name of the attic''s schema, unquoted';

CREATE OR REPLACE FUNCTION @ledger@.attic_object(tbl regclass, part text DEFAULT NULL) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT format('%I.%I', n.nspname, c.relname) || CASE WHEN part IS NULL THEN '' ELSE format('.%I', part) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tbl
$body$;
COMMENT ON FUNCTION @ledger@.attic_object(regclass, text) IS 'how an entry names a relation, or a part of it';

CREATE OR REPLACE FUNCTION @ledger@.attic_column(tbl regclass, col text) RETURNS pg_attribute LANGUAGE plpgsql STABLE
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

CREATE OR REPLACE FUNCTION @ledger@.attic_default(tbl regclass, col text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE d.adrelid = tbl AND a.attname = col AND a.attgenerated = ''
$body$;
COMMENT ON FUNCTION @ledger@.attic_default(regclass, text) IS 'the default of a column as SQL; NULL when it has none';

CREATE OR REPLACE FUNCTION @ledger@.attic_note(changeset text, kind text, object text, detail jsonb) RETURNS bigint LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    INSERT INTO @ledger@.attic (changeset, kind, object, detail) VALUES ($1, $2, $3, $4) RETURNING id
$body$;
COMMENT ON FUNCTION @ledger@.attic_note(text, text, text, jsonb) IS 'writes an entry and gives its number';

CREATE OR REPLACE FUNCTION @ledger@.attic_entry(of_changeset text, of_kind text, of_object text) RETURNS @ledger@.attic
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
                  HINT = 'it was put back or purged before: see the table ' || quote_literal($name$dagmar.attic$name$);
    END IF;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_entry(text, text, text) IS 'the newest entry that is not yet put back; an error when there is none';

CREATE OR REPLACE FUNCTION @ledger@.attic_done(entry bigint) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    UPDATE @ledger@.attic SET restored_at = clock_timestamp() WHERE id = entry
$body$;
COMMENT ON FUNCTION @ledger@.attic_done(bigint) IS 'notes that an entry was put back';

CREATE OR REPLACE FUNCTION @ledger@.attic_probe(command text) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.attic_prefix(changeset text, object text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
    -- of the changeset and not of the entry: the same in every environment and every time
    SELECT 'attic_' || left(md5(changeset || E'\n' || object), 8)
$body$;
COMMENT ON FUNCTION @ledger@.attic_prefix(text, text) IS 'the beginning of the names of what is kept of an object';

CREATE OR REPLACE FUNCTION @ledger@.attic_rename(kind "char", schema text, old_name text, new_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    EXECUTE format('ALTER %s %I.%I RENAME TO %I',
        CASE kind WHEN 'i' THEN 'INDEX' WHEN 'S' THEN 'SEQUENCE' WHEN 's' THEN 'STATISTICS' ELSE 'TABLE' END,
        schema, old_name, new_name);
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_rename("char", text, text, text) IS 'renames a table (t), index (i), sequence (S) or statistics object (s)';

CREATE OR REPLACE FUNCTION @ledger@.attic_constraints(tables regclass[], kinds "char"[], attribute smallint) RETURNS jsonb
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

CREATE OR REPLACE FUNCTION @ledger@.attic_add_constraint(made jsonb, quickly boolean DEFAULT false) RETURNS void
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

CREATE OR REPLACE FUNCTION @ledger@.attic_index(idx regclass) RETURNS jsonb LANGUAGE sql STABLE
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

CREATE OR REPLACE FUNCTION @ledger@.attic_add_index(made jsonb) RETURNS void LANGUAGE plpgsql
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
-- Tables that were dropped move to the attic and come back.

CREATE OR REPLACE FUNCTION @ledger@.keep_table(tbl regclass, changeset text) RETURNS bigint LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.restore_table(object text, changeset text) RETURNS void LANGUAGE plpgsql
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
-- Columns that were dropped are renamed in place (PostgreSQL cannot move a column) and come back.

CREATE OR REPLACE FUNCTION @ledger@.keep_column(tbl regclass, col text, changeset text) RETURNS bigint LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.restore_column(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
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
-- Rows and values that a rollback would lose are stored in tables of the attic.

CREATE OR REPLACE FUNCTION @ledger@.keep_rows(tbl regclass, changeset text) RETURNS bigint LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.attic_store(entry bigint, prefix text, query text, more jsonb DEFAULT '{}') RETURNS void
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

CREATE OR REPLACE FUNCTION @ledger@.attic_key(tbl regclass, without text) RETURNS text[] LANGUAGE sql STABLE
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

CREATE OR REPLACE FUNCTION @ledger@.keep_column_values(tbl regclass, col text, changeset text) RETURNS bigint LANGUAGE plpgsql
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
-- Single entries of the attic by their number, for `dagmar attic`. Whoever may write the attic's table
-- may write anything into it: no text of an entry is taken for SQL here, and a table or column that it
-- names must have a name that the attic gives. Their events are written by the run that calls them.

CREATE OR REPLACE FUNCTION @ledger@.attic_open_entry(attic_id bigint) RETURNS @ledger@.attic LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic;
BEGIN
    SELECT e.* INTO entry FROM @ledger@.attic e WHERE e.id = attic_id AND e.purged_at IS NULL FOR UPDATE;
    IF entry.id IS NULL THEN
        RAISE EXCEPTION 'the attic has no entry %, or it was purged', attic_id USING ERRCODE = 'no_data_found';
    END IF;
    IF EXISTS (SELECT FROM @ledger@.changeset c WHERE c.id = entry.changeset AND c.status = 'partly') THEN
        RAISE EXCEPTION 'changeset % is half done and may need entry % of the attic', quote_literal(entry.changeset), attic_id
            USING ERRCODE = 'object_in_use', HINT = 'finish it, or roll it back first';
    END IF;
    RETURN entry;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_open_entry(bigint) IS 'an entry that is not purged, locked; an error while its changeset is half done';

CREATE OR REPLACE FUNCTION @ledger@.attic_kept_table(entry @ledger@.attic) RETURNS regclass LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    wanted text := CASE WHEN entry.kind IN ('rows', 'values') THEN entry.kind || '_' || entry.id END;
    found regclass;
BEGIN
    SELECT c.oid INTO found FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = @ledger@.attic_schema() AND format('%I.%I', n.nspname, c.relname) = entry.kept_as
      AND c.relname ~ coalesce('^' || wanted || '$', '^attic_[0-9a-f]{8}_')
      AND (c.relkind = 'r' OR c.relkind = 'p' AND entry.kind = 'table');
    RETURN found;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_kept_table(@ledger@.attic) IS 'the table of the attic that an entry keeps; NULL when it is not there';

CREATE OR REPLACE FUNCTION @ledger@.attic_restore_rows(entry @ledger@.attic) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = off
SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET lc_monetary = 'C' AS $body$
DECLARE
    names text[] := parse_ident(entry.object);
    kept regclass := @ledger@.attic_kept_table(entry);
    tbl regclass;
    first jsonb;
    command text;
    restored bigint;
    stored bigint;
BEGIN
    SELECT c.oid INTO tbl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = names[1] AND c.relname = names[2] AND c.relkind IN ('r', 'p');
    IF tbl IS NULL OR (entry.kind = 'values' AND NOT EXISTS (SELECT FROM pg_attribute a
            WHERE a.attrelid = tbl AND a.attname = names[3] AND a.attnum > 0 AND NOT a.attisdropped)) THEN
        RAISE EXCEPTION '% is not there', entry.object USING ERRCODE = 'undefined_table',
            HINT = 'apply ' || quote_literal(entry.changeset) || ' again first';
    END IF;
    -- an entry can name anything
    IF tbl::oid < 16384 OR names[1] IN ('@ledger@', @ledger@.attic_schema()) THEN
        RAISE EXCEPTION '% is no table of an application', entry.object USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF kept IS NULL OR (SELECT string_agg(a.attname || ' ' || a.atttypid::regtype, ', ' ORDER BY a.attnum) FROM pg_attribute a
            WHERE a.attrelid = kept AND a.attnum > 0 AND NOT a.attisdropped)
        IS DISTINCT FROM (CASE entry.kind WHEN 'rows' THEN 'row jsonb' ELSE 'key jsonb, value text' END) THEN
        RAISE EXCEPTION 'what entry % of the attic kept in % is not there any more', entry.id, entry.kept_as USING ERRCODE = 'no_data_found';
    END IF;
    IF entry.kind = 'rows' THEN
        EXECUTE format('SELECT row FROM ONLY %s LIMIT 1', kept) INTO first;
        -- columns that came since get their defaults
        SELECT format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM ONLY %s AS k ON CONFLICT DO NOTHING', tbl,
            string_agg(quote_ident(attname), ', ' ORDER BY attnum),
            string_agg(format('(k.row ->> %L)::%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum), kept)
        INTO command FROM pg_attribute
        WHERE attrelid = tbl AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND first ? attname;
    ELSE
        SELECT format('UPDATE %s AS t SET %I = k.value::%s FROM ONLY %s AS k WHERE %s', tbl, names[3],
            (SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = tbl AND attname = names[3]), kept,
            string_agg(format('t.%I IS NOT DISTINCT FROM (k.key ->> %L)::%s', attname, attname,
                format_type(atttypid, atttypmod)), ' AND '))
        INTO command FROM pg_attribute
        WHERE attrelid = tbl AND attnum > 0 AND NOT attisdropped AND entry.detail -> 'key' ? attname;
    END IF;
    EXECUTE command;
    GET DIAGNOSTICS restored = ROW_COUNT;
    -- what could not be put back stays until it is purged
    EXECUTE format('SELECT count(*) FROM ONLY %s', kept) INTO stored;
    IF stored = restored THEN
        EXECUTE format('DROP TABLE %s', kept);
    END IF;
    UPDATE @ledger@.attic e SET detail = e.detail || jsonb_build_object('restored', restored) WHERE e.id = entry.id;
    PERFORM @ledger@.attic_done(entry.id);
    RETURN restored;
END
$body$;
COMMENT ON FUNCTION @ledger@.attic_restore_rows(@ledger@.attic) IS 'puts kept rows or values back where nothing stands in their way; gives how many';

CREATE OR REPLACE FUNCTION @ledger@.restore_entry(attic_id bigint) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_open_entry(attic_id);
    names text[];
    tbl regclass;
BEGIN
    IF entry.restored_at IS NOT NULL THEN
        RAISE EXCEPTION 'entry % of the attic was put back before', attic_id USING ERRCODE = 'no_data_found';
    ELSIF entry.kind IN ('rows', 'values') THEN
        RETURN @ledger@.attic_restore_rows(entry);
    ELSIF entry.kind NOT IN ('table', 'column') THEN
        RAISE EXCEPTION 'entry % of the attic (%) can only come back by a rollback', attic_id, entry.kind
            USING ERRCODE = 'feature_not_supported';
    ELSIF (@ledger@.attic_entry(entry.changeset, entry.kind, entry.object)).id <> attic_id THEN
        RAISE EXCEPTION 'a later entry of the attic keeps % as well', entry.object
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'restore or purge that one first';
    ELSIF entry.kind = 'table' THEN
        PERFORM @ledger@.restore_table(entry.object, entry.changeset);
    ELSE
        names := parse_ident(entry.object);
        SELECT c.oid INTO tbl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = names[1] AND c.relname = names[2] AND c.relkind IN ('r', 'p');
        IF tbl IS NULL THEN
            RAISE EXCEPTION 'the table of % is not there', entry.object USING ERRCODE = 'undefined_table';
        END IF;
        PERFORM @ledger@.restore_column(tbl, names[3], entry.changeset);
    END IF;
    RETURN NULL;
END
$body$;
COMMENT ON FUNCTION @ledger@.restore_entry(bigint) IS 'puts back what an entry keeps, whatever becomes of its changeset; of rows and values gives how many';

CREATE OR REPLACE FUNCTION @ledger@.purge_entry(attic_id bigint, home regclass DEFAULT NULL) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    entry @ledger@.attic := @ledger@.attic_open_entry(attic_id);
    kept regclass := @ledger@.attic_kept_table(entry);
    col name := entry.detail ->> 'name';
BEGIN
    IF entry.kind NOT IN ('table', 'column', 'rows', 'values', 'update', 'upsert', 'delete')
        OR (entry.restored_at IS NOT NULL AND entry.kind IN ('table', 'column')) THEN
        RAISE EXCEPTION 'entry % of the attic keeps no data that could be purged', attic_id USING ERRCODE = 'no_data_found';
    ELSIF entry.kind = 'column' AND home IS NOT NULL THEN
        IF col !~ '^attic_[0-9a-f]{8}_' OR quote_ident(col) <> entry.kept_as THEN
            RAISE EXCEPTION '% is no name of a column of the attic', entry.kept_as USING ERRCODE = 'invalid_name';
        END IF;
        EXECUTE format('ALTER TABLE %s DROP COLUMN %I', home, col);
    ELSIF entry.kind IN ('table', 'rows', 'values') AND kept IS NOT NULL THEN
        EXECUTE format('DROP TABLE %s', kept);
    END IF;
    -- the rows before an update or delete are kept in the entry itself
    UPDATE @ledger@.attic e SET purged_at = clock_timestamp(),
        detail = CASE WHEN e.kind IN ('update', 'upsert', 'delete') THEN e.detail - 'rows' ELSE e.detail END
    WHERE e.id = attic_id;
END
$body$;
COMMENT ON FUNCTION @ledger@.purge_entry(bigint, regclass) IS 'drops for good what an entry keeps, of a column in the table that has it; its changeset cannot be rolled back from then on';
-- What only the catalog knows (an old default, type, constraint, index) is remembered when it
-- changes.

CREATE OR REPLACE FUNCTION @ledger@.remember_default(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    PERFORM @ledger@.attic_column(tbl, col);
    PERFORM @ledger@.attic_note(changeset, 'default', @ledger@.attic_object(tbl, col),
        jsonb_build_object('default', @ledger@.attic_default(tbl, col)));
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_default(regclass, text, text) IS 'remembers the default of a column, or that it has none';

CREATE OR REPLACE FUNCTION @ledger@.recall_default(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.remember_not_null(tbl regclass, col text, changeset text) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT @ledger@.attic_note($3, 'notNull', @ledger@.attic_object(tbl, col),
        jsonb_build_object('notNull', (@ledger@.attic_column(tbl, col)).attnotnull))
$body$;
COMMENT ON FUNCTION @ledger@.remember_not_null(regclass, text, text) IS 'remembers whether a column may hold NULL';

CREATE OR REPLACE FUNCTION @ledger@.prepare_not_null(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.recall_not_null(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.remember_type(tbl regclass, col text, changeset text) RETURNS void LANGUAGE sql
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

CREATE OR REPLACE FUNCTION @ledger@.recall_type(tbl regclass, col text, changeset text) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.remember_constraint(tbl regclass, con text, changeset text) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.recall_constraint(tbl regclass, con text, changeset text) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.validate_recalled(tbl regclass, con text, changeset text) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.remember_index(idx regclass, changeset text) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT @ledger@.attic_note($2, 'index', @ledger@.attic_object(idx), @ledger@.attic_index(idx))
$body$;
COMMENT ON FUNCTION @ledger@.remember_index(regclass, text) IS 'remembers the definition of an index';

CREATE OR REPLACE FUNCTION @ledger@.recall_index(idx text, changeset text) RETURNS void LANGUAGE plpgsql
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
-- table. All functions run with the rights of the caller. Old rows are kept as the texts that the
-- types themselves write and read, so that every value comes back as it was.

CREATE OR REPLACE FUNCTION @ledger@.remembered(of_changeset text, of_kind text, of_object text) RETURNS @ledger@.attic
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

CREATE OR REPLACE FUNCTION @ledger@.must_remember(of_changeset text, of_kind text, of_object text) RETURNS @ledger@.attic
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

CREATE OR REPLACE FUNCTION @ledger@.remembered_once(of_changeset text, of_kind text, of_object text) RETURNS @ledger@.attic
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

CREATE OR REPLACE FUNCTION @ledger@.row_key(tbl regclass) RETURNS text[] LANGUAGE plpgsql STABLE
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

CREATE OR REPLACE FUNCTION @ledger@.row_values(tbl regclass, columns text[], pattern text, separator text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
    -- %1$I is the column, %2$L its name as a text, %3$s its type
    SELECT string_agg(format(pattern, a.attname, a.attname, format_type(a.atttypid, a.atttypmod)), separator ORDER BY c.position)
    FROM unnest(columns) WITH ORDINALITY AS c (name, position)
    JOIN pg_attribute a ON a.attrelid = tbl AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped
$body$;
COMMENT ON FUNCTION @ledger@.row_values(regclass, text[], text, text) IS 'a pattern filled in for each column, joined';

CREATE OR REPLACE FUNCTION @ledger@.refuse_followers(tbl regclass, kept jsonb) RETURNS void LANGUAGE plpgsql
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

-- the condition is the author's, and is read under his search_path; nothing else is
CREATE OR REPLACE FUNCTION @ledger@.remember_matching(tbl regclass, change text, changeset text, condition text, columns text[])
RETURNS bigint LANGUAGE plpgsql SET row_security = off
SET datestyle = 'ISO' SET intervalstyle = 'postgres' SET extra_float_digits = 3 SET lc_monetary = 'C' AS $body$
DECLARE
    most constant integer := 100000;
    his constant text := pg_catalog.current_setting('search_path');
    own constant text := pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    key text[] := @ledger@.row_key(tbl);
    command text;
    kept jsonb;
BEGIN
    IF columns && key THEN
        RAISE EXCEPTION 'the % changes the primary key of %, by which the old rows would be found again', change, tbl
            USING ERRCODE = 'feature_not_supported', HINT = 'write `keep: false` and a `rollback`';
    END IF;
    IF change = 'delete' THEN
        SELECT array_agg(a.attname ORDER BY a.attnum) INTO columns FROM pg_attribute a
        WHERE a.attrelid = tbl AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
    ELSE
        columns := key || columns;
    END IF;
    -- FOR UPDATE: the rows stay as they are kept until the change itself
    command := format(
        'SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_object($1, m.texts)), ''[]'')
         FROM (SELECT ARRAY[%s] AS texts FROM %s AS t WHERE (%s) LIMIT %s FOR UPDATE OF t) AS m',
        @ledger@.row_values(tbl, columns, 't.%1$I::text', ', '), tbl, condition, most + 1);
    PERFORM set_config('search_path', his, true);
    EXECUTE command INTO kept USING columns;
    PERFORM pg_catalog.set_config('search_path', own, true);
    IF jsonb_array_length(kept) > most THEN
        RAISE EXCEPTION 'the % touches more than % rows of %', change, most, tbl
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'use a backfill, or write `keep: false` and a `rollback`';
    END IF;
    IF change = 'delete' THEN
        PERFORM @ledger@.refuse_followers(tbl, kept);
    END IF;
    PERFORM @ledger@.attic_note(changeset, change, @ledger@.attic_object(tbl),
        jsonb_build_object('key', key, 'columns', columns, 'rows', kept));
    PERFORM set_config('search_path', his, true);
    RETURN pg_catalog.jsonb_array_length(kept);
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_matching(regclass, text, text, text, text[]) IS 'locks the rows that meet a condition and keeps what an update or delete is about to change';

CREATE OR REPLACE FUNCTION @ledger@.remember_conflicting(tbl regclass, changeset text, conflicts jsonb, columns text[])
RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $body$
    SELECT @ledger@.remember_matching(tbl, 'upsert', changeset,
        format('EXISTS (SELECT FROM jsonb_array_elements(%L) AS r (row) WHERE %s)', conflicts,
            @ledger@.row_values(tbl, ARRAY(SELECT jsonb_object_keys(conflicts -> 0)),
                't.%1$I = (r.row ->> %2$L)::%3$s', ' AND ')), columns)
$body$;
COMMENT ON FUNCTION @ledger@.remember_conflicting(regclass, text, jsonb, text[]) IS 'the same for the rows that an insert is about to update';

CREATE OR REPLACE FUNCTION @ledger@.expect_remembered(tbl regclass, change text, changeset text, changed bigint)
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

CREATE OR REPLACE FUNCTION @ledger@.put_back(tbl regclass, change text, changeset text) RETURNS bigint LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.remember_inserted(tbl regclass, changeset text, inserted jsonb) RETURNS bigint LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.remove_inserted(tbl regclass, changeset text) RETURNS bigint LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION @ledger@.remember_comment(kind text, names text[], arguments text[], changeset text) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
    -- names may have no schema: the author's search_path finds them, and nothing else
    at record := pg_catalog.pg_get_object_address(kind, names, arguments);
    his constant text := pg_catalog.current_setting('search_path');
    own constant text := pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    object text := (pg_identify_object(at.classid, at.objid, at.objsubid)).identity;
BEGIN
    -- a repeatable changeset goes back to what was there before its first version
    IF (@ledger@.remembered(changeset, kind || ' comment', object)).id IS NULL THEN
        PERFORM @ledger@.attic_note(changeset, kind || ' comment', object, jsonb_build_object('text',
            (SELECT d.description FROM pg_description d
             WHERE d.classoid = at.classid AND d.objoid = at.objid AND d.objsubid = at.objsubid)));
    END IF;
    PERFORM set_config('search_path', his, true);
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_comment(text, text[], text[], text) IS 'keeps the comment of an object, which pg_get_object_address finds';

CREATE OR REPLACE FUNCTION @ledger@.restore_comment(kind text, names text[], arguments text[], changeset text) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
    at record := pg_catalog.pg_get_object_address(kind, names, arguments);
    his constant text := pg_catalog.current_setting('search_path');
    own constant text := pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    object text := (pg_identify_object(at.classid, at.objid, at.objsubid)).identity;
    entry @ledger@.attic := @ledger@.remembered_once(changeset, kind || ' comment', object);
    word text := upper(replace(kind, 'table ', ''));
BEGIN
    IF entry.id IS NULL THEN
        PERFORM set_config('search_path', his, true);
        RETURN;
    END IF;
    -- the identity of a part is "part on schema.table", which is what COMMENT wants; a type of
    -- pg_type may be a domain, which COMMENT ON TYPE takes too
    EXECUTE format('COMMENT ON %s %s IS %s', word, object, quote_nullable(entry.detail ->> 'text'));
    PERFORM @ledger@.attic_done(entry.id);
    PERFORM set_config('search_path', his, true);
END
$body$;
COMMENT ON FUNCTION @ledger@.restore_comment(text, text[], text[], text) IS 'puts the comment of an object back';

CREATE OR REPLACE FUNCTION @ledger@.remember_extensions(extension text, changeset text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF (@ledger@.remembered(changeset, 'extension', quote_ident(extension))).id IS NULL THEN
        PERFORM @ledger@.attic_note(changeset, 'extension', quote_ident(extension),
            jsonb_build_object('there', (SELECT jsonb_agg(extname ORDER BY extname) FROM pg_extension)));
    END IF;
END
$body$;
COMMENT ON FUNCTION @ledger@.remember_extensions(text, text) IS 'notes which extensions are there before one is installed';

CREATE OR REPLACE FUNCTION @ledger@.drop_extension(extension text, changeset text) RETURNS void LANGUAGE plpgsql
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
-- Who may call what. By default only that a command was refused may be said, by everybody who may look
-- at the ledger; trigger functions need no right when they fire. Roles
-- that were given tables before keep what they were given them for, and no more: the numbers of events
-- and approvals, and the columns that the server fills in, are not theirs to write.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA dagmar FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @ledger@.note_refusal(jsonb) TO PUBLIC;
DO $dagmar$
DECLARE
    given record;
    callable text;
BEGIN
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO callable FROM pg_proc p
    WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = '@ledger@') AND p.prorettype <> 'trigger'::regtype;
    FOR given IN
        SELECT DISTINCT c.relname, x.privilege_type AS privilege,
            CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS role
        FROM pg_class c, LATERAL (
            SELECT a.grantee, a.privilege_type FROM aclexplode(c.relacl) a
            UNION ALL SELECT a.grantee, a.privilege_type FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = c.oid
        ) x
        WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '@ledger@') AND c.relname IN ('event', 'approval')
            AND x.grantee <> c.relowner AND x.privilege_type IN ('SELECT', 'INSERT')
    LOOP
        EXECUTE format('GRANT SELECT ON %I.refusal TO %s', '@ledger@', given.role);
        IF given.privilege = 'INSERT' THEN
            EXECUTE format('REVOKE INSERT ON %I.%I FROM %s', '@ledger@', given.relname, given.role);
        END IF;
        IF given.privilege = 'INSERT' AND given.relname = 'event' THEN
            EXECUTE format('GRANT INSERT (run, kind, changeset, detail) ON %I.event TO %s', '@ledger@', given.role);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', callable, given.role);
        ELSIF given.privilege = 'INSERT' THEN
            EXECUTE format('GRANT INSERT (digest, verdict, reason, os_user, host, expires_at) ON %I.approval TO %s',
                '@ledger@', given.role);
        END IF;
    END LOOP;
END
$dagmar$;

