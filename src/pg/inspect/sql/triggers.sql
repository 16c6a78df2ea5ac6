SELECT 'trigger' AS kind, r.name || '.' || pg_catalog.quote_ident(t.tgname) AS name, r.kind AS "parentKind", r.name AS parent,
    t.tableoid AS class, t.oid, r.oid AS unit,
    pg_catalog.pg_get_triggerdef(t.oid) AS definition,
    CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled,
    CASE WHEN t.tgparentid <> 0 THEN 'inherited' END AS inheritance
FROM @relations@ r
JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid
LEFT JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid
LEFT JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
-- that of a partition counts where it is not as its parent's
WHERE NOT (t.tgisinternal AND (k.contype IS NOT NULL AND k.contype <> 't' OR t.tgparentid = 0))
    AND (t.tgparentid = 0 OR p.tgenabled <> t.tgenabled)
