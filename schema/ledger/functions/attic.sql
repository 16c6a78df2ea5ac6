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
                  HINT = 'it was put back or purged before: see the table ' || quote_literal($name$@ledger@.attic$name$);
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
