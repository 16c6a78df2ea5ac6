-- what no other query knows
WITH covered AS (
    SELECT pg_catalog.unnest('{pg_class,pg_attrdef,pg_constraint,pg_type,pg_proc,pg_namespace,pg_trigger,pg_rewrite,pg_policy,
        pg_extension,pg_language,pg_collation,pg_conversion,pg_operator,pg_opfamily,pg_opclass,pg_amop,pg_amproc,pg_cast,
        pg_transform,pg_am,pg_ts_parser,pg_ts_template,pg_ts_dict,pg_ts_config,pg_foreign_data_wrapper,pg_foreign_server,
        pg_user_mapping,pg_statistic_ext,pg_event_trigger,pg_publication,pg_publication_rel,pg_publication_namespace,
        pg_subscription,pg_default_acl}'::text[]) AS catalog
)
SELECT pg_catalog.count(*) || ' large object(s)' AS what, 'they are data' AS why
FROM pg_catalog.pg_largeobject_metadata HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT pg_catalog.count(DISTINCT d.objid) || ' object(s) of ' || d.classid::pg_catalog.regclass, 'this kind of object is not known'
FROM pg_catalog.pg_depend d
WHERE d.classid::pg_catalog.regclass::text NOT IN (SELECT catalog FROM covered) AND d.objid >= 16384 AND d.deptype <> 'e'
GROUP BY d.classid
UNION ALL
SELECT c.oid::pg_catalog.regclass::text, 'relations of kind ' || c.relkind::text || ' are not known'
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE @schema@ AND c.relkind NOT IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I', 'c', 't')
UNION ALL
SELECT 'operators and functions that were added to the operator family ' || f.opfname, 'it belongs to the server'
FROM pg_catalog.pg_opfamily f
WHERE f.oid < 16384 AND EXISTS (SELECT FROM pg_catalog.pg_amop a WHERE a.amopfamily = f.oid AND a.oid >= 16384
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = a.tableoid AND d.objid = a.oid
        AND (d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass OR d.deptype = 'e')))
UNION ALL
SELECT 'the option values of ' || pg_catalog.count(*) || ' user mapping(s)', 'they may be secrets'
FROM pg_catalog.pg_user_mappings HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT 'the connection string of the subscription ' || s.subname, 'it may have a password'
FROM pg_catalog.pg_subscription s
WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
