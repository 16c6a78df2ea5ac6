SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')' AS name,
    p.tableoid AS class, p.oid, p.oid AS unit,
    pg_catalog.pg_get_functiondef(p.oid) AS definition,
    pg_catalog.pg_get_userbyid(p.proowner) AS owner,
    pg_catalog.array_to_json(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))::text[]) AS "privileges:acl"
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE @schema@ AND p.oid @units@ AND p.prokind IN ('f', 'p', 'w') AND @free@(p.tableoid, p.oid))
    -- not those that come with a type
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = p.tableoid AND d.objid = p.oid AND d.deptype = 'i')
