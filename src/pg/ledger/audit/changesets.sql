-- What the ledger has of changesets (those for which @only@ holds), compared with what the events say of
-- them: a line for each thing that does not fit. What was recorded under an earlier id has its events
-- under that.
WITH RECURSIVE renamed AS MATERIALIZED (
    SELECT changeset AS id, detail ->> 'from' AS was FROM @ledger@.event WHERE kind = 'renamed'
),
names(id, was) AS (SELECT id, was FROM renamed UNION SELECT n.id, r.was FROM names n JOIN renamed r ON r.id = n.was),
upgraded AS MATERIALIZED (
    SELECT seq, detail FROM @ledger@.event WHERE kind = 'upgraded' AND detail ? 'recorded' ORDER BY seq LIMIT 1
),
-- the last word of each id: whether it had a row then
ended AS (
    SELECT DISTINCT ON (id) id, seq, there FROM (
        SELECT changeset AS id, seq, detail #> '{recorded,row}' IS NOT NULL AS there FROM @ledger@.event WHERE changeset IS NOT NULL
        UNION ALL SELECT k.id, u.seq, k.recorded ? 'row' FROM upgraded u, jsonb_each(
            CASE jsonb_typeof(u.detail -> 'recorded') WHEN 'object' THEN u.detail -> 'recorded' ELSE '{}' END) AS k(id, recorded)
    ) e ORDER BY id, seq DESC
),
-- the last that an event says of each changeset; of one without a row it says what the attic keeps.
-- `+ 0`: by the index of changesets, and not backwards along all events until one is found
told AS MATERIALIZED (
    SELECT c.id, c.status, jsonb_strip_nulls(@recorded@) AS now,
        coalesce(CASE WHEN e.recorded ? 'row' THEN e.recorded END, (SELECT u.detail -> 'recorded' -> n.name FROM upgraded u, unnest(n.all) AS n(name)
            WHERE u.detail -> 'recorded' -> n.name ? 'row' LIMIT 1)) AS was,
        -- what the attic keeps says nothing of the changeset itself
        (SELECT x.kind FROM @ledger@.event x WHERE x.changeset = ANY (n.all)
            AND x.kind NOT IN ('purged', 'purgeFailed', 'atticRestored', 'atticRestoreFailed') ORDER BY x.seq + 0 DESC LIMIT 1) AS kind
    FROM (SELECT * FROM @ledger@.changeset c WHERE @only@) c
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT x.was FROM names x WHERE x.id = c.id) || c.id AS all) n
    LEFT JOIN LATERAL (SELECT e.detail -> 'recorded' AS recorded FROM @ledger@.event e
        WHERE e.changeset = ANY (n.all) ORDER BY e.seq + 0 DESC LIMIT 1) e ON true
),
happened AS (
    SELECT run, kind, changeset FROM @ledger@.event
    UNION ALL SELECT e.run, e.kind, n.id FROM @ledger@.event e JOIN names n ON n.was = e.changeset
),
-- changesets that are not here any more, and what the attic keeps for them
gone AS (
    SELECT x.id FROM (SELECT changeset FROM @ledger@.attic WHERE restored_at IS NULL AND purged_at IS NULL
        UNION SELECT changeset FROM @ledger@.event WHERE changeset IS NOT NULL AND detail #> '{recorded,attic}' IS NOT NULL) x(id)
    WHERE NOT EXISTS (SELECT FROM @ledger@.changeset c WHERE c.id = x.id)
),
left_behind AS (
    SELECT c.id, @keptFor@ AS now, e.hash, CASE WHEN NOT starts_with(e.hash, 'e2:') OR e.hash IS NULL
        THEN (SELECT u.detail -> 'recorded' -> c.id ->> 'attic' FROM upgraded u)
        -- what was recorded under an earlier id went with the new one
        WHEN e.changeset = c.id THEN e.detail #>> '{recorded,attic}' END AS was
    FROM (SELECT * FROM gone c WHERE @only@) c
    LEFT JOIN LATERAL (SELECT e.hash, e.changeset, e.detail FROM @ledger@.event e WHERE e.changeset = c.id
        OR (e.kind = 'renamed' AND e.detail ->> 'from' = c.id) ORDER BY e.seq + 0 DESC LIMIT 1) e ON true
),
compared AS (
    SELECT t.*, (SELECT jsonb_agg(x.needs ORDER BY x.needs) FROM (
        SELECT coalesce((SELECT n.id FROM names n JOIN @ledger@.changeset k USING (id) WHERE n.was = r.id LIMIT 1), r.id)
            COLLATE "C" AS needs FROM jsonb_array_elements_text(t.was -> 'requires') AS r(id)) x) AS requires
    FROM told t
)
SELECT format('the row of `%s` was changed manually: its state, SQL or rollback is not what the history says', id)
FROM compared WHERE was ->> 'row' <> now ->> 'row'
-- an event of version 4 on holds what there is
UNION ALL SELECT format('the row of `%s` was inserted manually: its last event says that there is none', id)
FROM compared WHERE was IS NULL AND EXISTS (SELECT FROM @ledger@.event WHERE starts_with(hash, 'e2:'))
UNION ALL SELECT format('the row of `%s`, of which event %s tells, is missing', c.id, c.seq)
FROM ended c WHERE c.there AND @only@ AND NOT EXISTS (SELECT FROM @ledger@.changeset k WHERE k.id = c.id)
    AND NOT EXISTS (SELECT FROM @ledger@.event r WHERE r.kind = 'renamed' AND r.detail ->> 'from' = c.id AND r.seq > c.seq)
UNION ALL SELECT format('the edges of `%s` were changed manually', id)
FROM compared WHERE was IS NOT NULL AND requires IS DISTINCT FROM now -> 'requires'
UNION ALL SELECT format('an earlier version of `%s` was changed manually', id)
FROM compared WHERE was IS NOT NULL AND was ->> 'versions' IS DISTINCT FROM now ->> 'versions'
-- between its transactions a changeset keeps more without a word
UNION ALL SELECT format('what the attic keeps for `%s` was changed manually', id)
FROM compared WHERE was IS NOT NULL AND status <> 'partly' AND was ->> 'attic' IS DISTINCT FROM now ->> 'attic'
UNION ALL SELECT format('what the attic keeps for `%s`, which is not applied here, was changed manually', id)
FROM left_behind WHERE was IS DISTINCT FROM now AND (starts_with(hash, 'e2:') OR EXISTS (SELECT FROM upgraded)
    OR (hash IS NULL AND EXISTS (SELECT FROM @ledger@.event e WHERE starts_with(e.hash, 'e2:'))))
UNION ALL SELECT format('the event by which `%s` became %s is missing', c.id, c.status)
FROM (SELECT * FROM @ledger@.changeset c WHERE @only@) c WHERE c.status <> 'partly' AND NOT EXISTS (SELECT FROM happened h WHERE h.changeset = c.id
    AND h.run = c.run AND h.kind = CASE WHEN c.status IN ('skipped', 'held') THEN 'marked' ELSE c.status END)
    AND NOT EXISTS (SELECT FROM happened h WHERE h.changeset = c.id AND h.kind IN ('marked', 'restored', 'cleared')
    AND c.status = 'applied')
UNION ALL SELECT format('`%s` is recorded as applied, and its last event says that it was rolled back', id)
FROM compared WHERE status = 'applied' AND kind = 'rolledBack'
