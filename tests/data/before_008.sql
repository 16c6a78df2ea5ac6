-- Members, as 008 finds them. After 003.
INSERT INTO platform.organizations (id, name, slug) VALUES
    ('00000000-0000-4000-8000-000000000011', 'Early', 'early'),
    ('00000000-0000-4000-8000-000000000012', 'Late', 'late'),
    ('00000000-0000-4000-8000-000000000013', 'Ünïcode', 'unicode')
ON CONFLICT DO NOTHING;

INSERT INTO platform.users (id, email, display_name) VALUES
    ('00000000-0000-4000-8000-000000002001', 'one@members.example', 'One'),
    ('00000000-0000-4000-8000-000000002002', 'several@members.example', 'Several O''Clock'),
    ('00000000-0000-4000-8000-000000002003', 'tie@members.example', 'Tie'),
    ('00000000-0000-4000-8000-000000002004', 'none@members.example', NULL)
ON CONFLICT DO NOTHING;

INSERT INTO platform.organization_members (organization_id, user_id, joined_at) VALUES
    ('00000000-0000-4000-8000-000000000011', '00000000-0000-4000-8000-000000002001', '2022-01-01 00:00:00+00'),
    -- joined the later organization of the alphabet first
    ('00000000-0000-4000-8000-000000000012', '00000000-0000-4000-8000-000000002002', '2022-01-01 00:00:00+00'),
    ('00000000-0000-4000-8000-000000000011', '00000000-0000-4000-8000-000000002002', '2023-01-01 00:00:00+00'),
    ('00000000-0000-4000-8000-000000000013', '00000000-0000-4000-8000-000000002002', '2024-01-01 00:00:00+00'),
    -- two at the same moment
    ('00000000-0000-4000-8000-000000000013', '00000000-0000-4000-8000-000000002003', '2022-05-05 05:05:05+00'),
    ('00000000-0000-4000-8000-000000000012', '00000000-0000-4000-8000-000000002003', '2022-05-05 05:05:05+00')
ON CONFLICT DO NOTHING;

INSERT INTO platform.user_roles (user_id, organization_id, role)
SELECT m.user_id, m.organization_id, CASE WHEN m.organization_id::text LIKE '%12' THEN 'owner' ELSE 'member' END
FROM platform.organization_members m
ON CONFLICT DO NOTHING;

-- enough for several batches
INSERT INTO platform.users (id, email, display_name)
SELECT md5('member ' || n)::uuid, 'member' || n || '@members.example', 'Member ' || n
FROM generate_series(1, 12000) AS n
ON CONFLICT DO NOTHING;

INSERT INTO platform.organization_members (organization_id, user_id, joined_at)
SELECT o.id, md5('member ' || n)::uuid, '2023-01-01 00:00:00+00'::timestamptz + n * interval '1 minute' + o.later
FROM generate_series(1, 12000) AS n
CROSS JOIN (VALUES
    ('00000000-0000-4000-8000-000000000011'::uuid, interval '0', 1),
    ('00000000-0000-4000-8000-000000000012'::uuid, interval '1 day', 3)) AS o (id, later, every)
WHERE n % o.every = 0
ON CONFLICT DO NOTHING;

INSERT INTO platform.user_roles (user_id, organization_id, role)
SELECT m.user_id, m.organization_id, 'member' FROM platform.organization_members m
ON CONFLICT DO NOTHING;
