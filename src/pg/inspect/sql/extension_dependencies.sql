-- ALTER … DEPENDS ON EXTENSION
SELECT d.classid AS class, d.objid AS oid, pg_catalog.json_agg(pg_catalog.quote_ident(e.extname) ORDER BY e.extname) AS "dependsOnExtensions:json"
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
WHERE d.refclassid = e.tableoid AND d.deptype = 'x' AND d.objid @oids@
GROUP BY 1, 2
