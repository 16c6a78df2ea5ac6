-- from the catalog alone: what belongs to somebody else is not touched
WITH RECURSIVE mine(oid) AS (
    SELECT oid FROM pg_roles WHERE rolname = current_user
    UNION
    -- who has made a role is a member of it without any use of its rights (since 16)
    SELECT m.roleid FROM mine JOIN pg_auth_members m ON m.member = mine.oid
    WHERE coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true) OR coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
),
trusted(oid) AS (
    SELECT oid FROM mine UNION SELECT oid FROM pg_roles WHERE rolsuper OR rolname = ANY (@owners@)
),
home AS (SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname = @schema@),
relation AS (SELECT c.oid, c.relname, c.relowner FROM pg_class c JOIN home ON c.relnamespace = home.oid),
owned(what, name, owner) AS (
    SELECT 'schema', nspname, nspowner FROM pg_namespace WHERE nspname IN (@schema@, @attic@)
    UNION ALL SELECT 'relation', relname, relowner FROM relation
    UNION ALL SELECT 'function', p.proname, p.proowner FROM pg_proc p JOIN home ON p.pronamespace = home.oid
    UNION ALL SELECT 'type', t.typname, t.typowner FROM pg_type t JOIN home ON t.typnamespace = home.oid
    UNION ALL SELECT 'operator', o.oprname, o.oprowner FROM pg_operator o JOIN home ON o.oprnamespace = home.oid
    -- TRIGGER is a right that can be granted
    UNION ALL SELECT 'trigger function', p.proname, p.proowner FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid
        JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal
),
foreigner AS (SELECT * FROM owned WHERE owner NOT IN (SELECT oid FROM trusted))
SELECT current_setting('server_version_num')::int4, pg_is_in_recovery(),
    current_setting('default_transaction_read_only') = 'on', current_database()::text, current_user::text,
    EXISTS (SELECT FROM relation WHERE relname = 'meta'),
    CASE WHEN EXISTS (SELECT FROM home) THEN has_schema_privilege((SELECT oid FROM home), 'CREATE') ELSE true END
        AND (EXISTS (SELECT FROM home) AND EXISTS (SELECT FROM pg_namespace WHERE nspname = @attic@)
            OR has_database_privilege(current_database(), 'CREATE')),
    (SELECT array_agg(format('the %s %I belongs to %I', what, name, pg_get_userbyid(owner)))
        FROM (SELECT what, name, owner FROM foreigner GROUP BY 1, 2, 3 ORDER BY what <> 'schema', what, name LIMIT 5) x),
    -- one role alone: it may be the one that keeps the ledger
    (SELECT pg_get_userbyid(min(owner::int8)::oid)::text FROM foreigner HAVING count(DISTINCT owner) = 1)
