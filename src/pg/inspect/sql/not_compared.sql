-- what no other query knows
WITH covered AS (
    SELECT pg_catalog.unnest('{pg_class,pg_attrdef,pg_constraint,pg_type,pg_proc,pg_namespace,pg_trigger,pg_rewrite,pg_policy,
        pg_extension,pg_language,pg_collation,pg_conversion,pg_operator,pg_opfamily,pg_opclass,pg_amop,pg_amproc,pg_cast,
        pg_transform,pg_am,pg_ts_parser,pg_ts_template,pg_ts_dict,pg_ts_config,pg_foreign_data_wrapper,pg_foreign_server,
        pg_user_mapping,pg_statistic_ext,pg_event_trigger,pg_publication,pg_publication_rel,pg_publication_namespace,
        pg_subscription,pg_default_acl}'::text[]) AS catalog
)
SELECT 'large objects' AS what, 'they are data' AS why
WHERE EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
UNION ALL
SELECT 'objects of ' || d.classid::pg_catalog.regclass, 'this kind of object is not known'
FROM pg_catalog.pg_depend d
WHERE d.classid::pg_catalog.regclass::text NOT IN (SELECT catalog FROM covered) AND d.objid >= 16384 AND d.deptype <> 'e'
GROUP BY d.classid
UNION ALL
SELECT c.oid::pg_catalog.regclass::text, 'relations of kind ' || c.relkind::text || ' are not known'
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE @schema@ AND c.relkind NOT IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I', 'c', 't')
UNION ALL
SELECT DISTINCT x.what || ' of the operator family ' || f.opfname, 'it belongs to the server'
FROM pg_catalog.pg_opfamily f JOIN (
    SELECT a.tableoid, a.oid, a.amopfamily AS family, 'operators' AS what FROM pg_catalog.pg_amop a
    UNION ALL SELECT a.tableoid, a.oid, a.amprocfamily, 'functions' FROM pg_catalog.pg_amproc a) x ON x.family = f.oid
WHERE f.oid < 16384 AND x.oid >= 16384
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = x.tableoid AND d.objid = x.oid
        AND (d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass OR d.deptype = 'e'))
UNION ALL
SELECT 'option values of user mappings', 'they may be secrets'
WHERE EXISTS (SELECT FROM pg_catalog.pg_user_mappings)
UNION ALL
SELECT 'connection strings of subscriptions', 'they may have passwords'
WHERE EXISTS (SELECT FROM pg_catalog.pg_subscription s
    WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
