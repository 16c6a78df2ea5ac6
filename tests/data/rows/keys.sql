-- Foreign keys, partitions, inheritance, triggers, row security.
CREATE SCHEMA app;
CREATE TABLE app.tenants (id int PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE app.users (tenant_id int NOT NULL REFERENCES app.tenants, id uuid NOT NULL, PRIMARY KEY (tenant_id, id));
CREATE TABLE app.projects (tenant_id int NOT NULL REFERENCES app.tenants, code text NOT NULL CHECK (code ~ '^[A-Z]+$'), PRIMARY KEY (tenant_id, code));
CREATE TABLE app.members (
    tenant_id int NOT NULL, user_id uuid NOT NULL, project text NOT NULL, PRIMARY KEY (tenant_id, user_id, project),
    FOREIGN KEY (tenant_id, user_id) REFERENCES app.users, FOREIGN KEY (tenant_id, project) REFERENCES app.projects
);
CREATE TABLE app.maybe (
    id serial PRIMARY KEY, tenant_id int, user_id uuid,
    FOREIGN KEY (tenant_id, user_id) REFERENCES app.users MATCH FULL
);
CREATE TABLE app.single (user_tenant int, user_id uuid, PRIMARY KEY (user_tenant, user_id), FOREIGN KEY (user_tenant, user_id) REFERENCES app.users ON DELETE CASCADE);
CREATE TABLE app.tree (id int PRIMARY KEY, parent int REFERENCES app.tree);
CREATE TABLE app.loop (id int PRIMARY KEY, next int NOT NULL REFERENCES app.loop);
CREATE TABLE app.hen (id int PRIMARY KEY, egg int);
CREATE TABLE app.egg (id int PRIMARY KEY, hen int NOT NULL REFERENCES app.hen);
ALTER TABLE app.hen ADD FOREIGN KEY (egg) REFERENCES app.egg;
CREATE TABLE app.left_hand (id int PRIMARY KEY, other int NOT NULL);
CREATE TABLE app.right_hand (id int PRIMARY KEY, other int NOT NULL REFERENCES app.left_hand DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE app.left_hand ADD CONSTRAINT hands FOREIGN KEY (other) REFERENCES app.right_hand DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE app.late (id int PRIMARY KEY, tenant int NOT NULL REFERENCES app.tenants DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE app.checked (id serial PRIMARY KEY, tenant int REFERENCES app.tenants, name text, CHECK ((tenant IS NULL) <> (name IS NULL)));

CREATE TABLE app.by_list (id int, land text NOT NULL, PRIMARY KEY (id, land)) PARTITION BY LIST (land);
CREATE TABLE app.by_list_de PARTITION OF app.by_list FOR VALUES IN ('de', 'at');
CREATE TABLE app.by_list_fr PARTITION OF app.by_list FOR VALUES IN ('fr');
CREATE TABLE app.by_list_xx PARTITION OF app.by_list DEFAULT;
CREATE TABLE app.by_range (id int, at timestamptz NOT NULL, note text) PARTITION BY RANGE (at);
CREATE TABLE app.by_range_1 PARTITION OF app.by_range FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE app.by_range_2 PARTITION OF app.by_range FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY LIST (note);
CREATE TABLE app.by_range_2a PARTITION OF app.by_range_2 FOR VALUES IN ('a', NULL);
CREATE TABLE app.by_hash (id int PRIMARY KEY, tenant int NOT NULL REFERENCES app.tenants) PARTITION BY HASH (id);
CREATE TABLE app.by_hash_0 PARTITION OF app.by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE app.by_hash_1 PARTITION OF app.by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE app.by_hash_2 PARTITION OF app.by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TABLE app.by_none (id int) PARTITION BY LIST (id);
CREATE TABLE app.to_part (id int PRIMARY KEY, part int REFERENCES app.by_hash);

CREATE TABLE app.animals (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE app.dogs (legs int NOT NULL CHECK (legs > 2)) INHERITS (app.animals);

CREATE TABLE app.log (what text NOT NULL);
CREATE TABLE app.logged (id serial PRIMARY KEY, name text);
CREATE FUNCTION app.log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.log VALUES (NEW.name || ' is new'); RETURN NULL; END $$;
CREATE TRIGGER log AFTER INSERT ON app.logged FOR EACH ROW WHEN (NEW.name IS NOT NULL) EXECUTE FUNCTION app.log();
CREATE TABLE app.guarded (id serial PRIMARY KEY);
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'only the importer writes here'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON app.guarded FOR EACH ROW EXECUTE FUNCTION app.refuse();
CREATE TABLE app.swallowed (id serial PRIMARY KEY);
CREATE FUNCTION app.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON app.swallowed FOR EACH ROW EXECUTE FUNCTION app.swallow();
CREATE TABLE app.needs_guarded (id serial PRIMARY KEY, guarded int NOT NULL REFERENCES app.guarded);
CREATE TABLE app.secret (id serial PRIMARY KEY, owner text NOT NULL);
ALTER TABLE app.secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.secret FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON app.secret USING (owner = current_user);
CREATE VIEW app.view AS SELECT * FROM app.log;
CREATE TABLE app.never (id int PRIMARY KEY, n int NOT NULL CHECK (n > 5), CHECK (n < 5));
