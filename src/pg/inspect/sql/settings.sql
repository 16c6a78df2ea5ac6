SELECT 'setting' AS kind, CASE WHEN s.setrole = 0 THEN 'of all roles' ELSE 'of ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)) END AS name,
    s.tableoid AS class, s.setrole AS oid, s.setrole AS unit,
    (SELECT pg_catalog.json_object_agg(pg_catalog.split_part(c.text, '=', 1), pg_catalog.substr(c.text, pg_catalog.strpos(c.text, '=') + 1))
     FROM pg_catalog.unnest(s.setconfig) c(text)) AS "*"
FROM pg_catalog.pg_db_role_setting s
WHERE s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AND s.setrole @units@
