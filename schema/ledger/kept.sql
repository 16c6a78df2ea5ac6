(SELECT encode(sha256(convert_to(jsonb_agg(jsonb_build_array(a.id, a.kind, a.object, a.kept_as, a.detail,
    extract(epoch FROM a.kept_at)::text) ORDER BY a.id)::text, 'UTF8')), 'hex') FROM @ledger@.attic a
    WHERE a.changeset = @changeset@ AND a.restored_at IS NULL AND a.purged_at IS NULL)
