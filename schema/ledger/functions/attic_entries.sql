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
    IF tbl::oid < 16384 OR names[1] IN (@ledgerName@, @ledger@.attic_schema()) THEN
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
