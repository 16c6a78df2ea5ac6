SELECT 'rule' AS kind, r.name || '.' || pg_catalog.quote_ident(w.rulename) AS name, r.kind AS "parentKind", r.name AS parent,
    w.tableoid AS class, w.oid, r.oid AS unit,
    pg_catalog.pg_get_ruledef(w.oid) AS definition,
    CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled
FROM @relations@ r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid
WHERE NOT (r.relkind IN ('v', 'm') AND w.rulename = '_RETURN' AND w.ev_enabled = 'O')
