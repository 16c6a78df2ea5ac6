SELECT 'policy' AS kind, r.name || '.' || pg_catalog.quote_ident(p.polname) AS name, r.kind AS "parentKind", r.name AS parent,
    p.tableoid AS class, p.oid, r.oid AS unit,
    CASE WHEN NOT p.polpermissive THEN true END AS "restrictive:bool",
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
    (SELECT pg_catalog.json_agg(x.role ORDER BY x.role) FROM (SELECT CASE WHEN o.id = 0 THEN 'PUBLIC'
        ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o.id)) END AS role FROM pg_catalog.unnest(p.polroles) o(id)) x) AS "roles:json",
    pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS "using",
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS "check"
FROM @relations@ r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
