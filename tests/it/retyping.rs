//! `dagmar diff` where a column gets another type: a second column that takes the place of the first.

use crate::support::retyped::{OLD, new, verified};
use crate::support::{Database, Project, Run, against, same};
use serde_json::Value;

/// Two databases with these statements, and a project that has both as environments.
fn pair(first: &str, second: &str) -> (Database, Database, Project) {
    let (from, to) = (Database::new(), Database::new());
    from.sql(first);
    to.sql(second);
    let lines = format!("environments:\n  from: {{ url: \"{}\" }}\n  to: {{ url: \"{}\" }}\n", from.url(), to.url());
    let project = Project::new(&[("dagmar.yaml", &lines)]);
    (from, to, project)
}

/// The changesets between them, written to the project.
fn written(project: &Project, more: &[&str]) -> Value {
    let run: Run = project.run(&[&["diff", "from", "to", "--write", "--format", "json"], more].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

const ROWS: &str = "SELECT string_agg(t::text, ' ' ORDER BY id) FROM \
                    (SELECT id, code, \"Team\", price, note FROM app.t) AS t";

#[test]
fn a_new_type_is_made_beside_the_old_one_and_back_with_what_was_written() {
    let (from, to, project) = pair(OLD, &new());
    from.sql("INSERT INTO app.t SELECT n, n + 8, n, n + 0.5, 'n' FROM generate_series(1, 4) n");
    let before = (from.schema(), from.sql(ROWS));
    let answer = written(&project, &[]);
    verified(&answer);
    let apply = |id: &str| project.on(&from, &["apply", "--select", &format!("+{id}")]).ok();
    let back = |id: &str| project.on(&from, &["rollback", id]).ok();
    let rows = || from.sql(ROWS);

    // the application goes on while both columns are there
    apply("expand-column-app.t.code");
    apply("expand-column-app.t.price");
    from.sql("INSERT INTO app.t VALUES (5, 50, 5, 5.5, 'five'); UPDATE app.t SET code = 11 WHERE id = 2");
    let both =
        "SELECT count(*) FROM app.t WHERE dagmar_new_code IS DISTINCT FROM code OR dagmar_new_price <> price::int";
    assert_eq!(from.sql(both), "0");
    apply("create-view-app.v");
    apply("alter-column-app.t.price");
    assert_eq!(rows(), "(1,9,1,2,n) (2,11,2,3,n) (3,11,3,4,n) (4,12,4,5,n) (5,50,5,6,five)");
    from.sql("INSERT INTO app.t (id, \"Team\", price) VALUES (6, 6, 6); UPDATE app.t SET note = 'one' WHERE id = 1; UPDATE app.t SET price = 20 WHERE id = 2");
    assert_eq!(from.sql("SELECT code FROM app.t WHERE id = 6"), "8", "it has the new default");
    let lost = against_psql(&from, "INSERT INTO app.t VALUES (7, 70, 7, 7.5, 'seven')");
    assert!(lost.contains("an INSERT has to name its columns"), "{lost}");

    project.on(&from, &["apply"]).ok();
    from.sql("INSERT INTO app.t (id, code, price) VALUES (8, 80, 8); UPDATE app.t SET code = 13 WHERE id = 3");
    let none = project.run(&["diff", "from", "to", "--format", "json"]);
    assert_eq!(none.code, 0, "{none:?}");
    let left: Vec<String> =
        none.json()["differences"].as_array().unwrap().iter().map(|one| one["change"].to_string()).collect();
    assert!(!left.is_empty() && left.iter().all(|change| change == "\"moved\""), "{left:?}");

    // values that were not written since are as exact as they were
    back("contract-column-app.t.code");
    back("contract-column-app.t.price");
    back("alter-column-app.t.price");
    project.on(&from, &["rollback", "--all"]).ok();
    same("the schema", &before.0, &from.schema());
    let after = "(1,9,1,1.50,one) (2,11,2,20.00,n) (3,13,3,3.50,n) (4,12,4,4.50,n) (5,50,5,5.50,five) (6,8,6,6.00,) (8,80,,8.00,)";
    assert_eq!(rows(), after);

    // with all rows of the first database
    project.on(&from, &["apply"]).ok();
    project.on(&from, &["rollback", "--all"]).ok();
    same("the schema", &before.0, &from.schema());
    assert_eq!(rows(), after);
    drop(to);
}

fn against_psql(database: &Database, sql: &str) -> String {
    let output = database.psql().args(["-c", sql]).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn changesets_of_a_new_type_pass_the_review_and_the_proof() {
    let (from, _to, project) = pair(OLD, &new());
    project.run(&["generate", "--env", "from", "--write"]).ok();
    let answer = project.run(&["diff", "project", "to", "--write", "--format", "json"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let review = project.run(&["lint", "--env", "from", "--format", "json"]).json();
    let rules: Vec<&str> = review["findings"]
        .as_array()
        .unwrap_or_else(|| panic!("{review:#}"))
        .iter()
        .filter(|finding| finding["changeset"].as_str().is_some_and(|id| id.contains("-column-app.t.")))
        .filter(|finding| matches!(finding["severity"].as_str(), Some("blocking" | "high")))
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert_eq!(rules, [""; 0], "{review:#}");
    let proof = against(&project, &from.url(), &["prove", "--all", "--format", "json"]);
    assert_eq!(proof.code, 0, "{proof:?}");
}

/// Tables whose column `n` gets its type in place, and why.
const DIRECT: [(&str, &str, &str); 14] = [
    ("no_key", "(id int, n TYPE)", "no primary key"),
    ("in_key", "(n TYPE PRIMARY KEY)", "a column of the primary key gets a new type"),
    ("identity", "(id int PRIMARY KEY, n TYPE GENERATED ALWAYS AS IDENTITY)", "identity column"),
    ("owned", "(id int PRIMARY KEY, n TYPE); CREATE SEQUENCE app.s OWNED BY app.owned.n", "a sequence belongs to it"),
    ("used", "(id int PRIMARY KEY, n TYPE, m int GENERATED ALWAYS AS (n + 1) STORED)", "a generated column"),
    (
        "referenced",
        "(id int PRIMARY KEY, n TYPE UNIQUE); CREATE TABLE app.other (id int PRIMARY KEY, n bigint REFERENCES app.referenced (n))",
        "another table refers to it",
    ),
    (
        "watched",
        "(id int PRIMARY KEY, n TYPE); CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER w BEFORE UPDATE ON app.watched FOR EACH ROW EXECUTE FUNCTION app.f()",
        "a trigger for UPDATE",
    ),
    (
        "late",
        "(id int PRIMARY KEY, n TYPE); CREATE FUNCTION app.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER zzzz BEFORE INSERT ON app.late FOR EACH ROW EXECUTE FUNCTION app.g()",
        "comes after the one",
    ),
    ("domains", "(id int PRIMARY KEY, n app.TYPE_domain)", "a domain may have"),
    ("tree", "(id int, n TYPE, PRIMARY KEY (id)) PARTITION BY LIST (id)", "partitions or children"),
    ("hidden", "(id int PRIMARY KEY, n TYPE); ALTER TABLE app.hidden FORCE ROW LEVEL SECURITY", "row-level security"),
    ("excluded", "(id int PRIMARY KEY, n TYPE, EXCLUDE USING btree (n WITH =))", "EXCLUDE constraint"),
    (
        "replicated",
        "(id int PRIMARY KEY, n TYPE NOT NULL); CREATE UNIQUE INDEX r ON app.replicated (n); \
         ALTER TABLE app.replicated REPLICA IDENTITY USING INDEX r",
        "replica identity",
    ),
    (
        "a_table_with_a_name_that_is_almost_as_long_as_they_can_be",
        "(id int PRIMARY KEY, n TYPE)",
        "longer than PostgreSQL allows",
    ),
];

#[test]
fn a_type_changes_in_place_where_a_second_column_would_not_do() {
    let all = |kind: &str| {
        let tables = DIRECT.map(|(name, rest, _)| format!("CREATE TABLE app.{name} {};", rest.replace("TYPE", kind)));
        let domains = "CREATE DOMAIN app.int_domain AS int DEFAULT 5; CREATE DOMAIN app.bigint_domain AS bigint;";
        format!("CREATE SCHEMA app; {domains} {}", tables.concat())
    };
    let (_from, _to, project) = pair(&all("int"), &all("bigint"));
    let run = project.run(&["diff", "from", "to", "--format", "json"]);
    let answer = run.json();
    verified(&answer);
    for (name, _, why) in DIRECT {
        let told = format!("(blocks app.{name} while its rows are written anew: ");
        let changesets = answer["changesets"].as_array().unwrap().iter();
        let mut descriptions = changesets.filter_map(|changeset| changeset["description"].as_str());
        let description = descriptions.find(|description| description.contains(&told));
        assert!(description.is_some_and(|description| description.contains(why)), "{name}: {answer:#}");
    }
}

#[test]
fn a_conversion_that_follows_the_session_is_made_in_place() {
    for (old, new) in [("timestamp", "timestamp with time zone"), ("bytea", "text"), ("date", "text")] {
        let table = |kind: &str| format!("CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, v {kind})");
        let (_from, _to, project) = pair(&table(old), &table(new));
        let text = project.run(&["diff", "from", "to", "--format", "yaml"]).ok();
        assert!(text.contains("depends on settings of the session"), "{text}");
        assert!(text.contains(&format!("TYPE {new}")), "{text}");
    }
}

#[test]
fn single_statements_are_written_when_asked() {
    let (from, to, project) = pair(OLD, &format!("{} CREATE INDEX more ON app.t (price);", new()));
    let answer = written(&project, &["--blocking"]);
    verified(&answer);
    let text = std::fs::read_to_string(project.path().join("plans/diff.yaml")).unwrap();
    assert!(text.contains("TYPE bigint USING code::bigint") && text.contains("CREATE INDEX more ON"), "{text}");
    assert!(!text.contains("dagmar_new") && !text.contains("CONCURRENTLY"), "{text}");
    project.on(&from, &["apply"]).ok();
    same("the schema", &to.schema(), &from.schema());
}

/// Types, and others that they change to.
const TYPES: [(&str, &str); 16] = [
    ("int", "bigint"),
    ("varchar(5)", "varchar(9)"),
    ("varchar(9)", "varchar(5)"),
    ("varchar(9)", "varchar"),
    ("varchar(9)", "text"),
    ("text", "varchar"),
    ("text", "varchar(9)"),
    ("char(3)", "char(5)"),
    ("numeric(8,2)", "numeric(10,2)"),
    ("numeric(8,2)", "numeric(10,3)"),
    ("numeric(8,2)", "numeric"),
    ("cidr", "inet"),
    ("varbit(3)", "varbit(5)"),
    ("timestamp(2)", "timestamp(4)"),
    ("timestamp(4)", "timestamp(2)"),
    ("varchar(5)[]", "varchar(9)[]"),
];

#[test]
fn a_second_column_is_made_where_the_server_would_write_the_rows_anew() {
    let table = |n: usize, kind: &str| format!("CREATE TABLE app.t{n} (id int PRIMARY KEY, n {kind});");
    let all = |new: bool| {
        let tables = TYPES.iter().enumerate().map(|(n, pair)| table(n, if new { pair.1 } else { pair.0 }));
        format!("CREATE SCHEMA app; {}", tables.collect::<String>())
    };
    let (from, _to, project) = pair(&all(false), &all(true));
    let answer = project.run(&["diff", "from", "to", "--no-verify", "--format", "json"]).json();
    let ids: Vec<&str> =
        answer["changesets"].as_array().unwrap().iter().map(|changeset| changeset["id"].as_str().unwrap()).collect();
    for (n, (old, new)) in TYPES.iter().enumerate() {
        let file = || from.sql(&format!("SELECT relfilenode FROM pg_class WHERE oid = 'app.t{n}'::regclass"));
        from.sql(&format!("INSERT INTO app.t{n} VALUES (1, NULL)"));
        let before = file();
        from.sql(&format!("ALTER TABLE app.t{n} ALTER n TYPE {new}"));
        let is_beside = ids.contains(&format!("expand-column-app.t{n}.n").as_str());
        assert_eq!(is_beside, before != file(), "{old} to {new}");
    }
}

#[test]
fn what_protects_the_rows_is_there_while_the_column_is_filled() {
    let of = |kind: &str| {
        format!(
            "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, n {kind}); ALTER TABLE app.t ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY p ON app.t AS RESTRICTIVE USING (n > 3); \
             CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             CREATE TRIGGER g BEFORE INSERT ON app.t FOR EACH ROW WHEN (NEW.n > 5) EXECUTE FUNCTION app.f(); \
             CREATE VIEW app.v AS SELECT n FROM app.t; CREATE VIEW app.w AS SELECT n FROM app.v"
        )
    };
    let (from, _to, project) = pair(&of("int"), &of("bigint"));
    let before = from.schema();
    let answer = written(&project, &[]);
    verified(&answer);
    let changesets = answer["changesets"].as_array().unwrap();
    let ids: Vec<&str> = changesets.iter().map(|changeset| changeset["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["expand-column-app.t.n", "alter-column-app.t.n", "contract-column-app.t.n"], "{answer:#}");
    let words = ["POLICY p ON", "TRIGGER g", "VIEW app.v", "VIEW app.w"];
    for word in words {
        let places = changesets.iter().filter(|changeset| changeset["changes"].to_string().contains(word)).count();
        assert!(places == 1 && changesets[1]["changes"].to_string().contains(word), "{word}: {answer:#}");
    }
    project.on(&from, &["apply"]).ok();
    project.on(&from, &["rollback", "--all"]).ok();
    same("the schema", &before, &from.schema());
}

#[test]
fn a_value_that_is_too_long_is_refused_and_not_cut() {
    for key in ["", "PRIMARY KEY"] {
        let table = |kind: &str| format!("CREATE SCHEMA app; CREATE TABLE app.t (id int {key}, v {kind})");
        let (from, _to, project) = pair(&table("varchar(9)"), &table("varchar(5)"));
        from.sql("INSERT INTO app.t VALUES (1, 'too long')");
        written(&project, &[]);
        let run = project.on(&from, &["apply"]);
        assert!(run.code != 0 && run.err.contains("value too long"), "{run:?}");
        assert_eq!(from.sql("SELECT v FROM app.t"), "too long");
        project.on(&from, &["rollback", "--all"]);
        from.sql("UPDATE app.t SET v = 'short'");
        project.on(&from, &["apply"]).ok();
        assert_eq!(from.sql("SELECT v FROM app.t"), "short");
        let long = against_psql(&from, "INSERT INTO app.t (id, v) VALUES (2, 'too long')");
        assert!(long.contains("value too long"), "{long}");
    }
}

#[test]
fn a_writer_needs_no_right_to_the_schema_of_the_new_type() {
    let of = |kind: &str| {
        format!(
            "CREATE SCHEMA app; CREATE SCHEMA types; CREATE TYPE types.e AS ENUM ('a', 'b'); GRANT USAGE ON SCHEMA app TO PUBLIC; \
             CREATE TABLE app.t (id int PRIMARY KEY, v {kind}); GRANT ALL ON app.t TO PUBLIC"
        )
    };
    let (from, _to, project) = pair(&of("text"), &of("types.e"));
    written(&project, &[]);
    project.on(&from, &["apply", "--select", "+expand-column-app.t.v"]).ok();
    let role = crate::support::role(&from, "writer", "");
    from.sql(&format!("SET ROLE {role}; INSERT INTO app.t VALUES (1, 'a')"));
    project.on(&from, &["apply"]).ok();
    from.sql(&format!("SET ROLE {role}; INSERT INTO app.t (id, v) VALUES (2, 'b')"));
    assert_eq!(from.sql("SELECT string_agg(v::text, ',' ORDER BY id) FROM app.t"), "a,b");
}

#[test]
fn a_sequence_that_comes_back_goes_on_after_the_largest_value() {
    let (from, _to, project) = pair(
        "CREATE SCHEMA app; CREATE TABLE app.t (id serial PRIMARY KEY, n int NOT NULL)",
        "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, n serial)",
    );
    from.sql("INSERT INTO app.t SELECT nextval('app.t_id_seq'), 100 + g FROM generate_series(1, 5) g");
    written(&project, &[]);
    project.on(&from, &["apply"]).ok();
    assert_eq!(from.sql("INSERT INTO app.t (id) VALUES (6) RETURNING n").lines().next(), Some("106"));
    project.on(&from, &["rollback", "--all"]).ok();
    assert_eq!(from.sql("INSERT INTO app.t (n) VALUES (1) RETURNING id").lines().next(), Some("7"));
}
