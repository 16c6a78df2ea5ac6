SELECT 'server' AS kind, pg_catalog.quote_ident(s.srvname) AS name, s.tableoid AS class, s.oid, s.oid AS unit,
    pg_catalog.pg_get_userbyid(s.srvowner) AS owner,
    pg_catalog.array_to_json(coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner))::text[]) AS "privileges:acl",
    pg_catalog.quote_ident(f.fdwname) AS wrapper, s.srvtype AS type, s.srvversion AS version,
    (SELECT pg_catalog.json_object_agg(o.option_name, CASE WHEN o.option_name ~* 'pass|secret|token|key' THEN '***' ELSE o.option_value END)
     FROM pg_catalog.pg_options_to_table(s.srvoptions) o) AS "options:json"
FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper f ON f.oid = s.srvfdw
WHERE s.oid @units@ AND @free@(s.tableoid, s.oid))
