-- Approvals without their event, and events without their approval.
SELECT format('approval %s (%s of %s) has no event of its own: it was inserted or changed manually', a.id, a.verdict, a.db_user)
FROM @ledger@.approval a WHERE NOT @hasEvent@
UNION ALL SELECT format('approval %s, of which event %s tells, is missing', e.detail ->> 'approval', e.seq)
FROM @ledger@.event e WHERE e.kind IN ('approved', 'rejected') AND NOT EXISTS (SELECT FROM @ledger@.approval a
    WHERE a.id::text = e.detail ->> 'approval' AND a.digest = e.detail ->> 'plan')
