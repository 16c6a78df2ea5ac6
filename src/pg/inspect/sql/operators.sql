SELECT 'operator' AS kind,
    pg_catalog.quote_ident(n.nspname) || '.' || o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprleft, NULL) END
        || ', ' || CASE WHEN o.oprright = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprright, NULL) END || ')' AS name,
    o.tableoid AS class, o.oid, o.oid AS unit,
    pg_catalog.pg_get_userbyid(o.oprowner) AS owner,
    CASE WHEN o.oprcode <> 0 THEN o.oprcode::pg_catalog.regprocedure END AS "function",
    CASE WHEN o.oprcom <> 0 THEN o.oprcom::pg_catalog.regoperator END AS commutator,
    CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::pg_catalog.regoperator END AS negator,
    CASE WHEN o.oprrest <> 0 THEN o.oprrest::pg_catalog.regprocedure END AS "restrict",
    CASE WHEN o.oprjoin <> 0 THEN o.oprjoin::pg_catalog.regprocedure END AS "join",
    nullif(o.oprcanhash, false) AS "hashes:bool", nullif(o.oprcanmerge, false) AS "merges:bool"
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE @schema@ AND o.oid @units@ AND @free@(o.tableoid, o.oid))
