SELECT 'statistics' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(x.stxname) AS name,
    r.kind AS "parentKind", r.name AS parent,
    x.tableoid AS class, x.oid, r.oid AS unit,
    pg_catalog.pg_get_statisticsobjdef(x.oid) AS definition,
    pg_catalog.pg_get_userbyid(x.stxowner) AS owner,
    CASE WHEN x.stxstattarget >= 0 THEN x.stxstattarget END AS "statistics:number"
FROM @relations@ r JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = r.oid
JOIN pg_catalog.pg_namespace n ON n.oid = x.stxnamespace
WHERE (x.stxname NOT BETWEEN 'attic_0' AND 'attic_g' OR x.stxname @current@)
