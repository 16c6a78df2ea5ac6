//! `dagmar prove` with bad input: one clear sentence each, nothing is left on the shadow, the environment is untouched.

use crate::support::{Cluster, Database, Running, found, project, sql, table, until, verdicts};

/// What a shadow has besides a server that was just made.
fn left(cluster: &Cluster) -> String {
    cluster.sql(
        "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1') \
         UNION ALL SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname !~ '^pg_' AND rolname NOT IN ('postgres', 'few')",
    )
}

#[test]
fn a_rollback_that_throws_is_told_and_the_rest_is_proven() {
    let (cluster, database) = (Cluster::new(), Database::new());
    let throws = "DO $$ BEGIN RAISE EXCEPTION 'no way back' USING ERRCODE = 'DG999'; END $$";
    let bad = sql("bad", "CREATE TABLE b (n int)", throws).depends_on(["a"]);
    let project = project(&[table("a"), bad, table("c").depends_on(["bad"])]);
    let (before, nothing) = (database.catalog(), left(&cluster));
    let url = cluster.url("postgres", "postgres");
    let run = project.on(&database, &["prove", "--shadow", &url, "--format", "json"]);
    let proof = run.json();
    assert_eq!((run.code, verdicts(&proof, "bad").as_str()), (10, "up ok, down failed, order ok"));
    assert_eq!(found(&proof, "bad"), ["down error: the rollback fails: no way back"]);
    assert_eq!(proof["changesets"][1]["differences"][0]["sqlstate"], "DG999");
    assert_eq!(verdicts(&proof, "c"), "up ok, down ok, again ok, order ok", "{proof:#}");
    assert_eq!((database.catalog(), left(&cluster)), (before, nothing));
}

#[test]
fn a_shadow_that_ends_in_the_middle_is_told() {
    let (cluster, database) = (Cluster::new(), Database::new());
    let project = project(&[table("a"), sql("slow", "SELECT pg_sleep(600)", "SELECT 1").depends_on(["a"])]);
    let (before, nothing) = (database.catalog(), left(&cluster));
    let url = cluster.url("postgres", "postgres");
    let mut command = project.command(&["prove", "--shadow", &url]);
    command.args(["--url", &database.url()]);
    let running = Running::of(command);
    until("a statement of the proof runs", || {
        cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep\\(600' AND pid <> pg_backend_pid()")
            != "0"
    });
    cluster.crash();
    let said = running.end().fails(7);
    assert!(said.contains("error: the shadow server ended during the proof: "), "{said}");
    assert!(said.contains("no environment was changed"), "{said}");
    assert!(said.contains("help: start the server, and run the command again"), "{said}");
    cluster.start();
    assert!(left(&cluster).contains("dagmar_shadow_"));
    project.on(&database, &["prove", "--shadow", &url, "--select", "a"]).ok();
    assert_eq!((database.catalog(), left(&cluster)), (before, nothing));
}

#[test]
fn fixtures_that_violate_a_constraint_are_told() {
    let cluster = Cluster::new();
    let nothing = left(&cluster);
    let url = cluster.url("postgres", "postgres");
    let users = "CREATE TABLE users (id int PRIMARY KEY, age int CHECK (age > 0))";
    let project = project(&[sql("users", users, "DROP TABLE users"), table("z").depends_on(["users"])]);
    project.write("dagmar.yaml", "prove: { fixtures: [rows.yaml] }\n");
    for (rows, words) in [
        ("[{ id: 1, age: 0 }]", "violates check constraint"),
        ("[{ id: 1, age: 1 }, { id: 1, age: 2 }]", "duplicate key value violates unique constraint"),
        ("[{ id: x }]", "invalid input syntax for type integer"),
    ] {
        project.write("rows.yaml", &format!("users: {rows}\n"));
        let said = project.run(&["prove", "--all", "--shadow", &url]).fails(3);
        let at = said.lines().next().unwrap_or_default();
        assert!(at.starts_with("error: rows.yaml:1: ") && at.contains("does not accept this row"), "{said}");
        assert!(at.contains(words), "{words}: {said}");
        assert_eq!(left(&cluster), nothing);
    }
}

#[test]
fn a_role_without_the_right_to_create_databases_is_told() {
    let cluster = Cluster::new();
    cluster.sql("CREATE ROLE few LOGIN");
    let nothing = left(&cluster);
    let project = project(&[table("a")]);
    let url = cluster.url("few", "postgres");
    let said = project.run(&["prove", "--all", "--shadow", &url]).fails(5);
    assert!(said.starts_with("error: the role `few` has no right to create databases on "), "{said}");
    assert!(said.contains("give it CREATEDB; without `--shadow`, a private server is used"), "{said}");
    assert_eq!(left(&cluster), nothing);
    cluster.sql("ALTER ROLE few CREATEDB");
    project.run(&["prove", "--all", "--shadow", &url]).ok();
    assert_eq!(left(&cluster), nothing);
}
