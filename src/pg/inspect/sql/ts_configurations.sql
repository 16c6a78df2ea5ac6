SELECT 'text search configuration' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.cfgname) AS name,
    c.tableoid AS class, c.oid, c.oid AS unit,
    pg_catalog.pg_get_userbyid(c.cfgowner) AS owner,
    (SELECT pg_catalog.quote_ident(x.nspname) || '.' || pg_catalog.quote_ident(p.prsname) FROM pg_catalog.pg_ts_parser p
     JOIN pg_catalog.pg_namespace x ON x.oid = p.prsnamespace WHERE p.oid = c.cfgparser) AS parser,
    (SELECT pg_catalog.json_object_agg(x.alias, x.dictionaries) FROM (
        SELECT t.alias, pg_catalog.json_agg(m.mapdict::pg_catalog.regdictionary ORDER BY m.mapseqno) AS dictionaries
        FROM pg_catalog.pg_ts_config_map m JOIN pg_catalog.ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype
        WHERE m.mapcfg = c.oid GROUP BY t.alias) x) AS "mappings:json"
FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
WHERE @schema@ AND c.oid @units@ AND @free@(c.tableoid, c.oid))
