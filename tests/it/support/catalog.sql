-- Everything in the schemas that are not the server's, dagmar's or the test's own: a line
-- for each object and each row, by names and not by oids, sorted.
WITH spaces AS (
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'dagmar', 'dagmar_attic', 'gate')
), relations AS (
    SELECT c.*, format('%I.%I', s.nspname, c.relname) AS name FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace
), lines AS (
    SELECT format('schema %s owner=%s acl=%s', nspname, nspowner::regrole,
        (SELECT array_agg(g ORDER BY g::text) FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) g)) AS line FROM spaces
    UNION ALL
    SELECT format('relation %s kind=%s persistence=%s owner=%s acl=%s options=%s rls=%s/%s partition=%s of=%s space=%s view=%s',
        r.name, relkind, relpersistence, relowner::regrole,
        (SELECT array_agg(g ORDER BY g::text) FROM unnest(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) g), reloptions, relrowsecurity, relforcerowsecurity,
        pg_get_expr(relpartbound, r.oid), (SELECT array_agg(inhparent::regclass ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = r.oid),
        reltablespace, CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END)
    FROM relations r
    UNION ALL
    SELECT format('column %s #%s %I %s notnull=%s default=%s identity=%s generated=%s collation=%s storage=%s acl=%s statistics=%s', r.name,
        -- a dropped column leaves its number behind
        row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attcollation::regcollation, a.attstorage, a.attacl,
        nullif(a.attstattarget, -1))
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE r.relkind <> 'i'
    UNION ALL
    SELECT format('index %s valid=%s: %s replident=%s clustered=%s', r.name, i.indisvalid AND i.indisready, pg_get_indexdef(i.indexrelid), i.indisreplident, i.indisclustered)
    FROM relations r JOIN pg_index i ON i.indexrelid = r.oid
    UNION ALL
    SELECT format('constraint %I on %s: %s validated=%s local=%s', c.conname, r.name, pg_get_constraintdef(c.oid), c.convalidated, c.conislocal)
    FROM relations r JOIN pg_constraint c ON c.conrelid = r.oid
    UNION ALL
    SELECT format('trigger %s enabled=%s', pg_get_triggerdef(t.oid), t.tgenabled) FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT format('policy %I on %s permissive=%s command=%s roles=%s using=%s check=%s', p.polname, r.name, p.polpermissive, p.polcmd,
        p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT format('statistics %s', pg_get_statisticsobjdef(x.oid)) FROM relations r JOIN pg_statistic_ext x ON x.stxrelid = r.oid
    UNION ALL
    SELECT format('sequence %s last=%s start=%s step=%s max=%s owned=%s', r.name, pg_sequence_last_value(r.oid), q.seqstart, q.seqincrement, q.seqmax,
        (SELECT format('%s.%I', d.refobjid::regclass, a.attname) FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i')))
    FROM relations r JOIN pg_sequence q ON q.seqrelid = r.oid
    UNION ALL
    SELECT format('function %s owner=%s acl=%s: %s', p.oid::regprocedure, p.proowner::regrole,
        (SELECT array_agg(g ORDER BY g::text) FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner))) g), pg_get_functiondef(p.oid))
    FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace WHERE p.prokind IN ('f', 'p')
    UNION ALL
    SELECT format('type %I.%I kind=%s owner=%s acl=%s labels=%s', s.nspname, t.typname, t.typtype, t.typowner::regrole,
        (SELECT array_agg(g ORDER BY g::text) FROM unnest(coalesce(t.typacl, acldefault('T', t.typowner))) g),
        (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
    FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace
    UNION ALL
    SELECT format('extension %s version=%s schema=%s', extname, extversion, extnamespace::regnamespace) FROM pg_extension
    UNION ALL
    SELECT format('comment on %s %s: %s', i.type, i.identity, d.description)
    FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    WHERE d.objoid >= 16384 AND i.identity !~ '^"?(dagmar|dagmar_attic|gate)"?(\.|$)' AND i.schema IS DISTINCT FROM 'dagmar'
    UNION ALL
    SELECT format('row of %s: %s', r.name, x.line)
    FROM relations r CROSS JOIN LATERAL unnest(xpath('/table/row/line/text()', query_to_xml(
        format('SELECT t::text AS line FROM %s t', r.name), true, false, ''))) AS x(line)
    WHERE r.relkind IN ('r', 'm') AND (r.relkind <> 'm' OR r.relispopulated)
)
SELECT line FROM lines ORDER BY line COLLATE "C"
