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
