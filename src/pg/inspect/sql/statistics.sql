SELECT 'statistics' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(x.stxname) AS name,
    r.kind AS "parentKind", r.name AS parent,
    x.tableoid AS class, x.oid, r.oid AS unit,
    pg_catalog.replace(pg_catalog.pg_get_statisticsobjdef(x.oid), ' ON ' || c.placed, ' ON ' || c.named) AS definition,
    pg_catalog.pg_get_userbyid(x.stxowner) AS owner,
    CASE WHEN x.stxstattarget >= 0 THEN x.stxstattarget END AS "statistics:number"
FROM @relations@ r JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = r.oid
JOIN pg_catalog.pg_namespace n ON n.oid = x.stxnamespace
-- the server has the columns in the order of their numbers, which says nothing
CROSS JOIN LATERAL (
    SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY k.place), '') AS placed,
        coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attname), '') AS named
    FROM pg_catalog.unnest(x.stxkeys::pg_catalog.int2[]) WITH ORDINALITY AS k(number, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = x.stxrelid AND a.attnum = k.number
) AS c
WHERE (x.stxname NOT BETWEEN 'attic_0' AND 'attic_g' OR x.stxname @current@)
