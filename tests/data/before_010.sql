-- Preferences in documents, as 010 finds them. After 003.
INSERT INTO platform.users (id, email, display_name, preferences_json) VALUES
    ('00000000-0000-4000-8000-000000003001', 'plain@preferences.example', 'Plain', '{"theme": "dark", "rows": 50, "beta": true}'),
    ('00000000-0000-4000-8000-000000003002', 'nested@preferences.example', 'Nested', '{"editor": {"font": "Fira", "sizes": [1, 2.5, null]}, "empty": {}}'),
    ('00000000-0000-4000-8000-000000003003', 'quotes@preferences.example', 'Quotes "O''Neill"', '{"it''s": "\"quoted\" \\ back", "größe 🥨": "ünï", "": "no key"}'),
    ('00000000-0000-4000-8000-000000003004', 'nulls@preferences.example', 'Nulls', '{"null": null, "false": false, "zero": 0}'),
    ('00000000-0000-4000-8000-000000003005', 'document-null@preferences.example', 'JSON null', 'null'),
    ('00000000-0000-4000-8000-000000003006', 'document-empty@preferences.example', 'Empty', '{}'),
    ('00000000-0000-4000-8000-000000003007', 'none@preferences.example', 'None', NULL)
ON CONFLICT DO NOTHING;

-- enough for several batches; one in seven has none
INSERT INTO platform.users (id, email, preferences_json)
SELECT md5('preference ' || n)::uuid, 'user' || n || '@preferences.example',
    CASE WHEN n % 7 > 0 THEN jsonb_build_object('theme', CASE n % 2 WHEN 0 THEN 'dark' ELSE 'light' END, 'n', n) END
FROM generate_series(1, 12000) AS n
ON CONFLICT DO NOTHING;
