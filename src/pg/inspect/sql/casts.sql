SELECT 'cast' AS kind, '(' || pg_catalog.format_type(c.castsource, NULL) || ' AS ' || pg_catalog.format_type(c.casttarget, NULL) || ')' AS name,
    c.tableoid AS class, c.oid, c.oid AS unit,
    CASE WHEN c.castfunc <> 0 THEN c.castfunc::pg_catalog.regprocedure END AS "function",
    CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' ELSE 'explicit' END AS context,
    CASE c.castmethod WHEN 'f' THEN 'function' WHEN 'i' THEN 'inout' ELSE 'binary' END AS method
FROM pg_catalog.pg_cast c
WHERE c.oid >= 16384 AND c.oid @units@ AND @free@(c.tableoid, c.oid))
    -- not those that come with a type
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'i')
