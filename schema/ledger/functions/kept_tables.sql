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
