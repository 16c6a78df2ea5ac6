SELECT r.kind, r.name, r.tableoid AS class, r.oid, r.oid AS unit,
    pg_catalog.pg_get_userbyid(r.relowner) AS owner,
    pg_catalog.array_to_json(coalesce(r.relacl, pg_catalog.acldefault('r', r.relowner))::text[]) AS "privileges:acl",
    CASE r.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
    CASE WHEN r.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(r.oid) END AS definition,
    CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN true END AS "notPopulated:bool",
    CASE WHEN r.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(r.oid) END AS "partitionKey",
    pg_catalog.pg_get_expr(r.relpartbound, r.oid) AS "partitionBound",
    CASE WHEN r.relhassubclass OR r.relispartition OR r.relkind IN ('r', 'f') THEN
        (SELECT pg_catalog.json_agg(i.inhparent::pg_catalog.regclass ORDER BY i.inhseqno)
         FROM pg_catalog.pg_inherits i WHERE i.inhrelid = r.oid) END AS "parents:json",
    CASE WHEN r.reloftype <> 0 THEN r.reloftype::pg_catalog.regtype END AS "ofType",
    nullif(r.relrowsecurity, false) AS "rowSecurity:bool",
    nullif(r.relforcerowsecurity, false) AS "forceRowSecurity:bool",
    CASE WHEN r.relkind IN ('r', 'p', 'm') THEN CASE r.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index' END END AS "replicaIdentity",
    CASE WHEN r.relkind IN ('r', 'm', 'p') AND m.amname <> 'heap' THEN m.amname END AS "accessMethod",
    s.spcname AS tablespace,
    CASE WHEN r.reloptions IS NOT NULL THEN (SELECT pg_catalog.json_object_agg(o.option_name, o.option_value)
        FROM pg_catalog.pg_options_to_table(r.reloptions) o) END AS "options:json",
    CASE WHEN t.reloptions IS NOT NULL THEN (SELECT pg_catalog.json_object_agg(o.option_name, o.option_value)
        FROM pg_catalog.pg_options_to_table(t.reloptions) o) END AS "toastOptions:json",
    f.srvname AS server,
    CASE WHEN ft.ftoptions IS NOT NULL THEN (SELECT pg_catalog.json_object_agg(o.option_name, o.option_value)
        FROM pg_catalog.pg_options_to_table(ft.ftoptions) o) END AS "foreignOptions:json"
FROM @relations@ r
LEFT JOIN pg_catalog.pg_class t ON t.oid = r.reltoastrelid
LEFT JOIN pg_catalog.pg_am m ON m.oid = r.relam
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = r.reltablespace
LEFT JOIN pg_catalog.pg_foreign_table ft ON ft.ftrelid = r.oid
LEFT JOIN pg_catalog.pg_foreign_server f ON f.oid = ft.ftserver
