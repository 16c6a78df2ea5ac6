CREATE SCHEMA tree

CREATE TABLE tree.log (id bigint NOT NULL, at date NOT NULL DEFAULT '2020-01-01', region text, note text, CONSTRAINT told CHECK (note <> '')) PARTITION BY RANGE (at)

CREATE TABLE tree.log_2020 PARTITION OF tree.log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')

CREATE TABLE tree.log_2021 PARTITION OF tree.log (note DEFAULT 'none', region NOT NULL, CONSTRAINT positive CHECK (id > 0)) FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (region)

CREATE TABLE tree.log_2021_eu PARTITION OF tree.log_2021 FOR VALUES IN ('de', 'fr')

CREATE TABLE tree.log_2021_other PARTITION OF tree.log_2021 DEFAULT WITH (fillfactor = 80)

-- it has other columns in another order
CREATE TABLE tree.old (note text, gone int, at date NOT NULL, region text COLLATE "C" DEFAULT 'x', id bigint NOT NULL, CONSTRAINT told CHECK (note <> ''))

ALTER TABLE tree.old DROP gone, ALTER region TYPE text COLLATE "default"

ALTER TABLE tree.log ATTACH PARTITION tree.old DEFAULT

ALTER TABLE tree.log ALTER region SET DEFAULT 'y'

ALTER TABLE ONLY tree.log_2020 ALTER region DROP DEFAULT

ALTER TABLE tree.log ALTER note SET STORAGE external

ALTER TABLE tree.log_2020 ALTER note SET STORAGE main

CREATE INDEX log_note ON tree.log (note)

ALTER INDEX tree.log_2020_note_idx RENAME TO notes_2020

CREATE INDEX log_2020_region ON tree.log_2020 (region)

CREATE INDEX log_id ON ONLY tree.log (id)

CREATE INDEX one_of_many ON tree.log_2020 (id)

ALTER INDEX tree.log_id ATTACH PARTITION tree.one_of_many

ALTER TABLE tree.log_2020 ADD CONSTRAINT own_key UNIQUE (id, at)

ALTER TABLE tree.log ADD CONSTRAINT log_key PRIMARY KEY (id, at, region) WITH (fillfactor = 70)

COMMENT ON CONSTRAINT log_2020_pkey ON tree.log_2020 IS 'a key of a partition'

COMMENT ON INDEX tree.notes_2020 IS 'an index of a partition'

COMMENT ON COLUMN tree.log_2020.note IS 'a column of a partition'

CREATE TABLE tree.entry (id bigint, at date, region text, CONSTRAINT of_log FOREIGN KEY (id, at, region) REFERENCES tree.log)

CREATE TABLE tree.parted (id int, entry bigint, at date, region text) PARTITION BY HASH (id)

CREATE TABLE tree.parted_0 PARTITION OF tree.parted FOR VALUES WITH (MODULUS 2, REMAINDER 0)

CREATE TABLE tree.parted_1 (region text, at date, id int, entry bigint, CONSTRAINT own_name FOREIGN KEY (entry, at, region) REFERENCES tree.log)

ALTER TABLE tree.parted ADD CONSTRAINT of_entry FOREIGN KEY (entry, at, region) REFERENCES tree.log ON DELETE CASCADE

ALTER TABLE tree.parted_1 DROP CONSTRAINT own_name; ALTER TABLE tree.parted_1 ADD CONSTRAINT own_name FOREIGN KEY (entry, at, region) REFERENCES tree.log ON DELETE CASCADE

ALTER TABLE tree.parted ATTACH PARTITION tree.parted_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)

ALTER TABLE tree.log ADD CONSTRAINT early CHECK (at > '2000-01-01') NOT VALID

ALTER TABLE tree.log_2020 VALIDATE CONSTRAINT early

ALTER TABLE tree.log_2021 ADD CONSTRAINT late CHECK (id < 1000)

CREATE FUNCTION tree.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'

CREATE TRIGGER touch BEFORE INSERT ON tree.log FOR EACH ROW EXECUTE FUNCTION tree.touch()

ALTER TABLE tree.log_2021 DISABLE TRIGGER touch

ALTER TABLE tree.log_2021_eu ENABLE ALWAYS TRIGGER touch

CREATE INDEX parted_region ON tree.parted (region, (lower(region)))

ALTER TABLE tree.parted_0 ALTER entry SET NOT NULL

CREATE UNIQUE INDEX parted_1_id ON tree.parted_1 (id) INCLUDE (region)

ALTER TABLE tree.parted_1 ALTER id SET NOT NULL, REPLICA IDENTITY FULL

GRANT SELECT ON tree.log_2020 TO inspect_reader

ALTER TABLE tree.log_2020 OWNER TO inspect_owner

-- not in a dump
ALTER TABLE tree.entry DISABLE TRIGGER ALL

-- not in a dump
ALTER TABLE tree.entry ENABLE TRIGGER ALL

ALTER TABLE tree.log DETACH PARTITION tree.log_2020

DROP INDEX tree.log_note

ALTER TABLE tree.log DROP CONSTRAINT early

DROP TABLE tree.log CASCADE

CREATE TABLE tree.animal (id int NOT NULL, name text DEFAULT 'it', CONSTRAINT named CHECK (name <> ''), CONSTRAINT young CHECK (id < 9) NO INHERIT)

CREATE TABLE tree.dog (bark text) INHERITS (tree.animal)

CREATE TABLE tree.pet (name text DEFAULT 'it', owner text NOT NULL)

CREATE TABLE tree.cat (name text DEFAULT 'cat', lives int, CONSTRAINT named CHECK (name <> '')) INHERITS (tree.animal, tree.pet)

ALTER TABLE tree.animal ADD weight numeric(6, 2) DEFAULT 1

ALTER TABLE tree.dog ALTER weight SET DEFAULT 2

ALTER TABLE tree.dog ALTER name DROP DEFAULT

ALTER TABLE tree.animal ADD CONSTRAINT heavy CHECK (weight < 5000) NOT VALID

-- not in a dump
ALTER TABLE tree.dog VALIDATE CONSTRAINT heavy

-- the columns of its parent are not the first
CREATE TABLE tree.fish (fins int, name text, id int NOT NULL, weight numeric(6, 2), CONSTRAINT named CHECK (name <> ''), CONSTRAINT heavy CHECK (weight < 5000)); ALTER TABLE tree.fish INHERIT tree.animal

CREATE TABLE tree.puppy (age int) INHERITS (tree.dog)

CREATE INDEX dog_bark ON tree.dog (bark)

ALTER TABLE tree.animal ALTER name SET NOT NULL

ALTER TABLE tree.puppy ALTER bark SET NOT NULL

ALTER TABLE tree.dog ALTER name SET STORAGE external

CREATE TABLE tree.bird () INHERITS (tree.animal)

ALTER TABLE tree.bird NO INHERIT tree.animal

CREATE PUBLICATION animals FOR TABLE ONLY tree.animal, tree.pet

CREATE TYPE tree.kind AS (a int, b text COLLATE "C", c date)

CREATE TABLE tree.typed OF tree.kind (a WITH OPTIONS DEFAULT 1 NOT NULL, CONSTRAINT more CHECK (a > 0), PRIMARY KEY (b))

CREATE TABLE tree.typed_plainly OF tree.kind

ALTER TABLE tree.typed ALTER c SET DEFAULT '2020-01-01'

CREATE FOREIGN DATA WRAPPER nothing

CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing

CREATE TABLE tree.far (id int, note text) PARTITION BY LIST (id)

CREATE FOREIGN TABLE tree.far_1 PARTITION OF tree.far FOR VALUES IN (1) SERVER nowhere OPTIONS (a 'b')

CREATE FOREIGN TABLE tree.far_2 (id int, note text OPTIONS (c 'd')) SERVER nowhere

ALTER TABLE tree.far ATTACH PARTITION tree.far_2 FOR VALUES IN (2)

CREATE FOREIGN TABLE tree.ox (horns int) INHERITS (tree.pet) SERVER nowhere

ALTER FOREIGN TABLE tree.ox ADD CONSTRAINT two CHECK (horns = 2)

-- since 17
CREATE TABLE tree.numbered (id int GENERATED ALWAYS AS IDENTITY (START 10), kind int) PARTITION BY LIST (kind)

-- since 17
CREATE TABLE tree.numbered_1 PARTITION OF tree.numbered FOR VALUES IN (1)

-- since 17
CREATE TABLE tree.numbered_2 (kind int, id int NOT NULL); ALTER TABLE tree.numbered ATTACH PARTITION tree.numbered_2 FOR VALUES IN (2)

-- since 18
CREATE TABLE tree.named (a int CONSTRAINT a_there NOT NULL, b int CONSTRAINT b_here NOT NULL NO INHERIT, c int)

-- since 18
CREATE TABLE tree.named_child (CONSTRAINT own_a NOT NULL a) INHERITS (tree.named)

-- since 18
ALTER TABLE tree.named ADD CONSTRAINT c_some_day NOT NULL c NOT VALID

-- since 18
COMMENT ON CONSTRAINT a_there ON tree.named IS 'always there'

-- since 18
ALTER TABLE tree.named VALIDATE CONSTRAINT c_some_day

-- since 18
ALTER TABLE tree.named ALTER CONSTRAINT b_here INHERIT

-- since 18
CREATE TABLE tree.split (a int CONSTRAINT some_a NOT NULL, b int) PARTITION BY LIST (a)

-- since 18
CREATE TABLE tree.split_1 (b int CONSTRAINT some_b NOT NULL, a int CONSTRAINT my_a NOT NULL); ALTER TABLE tree.split ATTACH PARTITION tree.split_1 FOR VALUES IN (1)

-- since 18
CREATE TABLE tree.split_2 PARTITION OF tree.split (b CONSTRAINT there NOT NULL) FOR VALUES IN (2)

DROP TABLE tree.animal CASCADE

DROP SCHEMA tree CASCADE
