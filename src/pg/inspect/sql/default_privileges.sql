SELECT 'default privileges' AS kind, pg_catalog.concat('of ', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.defaclrole)),
        ' in schema ' || pg_catalog.quote_ident(s.nspname), ' on ', CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
        WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' WHEN 'L' THEN 'large objects' ELSE a.defaclobjtype::text END) AS name,
    a.tableoid AS class, a.oid, a.oid AS unit,
    pg_catalog.pg_get_userbyid(a.defaclrole) AS role, pg_catalog.quote_ident(s.nspname) AS schema,
    CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS'
        ELSE 'LARGE OBJECTS' END AS objects,
    pg_catalog.array_to_json(a.defaclacl::text[]) AS "privileges:acl"
FROM pg_catalog.pg_default_acl a LEFT JOIN pg_catalog.pg_namespace s ON s.oid = a.defaclnamespace
WHERE a.oid @units@ AND (s.oid IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = s.oid AND @schema@))
