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
