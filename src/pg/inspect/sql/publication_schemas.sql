-- since 15
SELECT p.tableoid AS class, p.oid, pg_catalog.json_agg(pg_catalog.quote_ident(n.nspname) ORDER BY n.nspname) AS "schemas:json"
FROM pg_catalog.pg_publication p
JOIN pg_catalog.pg_publication_namespace x ON x.pnpubid = p.oid JOIN pg_catalog.pg_namespace n ON n.oid = x.pnnspid
GROUP BY 1, 2
