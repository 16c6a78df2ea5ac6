SELECT 'event trigger' AS kind, pg_catalog.quote_ident(e.evtname) AS name, e.tableoid AS class, e.oid, e.oid AS unit,
    e.evtevent AS event, pg_catalog.array_to_json(e.evttags) AS "tags:json", e.evtfoid::pg_catalog.regprocedure AS "function",
    CASE e.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled,
    pg_catalog.pg_get_userbyid(e.evtowner) AS owner
FROM pg_catalog.pg_event_trigger e
WHERE e.oid @units@ AND @free@(e.tableoid, e.oid))
