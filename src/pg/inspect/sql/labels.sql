SELECT l.classoid AS class, l.objoid AS oid, l.objsubid AS sub, pg_catalog.json_object_agg(l.provider, l.label) AS "securityLabels:json"
FROM pg_catalog.pg_seclabel l
WHERE l.objoid @oids@
GROUP BY 1, 2, 3
