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
        SELECT changeset AS id, seq, detail ? 'recorded' AS there FROM @ledger@.event WHERE changeset IS NOT NULL
        UNION ALL SELECT k.id, u.seq, true FROM upgraded u, jsonb_object_keys(
            CASE jsonb_typeof(u.detail -> 'recorded') WHEN 'object' THEN u.detail -> 'recorded' ELSE '{}' END) AS k(id)
    ) e ORDER BY id, seq DESC
),
-- the last that an event says of each changeset
told AS MATERIALIZED (
    SELECT c.id, c.status, jsonb_strip_nulls(@recorded@) AS now,
        coalesce(e.recorded, (SELECT u.detail -> 'recorded' -> n.name FROM upgraded u, unnest(n.all) AS n(name)
            WHERE u.detail -> 'recorded' ? n.name LIMIT 1)) AS was, e.kind
    FROM (SELECT * FROM @ledger@.changeset c WHERE @only@) c
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT x.was FROM names x WHERE x.id = c.id) || c.id AS all) n
    LEFT JOIN LATERAL (SELECT e.kind, e.detail -> 'recorded' AS recorded FROM @ledger@.event e
        WHERE e.changeset = ANY (n.all) ORDER BY e.seq DESC LIMIT 1) e ON true
),
happened AS (
    SELECT run, kind, changeset FROM @ledger@.event
    UNION ALL SELECT e.run, e.kind, n.id FROM @ledger@.event e JOIN names n ON n.was = e.changeset
),
compared AS (
    SELECT t.*, (SELECT jsonb_agg(x.needs ORDER BY x.needs) FROM (
        SELECT coalesce((SELECT n.id FROM names n JOIN @ledger@.changeset k USING (id) WHERE n.was = r.id LIMIT 1), r.id)
            COLLATE "C" AS needs FROM jsonb_array_elements_text(t.was -> 'requires') AS r(id)) x) AS requires
    FROM told t
)
SELECT format('the row of `%s` was changed by hand: its state, SQL or rollback is not what the history says', id)
FROM compared WHERE was ->> 'row' <> now ->> 'row'
-- an event of version 4 on holds what there is
UNION ALL SELECT format('the row of `%s` was put in by hand: its last event says that there is none', id)
FROM compared WHERE was IS NULL AND EXISTS (SELECT FROM @ledger@.event WHERE starts_with(hash, 'e2:'))
UNION ALL SELECT format('the row of `%s`, of which event %s tells, is missing', c.id, c.seq)
FROM ended c WHERE c.there AND @only@ AND NOT EXISTS (SELECT FROM @ledger@.changeset k WHERE k.id = c.id)
    AND NOT EXISTS (SELECT FROM @ledger@.event r WHERE r.kind = 'renamed' AND r.detail ->> 'from' = c.id AND r.seq > c.seq)
UNION ALL SELECT format('the edges of `%s` were changed by hand', id)
FROM compared WHERE was IS NOT NULL AND requires IS DISTINCT FROM now -> 'requires'
UNION ALL SELECT format('an earlier version of `%s` was changed by hand', id)
FROM compared WHERE was IS NOT NULL AND was ->> 'versions' IS DISTINCT FROM now ->> 'versions'
-- between its transactions a changeset keeps more without a word
UNION ALL SELECT format('what the attic keeps for `%s` was changed by hand', id)
FROM compared WHERE was IS NOT NULL AND status <> 'partly' AND was ->> 'attic' IS DISTINCT FROM now ->> 'attic'
UNION ALL SELECT format('the event by which `%s` became %s is missing', c.id, c.status)
FROM (SELECT * FROM @ledger@.changeset c WHERE @only@) c WHERE c.status <> 'partly' AND NOT EXISTS (SELECT FROM happened h WHERE h.changeset = c.id
    AND h.run = c.run AND h.kind = CASE WHEN c.status IN ('skipped', 'held') THEN 'marked' ELSE c.status END)
    AND NOT EXISTS (SELECT FROM happened h WHERE h.changeset = c.id AND h.kind IN ('marked', 'restored', 'cleared')
    AND c.status = 'applied')
UNION ALL SELECT format('`%s` is recorded as applied, and its last event says that it was rolled back', id)
FROM compared WHERE status = 'applied' AND kind = 'rolledBack'
