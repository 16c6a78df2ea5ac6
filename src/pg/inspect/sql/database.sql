SELECT 'database' AS kind, '' AS name, d.tableoid AS class, d.oid, d.oid AS unit,
    pg_catalog.pg_get_userbyid(d.datdba) AS owner,
    pg_catalog.array_to_json(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))::text[]) AS "privileges:acl",
    nullif(d.datconnlimit, -1) AS "connectionLimit:number",
    pg_catalog.pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS "collate", d.datctype AS ctype,
    pg_catalog.shobj_description(d.oid, 'pg_database') AS comment
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database() AND d.oid @units@
