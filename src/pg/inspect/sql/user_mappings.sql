-- the values of options may be secrets
SELECT 'user mapping' AS kind, 'FOR ' || CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(m.usename) END
        || ' SERVER ' || pg_catalog.quote_ident(m.srvname) AS name,
    'pg_catalog.pg_user_mapping'::pg_catalog.regclass::oid AS class, m.umid AS oid, m.umid AS unit,
    (SELECT pg_catalog.json_agg(o.option_name ORDER BY o.option_name) FROM pg_catalog.pg_options_to_table(m.umoptions) o) AS "optionNames:json"
FROM pg_catalog.pg_user_mappings m
WHERE m.umid @units@ AND @free@('pg_catalog.pg_user_mapping'::pg_catalog.regclass, m.umid))
