-- What the ledger has of runs and of itself, compared with what the events say: a line for each thing
-- that does not fit.
SELECT format('the event of the %s of run %s (%s) is missing', x.what, r.id, r.kind)
FROM @ledger@.run r, LATERAL (VALUES ('runStarted', 'beginning'), ('runFinished', 'end')) x (kind, what)
WHERE (x.kind = 'runStarted' OR r.status IN ('done', 'failed'))
    AND NOT EXISTS (SELECT FROM @ledger@.event e WHERE e.run = r.id AND e.kind = x.kind)
UNION ALL SELECT format('the row of run %s was changed manually: the history says %s by %s (%s)', r.id, e.detail ->> 'kind',
    e.detail ->> 'by', e.db_user)
FROM @ledger@.run r JOIN @ledger@.event e ON e.run = r.id AND e.kind = 'runStarted' AND e.detail ? 'by'
WHERE (r.kind, r.environment, r.os_user || '@' || r.host, r.db_user, r.steps::text, host(r.client_addr))
    IS DISTINCT FROM (e.detail ->> 'kind', e.detail ->> 'environment', e.detail ->> 'by', e.db_user, e.detail ->> 'steps',
    e.detail ->> 'from')
    -- the event may have waited for the lock of the chain
    OR r.started_at NOT BETWEEN e.at - interval '1 hour' AND e.at + interval '1 second'
UNION ALL SELECT format('the row of run %s was changed manually: the history says that it ended as %s', r.id, e.detail ->> 'status')
FROM @ledger@.run r JOIN @ledger@.event e ON e.run = r.id AND e.kind = 'runFinished'
WHERE e.detail ->> 'status' IS DISTINCT FROM r.status
UNION ALL SELECT format('run %s, of which event %s tells, is missing', e.run, e.seq)
FROM @ledger@.event e WHERE e.kind = 'runStarted' AND NOT EXISTS (SELECT FROM @ledger@.run r WHERE r.id = e.run)
UNION ALL SELECT format('event %s was inserted manually: the server numbers events from 1 on', e.seq)
FROM @ledger@.event e WHERE e.seq < 1

-- who and when are the server's word in the event alone
UNION ALL SELECT format('the row of `%s` says that %s made it %s at %s, and event %s says %s', c.id, c.applied_by, c.status,
    c.applied_at, e.seq, e.db_user)
FROM @ledger@.changeset c JOIN @ledger@.event e ON e.changeset = c.id AND e.run = c.run
    AND e.kind = CASE WHEN c.status IN ('skipped', 'held') THEN 'marked' ELSE c.status END
WHERE e.db_user <> c.applied_by OR c.applied_at NOT BETWEEN e.at - interval '1 hour' AND e.at + interval '1 second'

-- the ledger itself
UNION ALL SELECT 'the environment of the ledger was changed manually: see the last event `adopted`'
WHERE (SELECT value FROM @ledger@.meta WHERE key = 'environment') IS DISTINCT FROM
    (SELECT detail ->> 'to' FROM @ledger@.event WHERE kind = 'adopted' ORDER BY seq DESC LIMIT 1)
UNION ALL SELECT format('the identity of the ledger was changed manually: event %s says another one', e.seq)
FROM (SELECT seq, detail ->> 'installation' AS installation FROM @ledger@.event
    WHERE kind IN ('runStarted', 'adopted') AND detail ? 'installation' ORDER BY seq DESC LIMIT 1) e
WHERE e.installation IS DISTINCT FROM (SELECT value FROM @ledger@.meta WHERE key = 'installation')
UNION ALL SELECT format('the policy that the ledger demands of `%s` was changed manually', p.environment)
FROM (SELECT coalesce(m.environment, e.environment) AS environment, m.policy, e.policy AS told
    FROM (SELECT substr(key, 8) AS environment, value::jsonb AS policy FROM @ledger@.meta WHERE starts_with(key, 'policy:')) m
    FULL JOIN (SELECT DISTINCT ON (detail ->> 'environment') detail ->> 'environment' AS environment, detail -> 'policy' AS policy
        FROM @ledger@.event WHERE kind = 'policyRequired' ORDER BY detail ->> 'environment', seq DESC) e
    ON e.environment = m.environment) p
WHERE p.policy IS DISTINCT FROM nullif(p.told, 'null'::jsonb)
