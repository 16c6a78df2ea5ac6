-- The chain of events, and the fence. A function with the rights of its owner (SECURITY DEFINER) is
-- written as if the worst role of the ledger called it: it works for its own table alone, since
-- whoever may execute a trigger function may put it on a table of his own, whose columns have types
-- with casts and checks of his own.

CREATE OR REPLACE FUNCTION @ledger@.event_hash(previous text, e @ledger@.event) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- an array keeps the borders of its parts, and NULL
    SELECT 'e2:' || encode(sha256(convert_to(jsonb_build_array(previous, e.seq, extract(epoch FROM e.at)::text, e.run, e.kind,
        e.changeset, e.db_user, e.detail)::text, 'UTF8')), 'hex')
$$;
COMMENT ON FUNCTION @ledger@.event_hash(text, @ledger@.event) IS 'The hash of an event: over the hash before it and its own columns';

CREATE OR REPLACE FUNCTION @ledger@.chain_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- the functions below say so: the column is granted to nobody
    told boolean;
BEGIN
    IF TG_RELID <> $name$@ledger@.event$name$::regclass THEN
        RAISE EXCEPTION 'dagmar: this function is for the table event of the ledger alone' USING ERRCODE = 'DG003';
    END IF;
    told := NEW.hash IS NOT NULL;
    -- of anything else `recorded` below could not be told apart
    IF jsonb_typeof(NEW.detail) <> 'object' THEN
        RAISE EXCEPTION 'dagmar: the detail of an event is a JSON object' USING ERRCODE = 'DG003';
    END IF;
    NEW.db_user := session_user;
    NEW.at := clock_timestamp();
    -- what belongs to a run has it at the run's beginning
    IF (NEW.run IS NULL OR NEW.kind = 'runStarted') AND NOT told THEN
        NEW.detail := NEW.detail - 'from'
            || CASE WHEN inet_client_addr() IS NULL THEN '{}' ELSE jsonb_build_object('from', host(inet_client_addr())) END;
    END IF;
    -- whose word another transaction was, nobody else says
    IF NEW.kind = 'refused' AND NOT told THEN
        NEW.detail := NEW.detail - ARRAY['role', 'at'];
    END IF;
    IF NEW.kind IN ('runStarted', 'adopted') THEN
        NEW.detail := NEW.detail || jsonb_build_object('installation', (SELECT value FROM @ledger@.meta WHERE key = 'installation'));
    END IF;
    -- only the word itself makes its event
    IF NEW.kind IN ('approved', 'rejected') AND NOT told THEN
        RAISE EXCEPTION 'dagmar: nobody has % this plan', NEW.kind USING ERRCODE = 'DG003';
    END IF;
    IF NEW.changeset IS NOT NULL THEN
        -- of one that is not here any more the attic may keep something all the same
        NEW.detail := NEW.detail - 'recorded' || coalesce((SELECT jsonb_build_object('recorded', jsonb_strip_nulls(
            @recorded@)) FROM @ledger@.changeset c WHERE c.id = NEW.changeset), (SELECT jsonb_build_object('recorded',
            jsonb_build_object('attic', kept)) FROM @kept@ AS x (kept) WHERE kept IS NOT NULL), '{}');
    END IF;
    NEW.hash := @ledger@.event_hash(
        coalesce((SELECT hash FROM @ledger@.event ORDER BY seq DESC LIMIT 1), ''), NEW);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION @ledger@.chain_event() IS 'Says who wrote an event and when, what the ledger has of its changeset, and links it to the event before it';
CREATE OR REPLACE TRIGGER chain BEFORE INSERT ON @ledger@.event FOR EACH ROW EXECUTE FUNCTION @ledger@.chain_event();

-- one writer at a time, so that every row sees the one before it; before the statement, so that
-- its number is drawn under the lock as well
CREATE OR REPLACE FUNCTION @ledger@.lock_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> $name$@ledger@.event$name$::regclass THEN
        RAISE EXCEPTION 'dagmar: this function is for the table event of the ledger alone' USING ERRCODE = 'DG003';
    END IF;
    PERFORM FROM @ledger@.meta WHERE key = 'version' FOR UPDATE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION @ledger@.lock_chain() IS 'Lets one transaction at a time write events';
CREATE OR REPLACE TRIGGER chain_lock BEFORE INSERT ON @ledger@.event FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.lock_chain();

CREATE OR REPLACE FUNCTION @ledger@.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'dagmar: %s are append only', TG_TABLE_NAME USING ERRCODE = 'DG003';
END
$$;
COMMENT ON FUNCTION @ledger@.refuse_change() IS 'Keeps the history from being rewritten';
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @ledger@.event
    FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.refuse_change();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @ledger@.approval
    FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.refuse_change();

CREATE OR REPLACE FUNCTION @ledger@.sign_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> $name$@ledger@.approval$name$::regclass THEN
        RAISE EXCEPTION 'dagmar: this function is for the table approval of the ledger alone' USING ERRCODE = 'DG003';
    END IF;
    IF NEW.id <> currval(pg_get_serial_sequence($name$@ledger@.approval$name$, 'id')) THEN
        RAISE EXCEPTION 'dagmar: the server numbers approvals' USING ERRCODE = 'DG003';
    END IF;
    NEW.db_user := session_user;
    NEW.roles := ARRAY(SELECT rolname::text FROM pg_roles
        WHERE rolname <> session_user AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY 1);
    NEW.client_addr := inet_client_addr();
    NEW.at := clock_timestamp();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION @ledger@.sign_approval() IS 'Nobody approves in another''s name, at another time or under another number';
CREATE OR REPLACE TRIGGER sign BEFORE INSERT ON @ledger@.approval FOR EACH ROW EXECUTE FUNCTION @ledger@.sign_approval();

-- with the rights of the ledger's owner: who approves needs none on the events
CREATE OR REPLACE FUNCTION @ledger@.note_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_RELID <> $name$@ledger@.approval$name$::regclass THEN
        RAISE EXCEPTION 'dagmar: this function is for the table approval of the ledger alone' USING ERRCODE = 'DG003';
    END IF;
    INSERT INTO @ledger@.event (kind, detail, hash) VALUES (
        CASE NEW.verdict WHEN 'approve' THEN 'approved' ELSE 'rejected' END,
        jsonb_strip_nulls(jsonb_build_object('approval', NEW.id, 'plan', NEW.digest, 'reason', NEW.reason,
            'by', NEW.os_user || '@' || NEW.host, 'expiresAt', NEW.expires_at, 'roles', NEW.roles,
            'from', host(NEW.client_addr), 'origin', NEW.origin)), 'told');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION @ledger@.note_approval() IS 'Writes the event of an approval';
CREATE OR REPLACE TRIGGER note AFTER INSERT ON @ledger@.approval FOR EACH ROW EXECUTE FUNCTION @ledger@.note_approval();

-- who may write events writes one; whoever may only look leaves word, without the lock of the chain,
-- which he could hold as long as he likes
CREATE OR REPLACE FUNCTION @ledger@.note_refusal(detail jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most constant integer := 100;
BEGIN
    IF jsonb_typeof(note_refusal.detail) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'dagmar: a refusal is a JSON object' USING ERRCODE = 'DG003';
    END IF;
    IF octet_length(note_refusal.detail::text) > 8192 THEN
        RAISE EXCEPTION 'dagmar: too much to say of one refusal' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    IF has_column_privilege(session_user, $name$@ledger@.event$name$, 'kind', 'INSERT') THEN
        INSERT INTO @ledger@.event (kind, detail) VALUES ('refused', jsonb_strip_nulls(note_refusal.detail));
    ELSIF (SELECT count(*) FROM (SELECT FROM @ledger@.refusal r WHERE r.db_user = session_user LIMIT most) x) < most THEN
        INSERT INTO @ledger@.refusal (at, db_user, client_addr, detail)
        VALUES (clock_timestamp(), session_user, inet_client_addr(), jsonb_strip_nulls(note_refusal.detail));
    END IF;
END
$$;
COMMENT ON FUNCTION @ledger@.note_refusal(jsonb) IS 'Keeps that a command was refused; of a role that may not write events, at most 100 between two runs';

CREATE OR REPLACE FUNCTION @ledger@.collect_refusals() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH taken AS (DELETE FROM @ledger@.refusal RETURNING *)
    INSERT INTO @ledger@.event (kind, detail, hash)
    SELECT 'refused', detail - ARRAY['role', 'at', 'from']
        || jsonb_strip_nulls(jsonb_build_object('role', db_user, 'at', at, 'from', host(client_addr))), 'told'
    FROM taken ORDER BY id;
END
$$;
COMMENT ON FUNCTION @ledger@.collect_refusals() IS 'Makes events of what was kept apart from the chain';

CREATE OR REPLACE FUNCTION @ledger@.fence(mine bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM @ledger@.lease WHERE epoch = mine FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dagmar: another run has taken over' USING ERRCODE = 'DG001';
    END IF;
END
$$;
COMMENT ON FUNCTION @ledger@.fence(bigint) IS 'Stops a runner that lost its lock: part of every transaction';
