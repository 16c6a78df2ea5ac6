-- constraints NOT NULL, since 18: properties of their columns
SELECT r.tableoid AS class, r.oid, k.conkey[1] AS sub,
    nullif(pg_catalog.concat_ws(' ',
        CASE WHEN k.conname <> r.relname || '_' || a.attname || '_not_null' THEN pg_catalog.quote_ident(k.conname) END,
        CASE WHEN k.connoinherit THEN 'NO INHERIT' END, CASE WHEN NOT k.convalidated THEN 'NOT VALID' END,
        CASE WHEN k.coninhcount > 0 AND k.conislocal THEN 'inherited and own' END), '') AS "notNullConstraint",
    c.description AS "notNullComment"
FROM @relations@ r
JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid AND k.contype = 'n'
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.conkey[1]
LEFT JOIN pg_catalog.pg_description c ON c.objoid = k.oid AND c.classoid = k.tableoid AND c.objsubid = 0
