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
