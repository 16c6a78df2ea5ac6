-- The old platform's users, as 003 finds them. After 001 and 002.
INSERT INTO platform.organizations (id, name, slug, billing_email) VALUES
    ('00000000-0000-4000-8000-000000000001', 'Acme', 'acme', 'billing@acme.example'),
    ('00000000-0000-4000-8000-000000000002', 'Bäckerei "Zum Löwen"', 'zum-loewen', NULL),
    ('00000000-0000-4000-8000-000000000003', 'O''Hara & Sons', 'ohara', 'o''hara@ohara.example')
ON CONFLICT DO NOTHING;

INSERT INTO platform.projects (id, name, ref, organization_id, region) VALUES
    ('00000000-0000-4000-8000-000000000101', 'Shop', 'acmeshop00000001', '00000000-0000-4000-8000-000000000001', 'eu-central-1'),
    ('00000000-0000-4000-8000-000000000102', 'Brot', 'loewenbrot000001', '00000000-0000-4000-8000-000000000002', 'eu-west-1')
ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS public.legacy_users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    password_hash text,
    name text,
    organization_slug text,
    role text,
    preferences jsonb,
    created_at timestamptz NOT NULL
);

INSERT INTO public.legacy_users VALUES
    ('00000000-0000-4000-8000-000000001001', 'ann@acme.example', '$2b$12$abcdefghijklmnopqrstuv', 'Ann', 'acme', 'owner',
     '{"theme": "dark", "rows": 50}', '2021-01-01 08:00:00+00'),
    -- the same person, written differently, in another organization
    ('00000000-0000-4000-8000-000000001002', ' Ann@ACME.example', '$2b$12$anotherhash', 'Ann A.', 'zum-loewen', ' Admin ',
     '{"theme": "light"}', '2022-06-01 08:00:00+00'),
    -- twice in one organization
    ('00000000-0000-4000-8000-000000001003', 'bob@acme.example', NULL, 'Bob "the builder" O''Neill', 'acme', 'viewer',
     NULL, '2021-02-01 08:00:00+00'),
    ('00000000-0000-4000-8000-000000001004', 'BOB@acme.example', NULL, 'Bob', 'acme', 'MEMBER',
     'null', '2021-03-01 08:00:00+00'),
    -- no role, no organization, no name
    ('00000000-0000-4000-8000-000000001005', 'zoë@zum-loewen.example', 'x', 'Zoë Ünal 🥨', 'zum-loewen', NULL,
     '{"sprache": "de", "größe": {"a": [1, null, "\"quoted\""]}}', '2021-04-01 08:00:00+00'),
    ('00000000-0000-4000-8000-000000001006', 'alone@nowhere.example', 'y', NULL, NULL, NULL, '{}', '2021-05-01 08:00:00+00'),
    ('00000000-0000-4000-8000-000000001007', 'o''hara@ohara.example', 'z', 'Scarlett O''Hara; DROP TABLE users; --', 'ohara', 'Owner',
     '{"motto": "it''s \\ fine"}', '2021-06-01 08:00:00+00')
ON CONFLICT DO NOTHING;
