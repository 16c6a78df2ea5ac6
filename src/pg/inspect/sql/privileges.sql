-- what belongs to the server or to an extension is no object, but its privileges can be changed
WITH changed AS MATERIALIZED (
    SELECT x.class, x.oid, x.sub, x.acl, x.owner, coalesce(p.initprivs, CASE x.type WHEN 'c' THEN '{}' ELSE pg_catalog.acldefault(x.type::"char", x.owner) END) AS initial
    FROM (
        SELECT c.tableoid AS class, c.oid, 0 AS sub, c.relacl AS acl, c.relowner AS owner, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS type
        FROM pg_catalog.pg_class c WHERE c.relacl IS NOT NULL
        UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum, a.attacl, r.relowner, 'c' FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class r ON r.oid = a.attrelid WHERE a.attacl IS NOT NULL
        UNION ALL SELECT p.tableoid, p.oid, 0, p.proacl, p.proowner, 'f' FROM pg_catalog.pg_proc p WHERE p.proacl IS NOT NULL
        UNION ALL SELECT t.tableoid, t.oid, 0, t.typacl, t.typowner, 'T' FROM pg_catalog.pg_type t WHERE t.typacl IS NOT NULL
        UNION ALL SELECT n.tableoid, n.oid, 0, n.nspacl, n.nspowner, 'n' FROM pg_catalog.pg_namespace n WHERE n.nspacl IS NOT NULL AND n.oid <> 2200
        UNION ALL SELECT l.tableoid, l.oid, 0, l.lanacl, l.lanowner, 'l' FROM pg_catalog.pg_language l WHERE l.lanacl IS NOT NULL
        UNION ALL SELECT f.tableoid, f.oid, 0, f.fdwacl, f.fdwowner, 'F' FROM pg_catalog.pg_foreign_data_wrapper f WHERE f.fdwacl IS NOT NULL
    ) x
    LEFT JOIN pg_catalog.pg_init_privs p ON p.classoid = x.class AND p.objoid = x.oid AND p.objsubid = x.sub
    WHERE (x.oid < 16384 OR NOT @free@(x.class, x.oid)))
)
SELECT 'privileges' AS kind, 'on ' || i.type || ' ' || i.identity AS name, x.class, x.oid, x.sub, x.oid AS unit,
    pg_catalog.pg_get_userbyid(x.owner) AS "ownedByRole",
    pg_catalog.array_to_json(x.initial::text[]) AS "initialPrivileges:acl",
    pg_catalog.array_to_json(x.acl::text[]) AS "privileges:acl"
FROM changed x CROSS JOIN LATERAL pg_catalog.pg_identify_object(x.class, x.oid, x.sub) i
WHERE ARRAY(SELECT a::text FROM pg_catalog.unnest(x.acl) a ORDER BY 1) <> ARRAY(SELECT a::text FROM pg_catalog.unnest(x.initial) a ORDER BY 1)
