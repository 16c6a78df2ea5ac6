-- operators and functions belong to that on which they depend: the class that made them, or the family
SELECT 'operator class' AS kind,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.opcname) || ' USING ' || pg_catalog.quote_ident(m.amname) AS name,
    o.tableoid AS class, o.oid, o.oid AS unit,
    pg_catalog.pg_get_userbyid(o.opcowner) AS owner,
    nullif(o.opcdefault, false) AS "default:bool",
    pg_catalog.format_type(o.opcintype, NULL) AS type,
    CASE WHEN o.opckeytype <> 0 THEN pg_catalog.format_type(o.opckeytype, NULL) END AS "storageType",
    (SELECT pg_catalog.quote_ident(q.nspname) || '.' || pg_catalog.quote_ident(s.opfname) FROM pg_catalog.pg_opfamily s
     JOIN pg_catalog.pg_namespace q ON q.oid = s.opfnamespace WHERE s.oid = o.opcfamily) AS family,
    (SELECT pg_catalog.json_agg(x.text ORDER BY x.text) FROM (
        SELECT pg_catalog.concat(a.amopstrategy, ' ', a.amopopr::pg_catalog.regoperator, CASE WHEN a.amopsortfamily <> 0 THEN ' FOR ORDER BY ' ||
            (SELECT pg_catalog.quote_ident(q.nspname) || '.' || pg_catalog.quote_ident(s.opfname) FROM pg_catalog.pg_opfamily s
             JOIN pg_catalog.pg_namespace q ON q.oid = s.opfnamespace WHERE s.oid = a.amopsortfamily) END) AS text
        FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_amop a ON a.oid = d.objid
        WHERE d.refclassid = o.tableoid AND d.refobjid = o.oid AND d.classid = a.tableoid AND d.deptype IN ('a', 'i')) x) AS "operators:json",
    (SELECT pg_catalog.json_agg(x.text ORDER BY x.text) FROM (
        SELECT pg_catalog.concat(a.amprocnum, ' (', pg_catalog.format_type(a.amproclefttype, NULL), ', ', pg_catalog.format_type(a.amprocrighttype, NULL),
            ') ', a.amproc::pg_catalog.regprocedure) AS text
        FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_amproc a ON a.oid = d.objid
        WHERE d.refclassid = o.tableoid AND d.refobjid = o.oid AND d.classid = a.tableoid AND d.deptype IN ('a', 'i')) x) AS "functions:json"
FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
WHERE @schema@ AND o.oid @units@ AND @free@(o.tableoid, o.oid))
