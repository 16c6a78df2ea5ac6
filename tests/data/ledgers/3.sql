-- The ledger, version 3: approvals of sealed plans; the server says who wrote an event.
CREATE TABLE @ledger@.approval (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      text NOT NULL CHECK (digest ~ '^p1:[0-9a-f]{64}$'),
    verdict     text NOT NULL CHECK (verdict IN ('approve', 'reject')),
    reason      text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    os_user     text NOT NULL,
    host        text NOT NULL,
    expires_at  timestamptz,
    db_user     text NOT NULL,
    roles       text[] NOT NULL,
    client_addr inet,
    at          timestamptz NOT NULL
);
COMMENT ON TABLE @ledger@.approval IS 'Who approved or rejected which sealed plan here: append only; each has an event';
COMMENT ON COLUMN @ledger@.approval.digest IS 'Of the sealed plan: whatever would run differently has another one';
COMMENT ON COLUMN @ledger@.approval.os_user IS 'The operating system''s user, as the client says; the columns from db_user on are the server''s word';
COMMENT ON COLUMN @ledger@.approval.roles IS 'The roles that the user was a member of';
CREATE INDEX approval_digest_idx ON @ledger@.approval (digest);

CREATE FUNCTION @ledger@.sign_approval() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.db_user := session_user;
    NEW.roles := ARRAY(SELECT rolname::text FROM pg_roles
        WHERE rolname <> session_user AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY 1);
    NEW.client_addr := inet_client_addr();
    NEW.at := clock_timestamp();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION @ledger@.sign_approval() IS 'Nobody approves in another''s name or at another time';
CREATE TRIGGER sign BEFORE INSERT ON @ledger@.approval FOR EACH ROW EXECUTE FUNCTION @ledger@.sign_approval();

-- with the rights of the ledger's owner: who approves needs none on the events
CREATE FUNCTION @ledger@.note_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO @ledger@.event (kind, detail) VALUES (
        CASE NEW.verdict WHEN 'approve' THEN 'approved' ELSE 'rejected' END,
        jsonb_strip_nulls(jsonb_build_object('approval', NEW.id, 'plan', NEW.digest, 'reason', NEW.reason,
            'by', NEW.os_user || '@' || NEW.host, 'expiresAt', NEW.expires_at)));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION @ledger@.note_approval() IS 'Writes the event of an approval';
CREATE TRIGGER note AFTER INSERT ON @ledger@.approval FOR EACH ROW EXECUTE FUNCTION @ledger@.note_approval();

CREATE OR REPLACE FUNCTION @ledger@.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'dagmar: %s are append only', TG_TABLE_NAME USING ERRCODE = 'DG003';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @ledger@.approval
    FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.refuse_change();

-- with the rights of the ledger's owner: who writes an event needs no right to write `meta`
CREATE OR REPLACE FUNCTION @ledger@.chain_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.db_user := session_user;
    NEW.at := clock_timestamp();
    -- what belongs to a run has it at the run's beginning
    IF NEW.run IS NULL OR NEW.kind = 'runStarted' THEN
        NEW.detail := NEW.detail - 'from'
            || CASE WHEN inet_client_addr() IS NULL THEN '{}' ELSE jsonb_build_object('from', host(inet_client_addr())) END;
    END IF;
    NEW.hash := @ledger@.event_hash(
        coalesce((SELECT hash FROM @ledger@.event ORDER BY seq DESC LIMIT 1), ''), NEW);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION @ledger@.chain_event() IS 'Says who wrote an event and when, and links it to the one before it';

-- one writer at a time, so that every row sees the one before it; before the statement, so that
-- its number is drawn under the lock as well
CREATE FUNCTION @ledger@.lock_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM @ledger@.meta WHERE key = 'version' FOR UPDATE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION @ledger@.lock_chain() IS 'Lets one transaction at a time write events';
CREATE TRIGGER chain_lock BEFORE INSERT ON @ledger@.event FOR EACH STATEMENT EXECUTE FUNCTION @ledger@.lock_chain();

-- whoever may look at the ledger leaves word of what was refused, and nothing else
CREATE FUNCTION @ledger@.note_refusal(detail jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO @ledger@.event (kind, detail) VALUES ('refused', jsonb_strip_nulls(note_refusal.detail));
END
$$;
COMMENT ON FUNCTION @ledger@.note_refusal(jsonb) IS 'Writes the event of a command that was refused';

-- a database that was made anew under the same name is another one
INSERT INTO @ledger@.meta (key, value) VALUES ('installation', pg_catalog.gen_random_uuid()::text);
