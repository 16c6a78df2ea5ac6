SELECT 'language' AS kind, pg_catalog.quote_ident(l.lanname) AS name, l.tableoid AS class, l.oid, l.oid AS unit,
    nullif(l.lanpltrusted, false) AS "trusted:bool",
    CASE WHEN l.lanplcallfoid <> 0 THEN l.lanplcallfoid::pg_catalog.regprocedure END AS handler,
    CASE WHEN l.laninline <> 0 THEN l.laninline::pg_catalog.regprocedure END AS "inlineHandler",
    CASE WHEN l.lanvalidator <> 0 THEN l.lanvalidator::pg_catalog.regprocedure END AS validator,
    pg_catalog.pg_get_userbyid(l.lanowner) AS owner,
    pg_catalog.array_to_json(coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner))::text[]) AS "privileges:acl"
FROM pg_catalog.pg_language l
WHERE l.oid >= 16384 AND l.oid @units@ AND @free@(l.tableoid, l.oid))
