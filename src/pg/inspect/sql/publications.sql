SELECT 'publication' AS kind, pg_catalog.quote_ident(p.pubname) AS name, p.tableoid AS class, p.oid, p.oid AS unit,
    pg_catalog.pg_get_userbyid(p.pubowner) AS owner,
    nullif(p.puballtables, false) AS "allTables:bool",
    pg_catalog.concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
        CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS publish,
    nullif(p.pubviaroot, false) AS "viaRoot:bool",
    CASE WHEN pg_catalog.to_jsonb(p) ->> 'pubgencols' IN ('s', 'true') THEN 'stored' END AS "generatedColumns",
    (SELECT pg_catalog.json_agg(x.text ORDER BY x.text) FROM (
        SELECT pg_catalog.concat(r.prrelid::pg_catalog.regclass,
            (SELECT ' (' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')' FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = r.prrelid AND a.attnum = ANY (@publishedColumns@)),
            ' WHERE ' || pg_catalog.pg_get_expr(@publishedRows@, r.prrelid)) AS text
        FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid) x) AS "tables:json"
FROM pg_catalog.pg_publication p
WHERE p.oid @units@ AND @free@(p.tableoid, p.oid))
