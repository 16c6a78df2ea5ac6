-- Who may call what. By default only that a command was refused may be said, by everybody who may look
-- at the ledger; trigger functions need no right when they fire. Roles
-- that were given tables before keep what they were given them for, and no more: the numbers of events
-- and approvals, and the columns that the server fills in, are not theirs to write.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA @ledger@ FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @ledger@.note_refusal(jsonb) TO PUBLIC;
DO $dagmar$
DECLARE
    given record;
    callable text;
BEGIN
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO callable FROM pg_proc p
    WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = @ledgerName@) AND p.prorettype <> 'trigger'::regtype;
    FOR given IN
        SELECT DISTINCT c.relname, x.privilege_type AS privilege,
            CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS role
        FROM pg_class c, LATERAL (
            SELECT a.grantee, a.privilege_type FROM aclexplode(c.relacl) a
            UNION ALL SELECT a.grantee, a.privilege_type FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = c.oid
        ) x
        WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = @ledgerName@) AND c.relname IN ('event', 'approval')
            AND x.grantee <> c.relowner AND x.privilege_type IN ('SELECT', 'INSERT')
    LOOP
        EXECUTE format('GRANT SELECT ON %1$I.refusal, %1$I.sealed_plan, %1$I.delivery TO %2$s', @ledgerName@, given.role);
        IF given.privilege = 'INSERT' THEN
            EXECUTE format('REVOKE INSERT ON %I.%I FROM %s', @ledgerName@, given.relname, given.role);
        END IF;
        IF given.privilege = 'INSERT' AND given.relname = 'event' THEN
            EXECUTE format('GRANT INSERT (run, kind, changeset, detail) ON %I.event TO %s', @ledgerName@, given.role);
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I.delivery TO %s', @ledgerName@, given.role);
            EXECUTE format('GRANT INSERT (digest, content, expires_at, uploaded_by), DELETE ON %I.sealed_plan TO %s',
                @ledgerName@, given.role);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', callable, given.role);
        ELSIF given.privilege = 'INSERT' THEN
            EXECUTE format('GRANT INSERT (digest, verdict, reason, os_user, host, expires_at, origin) ON %I.approval TO %s',
                @ledgerName@, given.role);
        END IF;
    END LOOP;
END
$dagmar$;
