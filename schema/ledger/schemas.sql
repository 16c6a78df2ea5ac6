-- The schemas of the ledger. One that is there already must be that of a role which we are, or whose
-- rights we have: its owner can replace everything in it.
DO $dagmar$
DECLARE
    wanted name;
    owner oid;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[@ledgerName@, @atticName@]::name[] LOOP
        SELECT n.nspowner INTO owner FROM pg_namespace n WHERE n.nspname = wanted;
        IF owner IS NULL THEN
            EXECUTE format('CREATE SCHEMA %I', wanted);
        ELSIF NOT pg_has_role(owner, 'USAGE') THEN
            RAISE EXCEPTION 'the schema % belongs to %', wanted, pg_get_userbyid(owner) USING ERRCODE = 'DG005',
                HINT = 'find out who made it; the ledger belongs into a schema of the role that keeps it';
        END IF;
    END LOOP;
END
$dagmar$;
