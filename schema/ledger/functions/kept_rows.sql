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
