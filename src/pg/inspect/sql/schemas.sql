SELECT 'schema' AS kind, pg_catalog.quote_ident(n.nspname) AS name, n.tableoid AS class, n.oid, n.oid AS unit,
    pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
    pg_catalog.array_to_json(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))::text[]) AS "privileges:acl"
FROM pg_catalog.pg_namespace n
WHERE @schema@ AND n.oid @units@ AND @free@(n.tableoid, n.oid))
