-- the triggers of constraints that do not fire as usual: a property of the table that they are on
SELECT r.tableoid AS class, r.oid,
    pg_catalog.json_agg(pg_catalog.concat(k.conrelid::pg_catalog.regclass, '.', pg_catalog.quote_ident(k.conname), ' ', t.tgfoid::pg_catalog.regproc,
        CASE t.tgenabled WHEN 'D' THEN ' disabled' WHEN 'R' THEN ' replica' WHEN 'A' THEN ' always' END)
        ORDER BY k.conrelid::pg_catalog.regclass::text, k.conname, t.tgfoid::pg_catalog.regproc::text) AS "constraintTriggers:json"
FROM @relations@ r
JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND t.tgisinternal AND t.tgenabled <> 'O'
JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
GROUP BY 1, 2
