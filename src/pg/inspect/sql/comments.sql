SELECT c.classoid AS class, c.objoid AS oid, c.objsubid AS sub, c.description AS comment
FROM pg_catalog.pg_description c
WHERE c.objoid @oids@ OR c.classoid IN ('pg_catalog.pg_extension'::pg_catalog.regclass, 'pg_catalog.pg_namespace'::pg_catalog.regclass)
