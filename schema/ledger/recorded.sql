jsonb_build_object(
    'row', encode(sha256(convert_to(jsonb_build_array(c.id, c.status, c.ordinal, c.checksum, c.digest, c.description, c.author,
        c.labels, c.file, c.repeatable, c.body, c.forward, c.rollback, c.run, extract(epoch FROM c.applied_at)::text,
        c.applied_by, c.duration_ms, c.reason)::text, 'UTF8')), 'hex'),
    'requires', (SELECT jsonb_agg(r.needs ORDER BY r.needs COLLATE "C") FROM @ledger@.requires r WHERE r.changeset = c.id),
    'versions', (SELECT encode(sha256(convert_to(jsonb_agg(jsonb_build_array(s.version, s.content) ORDER BY s.version)::text,
        'UTF8')), 'hex') FROM @ledger@.superseded s WHERE s.changeset = c.id),
    'attic', @kept@)
