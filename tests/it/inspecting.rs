//! The inspected catalog: what counts is seen, and nothing else.

use crate::support::{Database, inspected, on_connection, said, scope, snapshot, walk};
use dagmar::inspect::{ObjectKey, ObjectKind, Snapshot, compare};
use dagmar::pg::inspect::{self, Scope};
use dagmar::pg::{Settings, connect};

#[test]
fn each_change_of_a_relation_is_named() {
    snapshot("inspect/relations", &walk("relations", &Database::new()));
}

#[test]
fn each_change_of_a_type_or_function_is_named() {
    snapshot("inspect/programs", &walk("programs", &Database::new()));
}

#[test]
fn each_change_of_another_object_is_named() {
    snapshot("inspect/others", &walk("others", &Database::new()));
}

#[test]
fn each_change_of_a_partition_or_child_is_named() {
    snapshot("inspect/trees", &walk("trees", &Database::new()));
}

#[test]
fn what_is_not_compared_is_reported() {
    let database = Database::new();
    assert_eq!(inspected(&database).not_compared, []);
    let what = |snapshot: &Snapshot| -> Vec<String> {
        snapshot.not_compared.iter().map(|one| format!("{}: {}", one.what, one.why)).collect()
    };
    database.sql(
        "SELECT lo_create(0); CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw; \
         CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'not to be seen'); \
         CREATE FUNCTION cmp(int, text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
         ALTER OPERATOR FAMILY integer_ops USING btree ADD FUNCTION 1 (int, text) cmp(int, text)",
    );
    let found = inspected(&database);
    let expected = [
        "functions of the operator family integer_ops: it belongs to the server",
        "large objects: they are data",
        "option values of user mappings: they may be secrets",
    ];
    assert_eq!(what(&found), expected);
    assert!(!serde_json::to_string(&found).unwrap().contains("not to be seen"));
    // a transaction says it of what it changed
    let changed = on_connection(&database, async |connection| {
        connection.author_texts("BEGIN; SELECT lo_create(0); CREATE ROLE inspect_of_a_test").await.unwrap();
        let changed = inspect::delta(connection, &scope(), &found).await.unwrap();
        connection.author_texts("ROLLBACK").await.unwrap();
        changed
    });
    assert!(changed.changed.is_empty());
    let what: Vec<&str> = changed.not_compared.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(what, ["large objects", "roles"]);
}

/// Whoever may connect sees the same, but for the values of sequences.
#[test]
fn a_role_without_privileges_sees_the_same() {
    let database = Database::new();
    let role = format!("{}_guest", database.name);
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; CREATE SCHEMA hidden; CREATE TABLE hidden.t (id serial PRIMARY KEY, n text DEFAULT 'x'); \
         CREATE VIEW hidden.v AS SELECT n FROM hidden.t; CREATE PUBLICATION p FOR TABLE hidden.t; \
         REVOKE ALL ON SCHEMA hidden FROM PUBLIC"
    ));
    let settings = Settings::socket(database.server.sockets.clone(), 5432, &role, &database.name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seen = runtime.block_on(async {
        let connection = connect(&settings, std::time::Duration::ZERO).await.unwrap();
        inspect::snapshot(&connection, &scope()).await.unwrap()
    });
    assert_eq!(
        said(&compare(&inspected(&database), &seen)),
        "sequence hidden.t_id_seq: is called is unset instead of off\n\
         sequence hidden.t_id_seq: last value is unset instead of 1\n"
    );
    let unread: Vec<&str> = seen.not_compared.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(unread, ["the value of the sequence hidden.t_id_seq"]);
    drop(seen);
    database.sql(&format!("DROP ROLE {role}"));
}

/// The session and its transaction are as they were.
#[test]
fn inspecting_leaves_the_session_alone() {
    let database = Database::new();
    on_connection(&database, async |connection| {
        let settings = "SELECT current_setting('search_path'), current_setting('DateStyle'), current_setting('TimeZone'), \
                        current_setting('jit'), current_setting('join_collapse_limit')";
        let base = inspect::snapshot(connection, &scope()).await.unwrap();
        connection
            .author_texts(
                "BEGIN; SET TimeZone = 'Asia/Tokyo'; SET LOCAL DateStyle = 'SQL, DMY'; SET LOCAL search_path = a, b; \
                 SAVEPOINT one; CREATE TABLE public.gone (id int); ROLLBACK TO one; CREATE TABLE public.there (id int)",
            )
            .await
            .unwrap();
        let changed = inspect::delta(connection, &scope(), &base).await.unwrap();
        let names: Vec<String> = changed.changed.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["table public.there", "column public.there.id"]);
        inspect::snapshot(connection, &scope()).await.unwrap();
        let row =
            connection.author_texts(&format!("SET LOCAL search_path = a, b; {settings}")).await.unwrap().remove(0);
        let row: Vec<&str> = row.iter().map(|value| value.as_deref().unwrap()).collect();
        assert_eq!(row, ["a, b", "SQL, DMY", "Asia/Tokyo", "on", "8"]);
        connection.author_texts("COMMIT").await.unwrap();
        let row = connection.author_texts(settings).await.unwrap().remove(0);
        assert_eq!(row[1..3], [Some("ISO, MDY".to_owned()), Some("Asia/Tokyo".to_owned())]);
    });
}

#[test]
fn dependencies_are_read_where_they_are_asked_for() {
    let database = Database::new();
    database.sql(
        "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('ok'); CREATE SEQUENCE s; \
         CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval('s'), m mood, c citext); \
         CREATE FUNCTION f(t) RETURNS mood LANGUAGE sql BEGIN ATOMIC SELECT $1.m; END; \
         CREATE VIEW v AS SELECT f(t), c FROM t",
    );
    let scope = Scope { dependencies: true, ..scope() };
    let found = on_connection(&database, async |connection| inspect::snapshot(connection, &scope).await.unwrap());
    let of = |kind, name: &str| -> Vec<String> {
        let object = found.get(&ObjectKey::new(kind, name)).unwrap();
        object.depends.iter().map(ToString::to_string).collect()
    };
    assert_eq!(of(ObjectKind::Column, "public.t.id"), ["sequence public.s"]);
    assert_eq!(of(ObjectKind::Column, "public.t.m"), ["type public.mood"]);
    assert_eq!(of(ObjectKind::Column, "public.t.c"), ["extension citext"]);
    assert_eq!(of(ObjectKind::View, "public.v"), ["schema public", "function public.f(public.t)", "column public.t.c"]);
    assert_eq!(
        of(ObjectKind::Function, "public.f(public.t)"),
        ["schema public", "type public.mood", "table public.t", "column public.t.m"]
    );
}
