use super::*;
use crate::sql::{LockMode, facts};

/// What a statement locks through connections, after others: `mode table?`, and whether these are all.
fn after(before: &[&str], sql: &str) -> Vec<(Through, String, bool)> {
    let mut catalog = Catalog::default();
    for statement in before {
        catalog.note(statement, &facts(statement));
    }
    let mut facts = facts(sql);
    catalog.resolve(&mut facts);
    let tables = |also: &AlsoLocked| also.tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    facts.also.iter().map(|also| (also.through, tables(also), also.complete)).collect()
}

#[test]
fn a_plan_knows_what_it_makes() {
    let made = [
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
    ];
    let add = "ALTER TABLE p ADD COLUMN a int";
    assert_eq!(after(&made, add), [(Through::Descendants, "p1".to_owned(), true)]);
    assert_eq!(after(&made[..1], add), []);
    assert_eq!(after(&[], add), [(Through::Descendants, String::new(), false)]);
    assert_eq!(after(&made, "ALTER TABLE ONLY p ADD COLUMN a int"), []);
}

#[test]
fn a_foreign_key_is_known_on_both_sides() {
    let made = [
        "CREATE TABLE a (id int PRIMARY KEY)",
        "CREATE TABLE b (id int, a_id int CONSTRAINT k REFERENCES a ON DELETE CASCADE)",
    ];
    assert_eq!(after(&made, "DROP TABLE b"), [(Through::ReferencedTables, "a".to_owned(), true)]);
    assert_eq!(after(&made, "ALTER TABLE b DROP COLUMN a_id"), [(Through::ReferencedTables, "a".to_owned(), true)]);
    assert_eq!(after(&made, "ALTER TABLE b DROP COLUMN id"), []);
    let dropped = [made[0], made[1], "ALTER TABLE b DROP CONSTRAINT k"];
    assert_eq!(after(&dropped, "DROP TABLE b"), []);
    let truncated = after(&made, "TRUNCATE a CASCADE");
    assert_eq!(truncated, [(Through::ReferencingTables, "b".to_owned(), true)]);
    assert_eq!(after(&made, "DELETE FROM a"), [(Through::ReferencingTables, "b".to_owned(), true)]);
    assert_eq!(after(&made, "DELETE FROM b"), []);
}

#[test]
fn what_runs_something_unknown_ends_what_is_known() {
    let table = "CREATE TABLE t (id int)";
    let add = "ALTER TABLE t ADD COLUMN a int";
    assert_eq!(after(&[table], add), []);
    for unknown in ["CALL p()", "SELECT app.f()", "DO $$ BEGIN EXECUTE 'x'; END $$"] {
        assert_eq!(after(&[table, unknown], add), [(Through::Descendants, String::new(), false)], "{unknown}");
        assert_eq!(after(&[unknown, table], add), [], "{unknown}");
    }
    assert_eq!(after(&[], "CALL p()"), [(Through::Functions, String::new(), false)]);
}

#[test]
fn a_server_of_an_earlier_version_does_less() {
    let mut catalog = Catalog::of_server(17);
    let name = |text: &str| text.parse::<QualifiedName>().unwrap();
    catalog.name(name("t"), name("public.t"));
    catalog.child(Child { parent: name("public.t"), name: name("public.c"), partition: false, default: false });
    let resolved = |catalog: &Catalog| {
        let mut facts = facts("ALTER TABLE t ADD UNIQUE (a)");
        catalog.resolve(&mut facts);
        facts.also
    };
    assert_eq!(resolved(&catalog), []);
    catalog.version = Some(18);
    let also = resolved(&catalog);
    assert_eq!((also[0].tables.as_slice(), also[0].mode), ([name("public.c")].as_slice(), LockMode::AccessExclusive));
}
