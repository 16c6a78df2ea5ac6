-- What the events of changesets (those for which @only@ holds) found of them one after the other: a line
-- for each thing that none of them can have done. An event holds what is there when it is written,
-- whoever wrote that; so one that changes nothing must find what the one before it found, and what is
-- there now must be the work of whom the row names.
WITH RECURSIVE renamed AS MATERIALIZED (
    SELECT changeset AS id, detail ->> 'from' AS was FROM @ledger@.event WHERE kind = 'renamed'
),
names(id, was) AS (SELECT id, was FROM renamed UNION SELECT n.id, r.was FROM names n JOIN renamed r ON r.id = n.was),
upgraded AS MATERIALIZED (
    SELECT seq, detail -> 'recorded' AS recorded FROM @ledger@.event WHERE kind = 'upgraded' AND detail ? 'recorded' ORDER BY seq LIMIT 1
),
subject AS MATERIALIZED (
    SELECT c.id, ARRAY(SELECT x.was FROM names x WHERE x.id = c.id) || c.id AS names, c.status, c.run, c.applied_by,
        -- before its rollback began
        CASE c.status WHEN 'partly' THEN (SELECT (@recorded@) ->> 'row' FROM jsonb_populate_record(c, '{"status": "applied"}') c)
            END AS before
    FROM @ledger@.changeset c WHERE @only@
    UNION ALL SELECT c.id, ARRAY[c.id], NULL, NULL, NULL, NULL
    FROM (SELECT DISTINCT changeset AS id FROM @ledger@.event WHERE changeset IS NOT NULL) c
    WHERE @only@ AND NOT EXISTS (SELECT FROM @ledger@.changeset k WHERE k.id = c.id)
),
found AS MATERIALIZED (
    SELECT s.id, e.seq, e.kind, e.run, e.db_user, e.recorded,
        coalesce(lag(e.recorded) OVER w, CASE row_number() OVER w WHEN 1 THEN '{}'::jsonb END) AS last,
        -- between the transactions of a changeset the attic keeps more without a word
        max(e.seq) FILTER (WHERE e.kind IN ('begun', 'rollbackBegun')) OVER b
            > coalesce(max(e.seq) FILTER (WHERE e.kind IN ('applied', 'rolledBack', 'restored', 'marked', 'cleared')) OVER b, 0) AS open
    FROM subject s CROSS JOIN LATERAL (
        SELECT x.seq, x.kind, x.run, x.db_user,
            CASE WHEN starts_with(x.hash, 'e2:') THEN coalesce(x.detail -> 'recorded', '{}') END AS recorded
        FROM @ledger@.event x WHERE x.changeset = ANY (s.names)
        UNION ALL SELECT u.seq, 'upgraded', NULL, NULL,
            coalesce((SELECT u.recorded -> n FROM unnest(s.names) AS n WHERE u.recorded ? n LIMIT 1), '{}')
        FROM upgraded u
    ) e
    WINDOW w AS (PARTITION BY s.id ORDER BY e.seq),
        b AS (PARTITION BY s.id ORDER BY e.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
-- what was cleared was looked at
changed AS MATERIALIZED (
    SELECT f.*, f.recorded ->> 'row' AS row, f.recorded -> 'row' IS DISTINCT FROM f.last -> 'row' AS is_row,
        f.recorded -> 'versions' IS DISTINCT FROM f.last -> 'versions' AS is_versions,
        f.recorded -> 'attic' IS DISTINCT FROM f.last -> 'attic' AS is_attic
    FROM found f LEFT JOIN (SELECT id, max(seq) AS seq FROM found WHERE kind = 'cleared' GROUP BY 1) c USING (id)
    WHERE f.recorded IS NOT NULL AND f.last IS NOT NULL AND f.seq >= coalesce(c.seq, 0)
),
-- the event that the row is of, but for the beginning of its rollback
made AS (
    SELECT DISTINCT ON (id) * FROM changed WHERE is_row AND row IS NOT NULL AND kind <> 'rollbackBegun' ORDER BY id, seq DESC
),
-- the last event that says what the changeset is
state AS (
    SELECT DISTINCT ON (id) * FROM changed WHERE kind IN ('begun', 'applied', 'rollbackBegun', 'rolledBack', 'restored', 'marked', 'cleared')
    ORDER BY id, seq DESC
)
SELECT format('the row of `%s` was changed manually before event %s, `%s` by %s', id, seq, kind, db_user) FROM changed
WHERE is_row AND kind NOT IN ('upgraded', 'begun', 'applied', 'failed', 'rollbackBegun', 'rolledBack', 'restored', 'marked', 'cleared', 'renamed')
UNION ALL SELECT format('an earlier version of `%s` was changed manually before event %s, `%s` by %s', id, seq, kind, db_user) FROM changed
WHERE is_versions AND kind NOT IN ('upgraded', 'begun', 'applied', 'rolledBack', 'restored', 'marked', 'cleared', 'renamed')
UNION ALL SELECT format('what the attic keeps for `%s` was changed manually before event %s, `%s` by %s', id, seq, kind, db_user) FROM changed
WHERE kind NOT IN ('upgraded', 'applied', 'rolledBack', 'restored', 'marked', 'cleared', 'renamed', 'purged', 'atticRestored')
    AND is_attic AND NOT coalesce(open, false)
UNION ALL SELECT format('the row of `%s` was changed manually before event %s, `%s` by %s', s.id, m.seq, m.kind, m.db_user)
FROM subject s JOIN made m USING (id)
    LEFT JOIN (SELECT id, max(seq) AS seq FROM changed WHERE kind = 'rollbackBegun' AND is_row GROUP BY 1) b USING (id)
WHERE s.status IS NOT NULL AND (CASE m.kind WHEN 'failed' THEN s.status <> 'failed' OR m.run IS DISTINCT FROM s.run OR m.db_user <> s.applied_by
    WHEN 'restored' THEN NOT EXISTS (SELECT FROM found f WHERE f.id = s.id AND f.seq < m.seq AND f.recorded ->> 'row' = m.row)
        -- of which the texts changed since, or no event knows the row
        AND NOT EXISTS (SELECT FROM found f WHERE f.id = s.id AND (f.kind IN ('renamed', 'marked', 'cleared')
            OR f.kind = 'upgraded' AND f.recorded ? 'versions'))
    ELSE false END
    OR (s.status = 'partly' AND b.seq > m.seq AND m.row IS DISTINCT FROM s.before))
UNION ALL SELECT format('the row of `%s` does not fit event %s, `%s` by %s: it is of %s and was made by %s', s.id, e.seq, e.kind, e.db_user,
    s.status, s.applied_by)
FROM subject s JOIN state e USING (id)
WHERE s.status IS NOT NULL AND CASE
    WHEN e.kind IN ('applied', 'marked') THEN s.status <> 'failed' AND (e.run IS DISTINCT FROM s.run OR e.db_user <> s.applied_by)
    WHEN e.kind = 'restored' THEN NOT e.is_row
    WHEN e.kind IN ('begun', 'rollbackBegun') THEN s.status NOT IN ('partly', 'failed')
    ELSE false END
