CREATE EXTENSION citext

CREATE TABLE c (a citext, b text DEFAULT 'x'::citext)

CREATE SCHEMA ext

ALTER EXTENSION citext SET SCHEMA ext

CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'

ALTER EXTENSION citext ADD FUNCTION mine()

ALTER EXTENSION citext DROP FUNCTION mine()

ALTER FUNCTION mine() DEPENDS ON EXTENSION citext

COMMENT ON EXTENSION citext IS 'other'

REVOKE EXECUTE ON FUNCTION ext.citextin(cstring) FROM PUBLIC

-- nothing
GRANT EXECUTE ON FUNCTION ext.citextin(cstring) TO inspect_reader; REVOKE EXECUTE ON FUNCTION ext.citextin(cstring) FROM inspect_reader

GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() TO inspect_reader

CREATE EXTENSION file_fdw

CREATE SERVER files FOREIGN DATA WRAPPER file_fdw

ALTER SERVER files VERSION '2'

CREATE FOREIGN TABLE lines (a text OPTIONS (force_not_null 'true')) SERVER files OPTIONS (filename '/dev/null')

ALTER FOREIGN TABLE lines OPTIONS (ADD header 'false')

ALTER FOREIGN TABLE lines ALTER a OPTIONS (SET force_not_null 'false')

CREATE FOREIGN DATA WRAPPER own OPTIONS (debug 'true')

ALTER FOREIGN DATA WRAPPER own OPTIONS (SET debug 'false')

CREATE SERVER far TYPE 'x' FOREIGN DATA WRAPPER own OPTIONS (host 'h', password 'secret')

ALTER SERVER far OPTIONS (SET host 'i')

CREATE USER MAPPING FOR inspect_reader SERVER far OPTIONS (user 'u')

ALTER USER MAPPING FOR inspect_reader SERVER far OPTIONS (ADD password 'p')

GRANT USAGE ON FOREIGN SERVER far TO inspect_reader

GRANT USAGE ON FOREIGN DATA WRAPPER own TO inspect_reader

ALTER SERVER far RENAME TO farther

CREATE FOREIGN DATA WRAPPER handled VALIDATOR postgresql_fdw_validator

CREATE SERVER near TYPE 'odd''s' VERSION '1' FOREIGN DATA WRAPPER handled OPTIONS (host 'it''s', dbname 'd')

CREATE USER MAPPING FOR CURRENT_USER SERVER near

COMMENT ON SERVER near IS 'near'

COMMENT ON FOREIGN DATA WRAPPER handled IS 'handled'

ALTER FOREIGN DATA WRAPPER handled NO VALIDATOR

ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO inspect_reader

ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC

ALTER DEFAULT PRIVILEGES IN SCHEMA ext GRANT EXECUTE ON FUNCTIONS TO inspect_reader

ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM inspect_reader, PUBLIC

CREATE TABLE pub (id int PRIMARY KEY, a text)

CREATE PUBLICATION news FOR TABLE pub

ALTER PUBLICATION news SET (publish = 'insert')

ALTER PUBLICATION news ADD TABLE c

ALTER PUBLICATION news DROP TABLE c

ALTER TABLE pub RENAME TO pub2

ALTER PUBLICATION news OWNER TO CURRENT_USER; ALTER PUBLICATION news RENAME TO olds

COMMENT ON PUBLICATION olds IS 'old'

-- since 15
ALTER PUBLICATION olds ADD TABLES IN SCHEMA ext

-- since 15
CREATE PUBLICATION few FOR TABLE pub2 (id) WHERE (id > 1)

CREATE PUBLICATION everything FOR ALL TABLES

CREATE FUNCTION noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'

CREATE EVENT TRIGGER notice ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION noticed()

ALTER EVENT TRIGGER notice DISABLE

COMMENT ON EVENT TRIGGER notice IS 'notice'

GRANT USAGE ON SCHEMA ext TO inspect_reader

COMMENT ON SCHEMA ext IS 'extensions'

ALTER SCHEMA ext OWNER TO inspect_owner

-- not in a dump
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''2MB''', current_database()); END $$

-- not in a dump
DO $$ BEGIN EXECUTE format('ALTER ROLE inspect_reader IN DATABASE %I SET work_mem = ''3MB''', current_database()); END $$

-- not in a dump
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = "$user", public, "Odd ""Name"', current_database()); END $$

-- not in a dump
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET app.odd = ''100%%''', current_database()); END $$

-- not in a dump
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET work_mem', current_database()); END $$

-- not in a dump
DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO inspect_reader', current_database()); END $$

CREATE LANGUAGE own HANDLER plpgsql_call_handler

CREATE TRUSTED LANGUAGE fuller HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator

COMMENT ON LANGUAGE fuller IS 'fuller'

REVOKE USAGE ON LANGUAGE fuller FROM PUBLIC

GRANT SELECT (usename) ON pg_catalog.pg_user TO inspect_reader

REVOKE SELECT ON pg_catalog.pg_stats FROM PUBLIC

REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC

CREATE TABLE "Odd ""Name" ("Col.umn" int PRIMARY KEY)

COMMENT ON COLUMN "Odd ""Name"."Col.umn" IS 'odd'

CREATE SEQUENCE "Odd.Seq" OWNED BY "Odd ""Name"."Col.umn"

ALTER TABLE "Odd ""Name" RENAME "Col.umn" TO "SELECT"

DROP EXTENSION file_fdw CASCADE

DROP EXTENSION citext CASCADE

DROP PUBLICATION olds

DROP EVENT TRIGGER notice
