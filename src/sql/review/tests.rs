use super::*;

/// What a statement does, without the bytes.
fn does(sql: &str) -> Vec<Does> {
    actions(sql).into_iter().map(|action| action.does).collect()
}

/// What it does in a few words.
fn words(sql: &str) -> String {
    let all = does(sql).into_iter().map(|does| {
        let text = format!("{does:?}");
        text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    });
    all.collect::<Vec<_>>().join(" ")
}

#[test]
fn statements_are_read() {
    for (sql, expected) in [
        ("CREATE UNIQUE INDEX i ON a.t (b)", "CreateIndex"),
        ("DROP INDEX CONCURRENTLY a.i", "DropIndex"),
        ("CREATE TABLE a.t (b int)", "CreateTable"),
        ("CREATE TEMP TABLE t (b int)", ""),
        ("ALTER TABLE a.t ADD COLUMN b int, ADD CONSTRAINT c CHECK (b > 0) NOT VALID", "AddColumn AddConstraint"),
        ("ALTER TABLE a.t VALIDATE CONSTRAINT c, ALTER COLUMN b SET NOT NULL", "Validate SetNotNull"),
        ("ALTER TABLE a.t ALTER b TYPE bigint, DROP COLUMN c CASCADE", "SetType DropColumn Cascade"),
        ("DROP TABLE a.t, a.u CASCADE", "DropTable Cascade"),
        ("DROP SCHEMA a", "DropSchema"),
        ("DROP FUNCTION a.f(int)", "DropObject"),
        ("TRUNCATE a.t CASCADE", "Truncate"),
        ("ALTER TABLE a.t RENAME TO u", "Rename"),
        ("ALTER TABLE a.t RENAME COLUMN b TO c", "Rename"),
        ("ALTER TYPE a.e RENAME VALUE 'x' TO 'y'", "Rename"),
        ("ALTER SCHEMA a RENAME TO b", "Rename"),
        ("ALTER TABLE a.t ATTACH PARTITION a.p FOR VALUES IN (1)", "AttachPartition"),
        ("WITH n AS (INSERT INTO a.t (b) VALUES (1) RETURNING b) SELECT b FROM n", "Insert"),
        ("UPDATE a.t SET b = 1", "Change"),
        ("CREATE FUNCTION a.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CreateObject NewFunction"),
        ("CREATE RULE r AS ON INSERT TO a.t DO ALSO INSERT INTO a.u VALUES (1)", ""),
        ("ALTER TYPE a.e ADD VALUE 'x' BEFORE 'y'", "AddValue"),
        ("REVOKE ALL ON FUNCTION a.f(int) FROM PUBLIC", "RevokePublic"),
        ("REVOKE ALL ON FUNCTION a.f(int) FROM app", ""),
        ("CREATE TABEL a.t (b int)", ""),
        ("DO $$ BEGIN DROP TABLE a.t; END $$", ""),
    ] {
        assert_eq!(words(sql), expected, "{sql}");
    }
}

#[test]
fn rows_are_all_many_or_chosen() {
    for (condition, expected) in [
        ("", Rows::All),
        ("WHERE b IS NULL", Rows::Many),
        ("WHERE a > 3", Rows::Many),
        ("WHERE a = 3", Rows::Chosen),
        ("WHERE ((a = 'x'::text))", Rows::Chosen),
        ("WHERE b IS NULL AND a IN (1, 2)", Rows::Chosen),
        ("WHERE a IN (SELECT b FROM c)", Rows::Many),
        ("WHERE a = 1 OR b = 2", Rows::Many),
        ("WHERE a = c", Rows::Many),
        ("WHERE a BETWEEN 1 AND 5", Rows::Chosen),
    ] {
        let found = does(&format!("UPDATE t SET b = 1 {condition}"));
        assert!(
            matches!(found.as_slice(), [Does::Change(change)] if change.rows == expected),
            "{condition}: {found:?}"
        );
    }
}

#[test]
fn a_table_has_its_columns_and_keys() {
    let found = does(
        "CREATE TABLE a.t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b int NOT NULL DEFAULT 1 \
         REFERENCES a.p (z), UNIQUE (b, id), CONSTRAINT f FOREIGN KEY (b) REFERENCES a.q, CHECK (b > 0))",
    );
    let [Does::CreateTable { columns, constraints, derives: false, .. }] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(columns[0].identity && columns[0].type_ == "bigint" && !columns[0].stored);
    assert_eq!(columns[0].constraints[0].kind, Keeps::PrimaryKey);
    assert!(columns[1].not_null && columns[1].default.as_deref() == Some("1"));
    assert_eq!(columns[1].constraints[0].columns[0].as_str(), "b");
    let kinds: Vec<Keeps> = constraints.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, [Keeps::Unique, Keeps::ForeignKey, Keeps::Check]);
    assert_eq!(constraints[0].columns.len(), 2);
    assert_eq!(constraints[2].expression.as_deref(), Some("b > 0"));
}

#[test]
fn a_search_path_is_read() {
    let path = |setting: &str| {
        let sql = format!("CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER {setting} AS 'SELECT 1'");
        actions(&sql).into_iter().find_map(|action| match action.does {
            Does::Definer { search_path, .. } => Some(search_path),
            _ => None,
        })
    };
    let list = |names: &[&str]| Some(Some(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()));
    assert_eq!(path(""), Some(None));
    assert_eq!(path("SET search_path = app, pg_temp"), list(&["app", "pg_temp"]));
    assert_eq!(path("SET search_path TO ''"), list(&[""]));
    assert_eq!(path("SET work_mem = '1MB'"), Some(None));
}
