SELECT c.classoid AS class, c.objoid AS oid, c.objsubid AS sub, c.description AS comment
FROM pg_catalog.pg_description c
WHERE c.objoid @oids@
