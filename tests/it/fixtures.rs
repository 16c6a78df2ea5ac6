//! Fixtures: rows of the project, from YAML, CSV and SQL, loaded as soon as their tables exist.

use crate::support::mistakes::{check, one_mistake};
use crate::support::rows::{all, within};
use crate::support::{Database, Project};
use dagmar::base::Failure;
use dagmar::pg::rows::{Fixtures, contents};
use dagmar::rows::Fixture;
use dagmar::source::{fixtures, load};

const CONFIG: &str = "prove: { fixtures: ['fixtures/*.yaml', 'fixtures/*.csv', fixtures/more.sql] }\n";

/// The fixtures of a project with these files.
fn read(files: &[(&str, &str)]) -> Result<Vec<Fixture>, Failure> {
    let project = Project::new(files);
    let loaded = load::load(project.path()).unwrap();
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    fixtures::load(&loaded.root, &loaded.config.prove, &loaded.sources)
}

const YAML: &str = "app.users:
  - {id: 1, email: a@example.org, tags: [a, 'b \"c\"', null], doc: {n: [1, null]}, list: [1, 2]}
  - id: 2
    email: ''
    tags: []
    doc: null
    list: '[3]'
app.orders:
  - {id: 7, user_id: 1, price: 1.5, at: 2024-05-06 07:08:09+00, paid: true}
  - {}
";

const CSV: &str = "id,name,note\n1,\"a, \"\"b\"\"\",\n\n2,,\"\"\n3,\"two\nlines\",x\n";

const SCHEMA: &str = "CREATE SCHEMA app; CREATE TYPE app.size AS ENUM ('s', 'l'); \
    CREATE TABLE app.users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, tags text[], doc jsonb, \
    list json); CREATE TABLE app.orders (id serial PRIMARY KEY, user_id int REFERENCES app.users, price numeric(10, 2), \
    at timestamptz, paid bool, size app.size DEFAULT 's'); CREATE TABLE app.notes (id int, name text, note text)";

fn files<'a>(yaml: &'a str, csv: &'a str, sql: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("dagmar.yaml", CONFIG),
        // the table that another one leads to comes later
        ("fixtures/b.yaml", yaml),
        ("fixtures/a.yaml", "# nothing yet\n"),
        ("fixtures/app.notes.csv", csv),
        ("fixtures/more.sql", sql),
    ]
}

/// The rows of a table as text.
fn rows(found: &dagmar::rows::Contents, table: &str) -> Vec<String> {
    let rows = &found.tables[&table.parse().unwrap()].rows;
    rows.iter().map(|row| row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join("|")).collect()
}

#[test]
fn fixtures_are_loaded_from_all_forms() {
    let sql = "-- a comment\nCREATE TABLE app.made (n int);\nINSERT INTO app.made SELECT count(*) FROM app.notes;\n";
    let found = read(&files(YAML, CSV, sql)).unwrap();
    let database = Database::new();
    database.sql(SCHEMA);
    within(&database, async |connection| {
        let mut fixtures = Fixtures::new(found);
        let loaded = fixtures.load(connection, |_| false).await.unwrap();
        let said: Vec<String> = loaded
            .iter()
            .map(|l| format!("{} {} {}", l.file, l.table.as_ref().map_or(String::new(), ToString::to_string), l.rows))
            .collect();
        assert_eq!(
            said,
            [
                "fixtures/b.yaml app.users 2",
                "fixtures/app.notes.csv app.notes 3",
                "fixtures/b.yaml app.orders 2",
                "fixtures/more.sql  0"
            ]
        );
        assert_eq!(fixtures.pending(), 0);
        let there = contents(connection, &all()).await.unwrap();
        assert_eq!(
            rows(&there, "app.users"),
            [r#"1|a@example.org|{a,"b \"c\"",NULL}|{"n": [1, null]}|[1,2]"#, "2||{}|NULL|[3]"]
        );
        assert_eq!(rows(&there, "app.orders"), ["7|1|1.50|2024-05-06 07:08:09+00|t|s", "1|NULL|NULL|NULL|NULL|s"]);
        assert_eq!(rows(&there, "app.notes"), ["1|a, \"b\"|NULL", "2|NULL|", "3|two\nlines|x"]);
        assert_eq!(rows(&there, "app.made"), ["3"]);
        assert!(fixtures.load(connection, |_| false).await.unwrap().is_empty(), "once");
    });
}

#[test]
fn a_fixture_waits_for_its_table_its_columns_or_its_changeset() {
    let sql = "-- after: 003-notes\nINSERT INTO app.notes VALUES (9)";
    let yaml = "app.users: [{id: 1, email: x}]\n";
    let found = read(&files(yaml, "id,name\n", sql)).unwrap();
    let database = Database::new();
    within(&database, async |connection| {
        let mut fixtures = Fixtures::new(found);
        assert!(fixtures.load(connection, |_| false).await.unwrap().is_empty());
        assert_eq!(
            fixtures.missing(connection).await.unwrap(),
            [
                "fixtures/b.yaml: app.users does not exist",
                "fixtures/app.notes.csv: app.notes does not exist",
                "fixtures/more.sql: the changeset 003-notes is not there"
            ]
        );
        connection.execute("CREATE SCHEMA app; CREATE TABLE app.users (id int)").await.unwrap();
        assert!(fixtures.load(connection, |_| false).await.unwrap().is_empty());
        assert_eq!(
            fixtures.missing(connection).await.unwrap()[0],
            "fixtures/b.yaml: column app.users.email does not exist"
        );
        connection.execute("ALTER TABLE app.users ADD email text; CREATE TABLE app.notes (id int)").await.unwrap();
        let loaded = fixtures.load(connection, |_| false).await.unwrap();
        assert_eq!(
            loaded.iter().map(|l| l.file.as_str()).collect::<Vec<_>>(),
            ["fixtures/b.yaml", "fixtures/app.notes.csv"]
        );
        let loaded = fixtures.load(connection, |id| id == "003-notes").await.unwrap();
        assert_eq!(loaded.len(), 1);
        let there = contents(connection, &all()).await.unwrap();
        assert_eq!((rows(&there, "app.users"), rows(&there, "app.notes")), (vec!["1|x".into()], vec!["9".into()]));
    });
}

#[test]
fn a_refused_row_is_named_with_file_line_table_and_constraint() {
    let database = Database::new();
    database.sql(&format!("{SCHEMA}; ALTER TABLE app.notes ADD CONSTRAINT short CHECK (length(name) < 5)"));
    for (yaml, csv, sql, message, line) in [
        (
            "app.users:\n  - {id: 1, email: x}\n  - {id: 2, email: y}\n  - {id: 3, email: x}\n",
            "id\n",
            "",
            "fixtures/b.yaml:4: app.users does not accept this row: duplicate key value violates unique constraint \
             \"users_email_key\"",
            4,
        ),
        (
            "app.orders:\n- price: 1\n- price: x\n",
            "id\n",
            "",
            "fixtures/b.yaml:3: app.orders does not accept this row: invalid input syntax for type numeric: \"x\"",
            3,
        ),
        (
            "",
            "id,name\n1,a\n2,\"b\nc\"\n3,longer\n",
            "",
            "fixtures/app.notes.csv:5: app.notes does not accept this row: new row for relation \"notes\" violates check \
             constraint \"short\"",
            5,
        ),
        (
            "",
            "id\n",
            "SELECT 1;\n-- the next\n\nINSERT INTO app.notes\n VALUES ('x');",
            "fixtures/more.sql:4: the statement of the fixtures fails: invalid input syntax for type integer: \"x\"",
            4,
        ),
    ] {
        within(&database, async |connection| {
            let mut fixtures = Fixtures::new(read(&files(yaml, csv, sql)).unwrap());
            let failed = fixtures.load(connection, |_| true).await.unwrap_err();
            assert_eq!(failed.message, message);
            assert_eq!(failed.location.unwrap().line, line);
            assert_eq!(failed.kind.exit_code(), 3);
            // the transaction can go on
            connection.query("cannot ask", "SELECT 1").await.unwrap();
        });
    }
}

#[test]
fn mistakes_in_files_are_found_by_check() {
    let config = |pattern: &str| format!("prove:\n  fixtures: ['{pattern}']\n");
    for (path, text, place, code, words) in [
        ("a.yaml", "app.users: 3\n", "a.yaml:1:12", "DG0128", ["the rows of `app.users` are not a list", "- {id: 1"]),
        (
            "a.yaml",
            "app.users:\n  - 3\n",
            "a.yaml:2:5",
            "DG0128",
            ["a row of `app.users` is not a mapping", "- {id: 1"],
        ),
        ("a.yaml", "- 3\n", "a.yaml:1:3", "DG0128", ["fixtures are a mapping of tables to rows", "- {id: 1"]),
        ("a.yaml", "a.b.c: []\n", "a.yaml:1:1", "DG0316", ["more than two parts", "a.b.c"]),
        ("a.yaml", "a: [1\n", "a.yaml:", "DG0102", ["not YAML", "a.yaml"]),
        ("t.csv", "id,name\n1,a\n2\n", "t.csv:3:1", "DG0128", ["the row has 1 values", "2 columns"]),
        ("t.csv", "id,\n", "t.csv:1:1", "DG0128", ["does not name the columns", "t.csv"]),
        ("t.sql", "SELECT 1;\nCOMMIT;\n", "t.sql:2:1", "DG0311", ["`COMMIT` is not allowed in fixtures", "t.sql"]),
        ("t.sql", "SELECT 'x;\n", "t.sql:1:8", "DG0310", ["string", "t.sql"]),
        ("t.txt", "x", "t.txt:1:1", "DG0128", ["neither YAML, CSV nor SQL", "ending"]),
    ] {
        let project = Project::new(&[("dagmar.yaml", &config(path)), (path, text)]);
        let said = project.run(&["check"]).err;
        assert!(said.contains(&format!("error[{code}]: ")) && said.contains(&format!("--> {place}")), "{text}: {said}");
        assert!(words.iter().all(|word| said.contains(word)) && said.matches("error[").count() == 1, "{text}: {said}");
    }
    let missing = config("fixtures/*.yaml");
    one_mistake(
        &[("dagmar.yaml", &missing)],
        "DG0128",
        "dagmar.yaml:2:14",
        &["no file matches", "as `fixtures/*.yaml`"],
    );
    for outside in ["../x.yaml", "/etc/passwd"] {
        let files = [("dagmar.yaml", &*config(outside))];
        assert_eq!(check(&files), ["DG0128 dagmar.yaml:2:14"], "{outside}");
    }
}
