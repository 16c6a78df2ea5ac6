SELECT 'foreign-data wrapper' AS kind, pg_catalog.quote_ident(f.fdwname) AS name, f.tableoid AS class, f.oid, f.oid AS unit,
    pg_catalog.pg_get_userbyid(f.fdwowner) AS owner,
    pg_catalog.array_to_json(coalesce(f.fdwacl, pg_catalog.acldefault('F', f.fdwowner))::text[]) AS "privileges:acl",
    CASE WHEN f.fdwhandler <> 0 THEN f.fdwhandler::pg_catalog.regproc END AS handler,
    CASE WHEN f.fdwvalidator <> 0 THEN f.fdwvalidator::pg_catalog.regproc END AS validator,
    (SELECT pg_catalog.json_object_agg(o.option_name, o.option_value) FROM pg_catalog.pg_options_to_table(f.fdwoptions) o) AS "options:json"
FROM pg_catalog.pg_foreign_data_wrapper f
WHERE f.oid @units@ AND @free@(f.tableoid, f.oid))
