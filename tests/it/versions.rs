//! Every case, and a run with all that it brings, on other server versions: `make test-all` takes the
//! oldest and the newest, `make test-versions` all. `tests/versions.sh` fetches them, and
//! `DAGMAR_TEST_PG_BINS` names them, folders of binaries with colons between them.

use crate::support::pairs::{PAIRS, there_and_back};
use crate::support::retyped::retyped;
use crate::support::rows::{constraints_are_met, every_type_has_values, keys_lead_to_rows};
use crate::support::{
    Cluster, Database, Project, Run, Server, a_ledger_comes_up, cases, dagmar, generated, project,
    published_tables_are_found_without_a_lock, remake, round_trip, same, table, walk,
};
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does all of this on each of the servers, and says what failed where.
fn on_each(what: &[&str], check: impl Fn(&str, &'static Server) + Sync + std::panic::RefUnwindSafe) {
    let bins = std::env::var_os("DAGMAR_TEST_PG_BINS").expect("`make test-all` fetches servers, and names them here");
    let failed = Mutex::new(Vec::new());
    for (n, bin) in std::env::split_paths(&bins).enumerate() {
        let server: &'static Server = Box::leak(Box::new(Server::start(bin.clone(), &format!("-{n}"))));
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some(name) = what.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if catch_unwind(|| check(name, server)).is_err() {
                            failed.lock().unwrap().push(format!("{name} on {}", bin.display()));
                        }
                    }
                });
            }
        });
    }
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn cases_go_up_down_and_up_on_other_versions() {
    let cases = cases();
    on_each(&cases.iter().map(String::as_str).collect::<Vec<_>>(), round_trip);
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn each_change_of_a_catalog_is_seen_on_other_versions() {
    on_each(&["relations", "trees", "programs", "others"], |name, server| drop(walk(name, &Database::on(server))));
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn databases_are_made_again_on_other_versions() {
    on_each(&["relations", "trees", "programs", "others"], remake);
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn columns_get_other_types_on_other_versions() {
    on_each(&["a new type"], retyped);
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn what_differs_becomes_changesets_on_other_versions() {
    let numbers: Vec<String> = (0..PAIRS.len()).map(|number| number.to_string()).collect();
    on_each(&numbers.iter().map(String::as_str).collect::<Vec<_>>(), there_and_back);
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn databases_become_changesets_on_other_versions() {
    on_each(&["a database"], generated);
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn no_statement_locks_more_than_is_said_on_other_versions() {
    on_each(&["statements"], |_, server| crate::support::truth::compare(server));
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn runs_hold_on_other_versions() {
    on_each(
        &["a run", "a script", "a preview", "own tests", "a ledger of version 1", "a ledger of version 2"],
        |what, server| match what {
            "a run" => run(server),
            "a preview" => published_tables_are_found_without_a_lock(&Database::on(server)),
            "a script" => script(server),
            "own tests" => own_tests(server),
            "a ledger of version 1" => a_ledger_comes_up(server, 1),
            _ => a_ledger_comes_up(server, 2),
        },
    );
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn rows_are_generated_on_other_versions() {
    on_each(&["types", "constraints", "keys"], |what, server| match what {
        "types" => every_type_has_values(server),
        "constraints" => constraints_are_met(server),
        _ => keys_lead_to_rows(server),
    });
}

#[test]
#[ignore = "needs servers of other versions: make test-all"]
fn a_shadow_of_another_version_is_told() {
    on_each(&["shadow"], |_, server| {
        let (database, shadow) = (Database::on(server), Cluster::new());
        let project = project(&[table("a"), table("b").depends_on(["a"])]);
        project.write("dagmar.yaml", "environments: { dev: { proven: {} } }\n");
        project.on(&database, &["ledger", "install", "--env", "dev"]).ok();
        let there = database.sql("SHOW server_version_num").parse::<u32>().unwrap() / 10_000;
        let here = shadow.sql("SHOW server_version_num").parse::<u32>().unwrap() / 10_000;
        let url = shadow.url("postgres", "postgres");
        let run = project.on(&database, &["prove", "--env", "dev", "--record", "--shadow", &url]);
        let warning = format!("has version {there}");
        let warned = run.err.contains("warning: the proof is on PostgreSQL") && run.err.contains(&warning);
        assert_eq!((run.code, warned), (0, here != there), "{run:?}");
        let apply = project.on(&database, &["apply", "--env", "dev"]);
        if here == there {
            apply.ok();
        } else {
            let said = apply.fails(5);
            assert!(said.contains(&format!("`a` is proven on PostgreSQL {here} and not on {there}")), "{said}");
        }
    });
}

const CONFIG: &str = "environments:\n  production:\n    url: \"${PRODUCTION}\"\n    approvals: { count: 1 }\n";

/// Several thousand rows: in small batches, many in a message, and in those that adapt.
const PLAN: &str = "
changesets:
  - id: base
    changes:
      - createSchema: { name: app }
      - createTable:
          table: app.t
          columns:
            - { name: a, type: int, nullable: false }
            - { name: b, type: text, nullable: false }
            - { name: n, type: int, nullable: false, default: 0 }
            - { name: done, type: boolean }
          primaryKey: { columns: [a, b] }
      - sql:
          forward: INSERT INTO app.t (a, b) SELECT g % 7, md5(g::text) FROM generate_series(1, 6000) g
          rollback: DELETE FROM app.t
  - id: all
    dependsOn: [base]
    changes:
      - backfill: { table: app.t, key: [a, b], batchSize: 20, pace: { batchTime: 0s }, set: { n: t.n + 1 }, rollback: UPDATE app.t SET n = 0 }
  - id: some
    dependsOn: [all]
    changes:
      - createIndex: { name: t_done, table: app.t, columns: [done] }
      - backfill: { table: app.t, key: [a, b], batchSize: 10, where: t.done IS NULL, set: { n: t.n + 10, done: 'true' }, rollback: 'UPDATE app.t SET done = NULL' }
      - addColumn: { table: held, columns: [ { name: m, type: int } ] }
";

/// Found in advance, approved, run, looked at, taken back.
fn run(on: &'static Server) {
    let database = Database::on(on);
    database.sql("CREATE TABLE held (id int PRIMARY KEY)");
    let empty = database.catalog();
    let project = Project::new(&[("dagmar.yaml", CONFIG), ("plans/a.yaml", PLAN)]);
    let by = |role: &str, args: &[&str]| {
        let mut command = project.command(args);
        command.arg("--yes").env("PRODUCTION", database.url().replace("user=postgres", &format!("user={role}")));
        Run::of(command.output().unwrap())
    };
    let (boss, guest) = (format!("{}_boss", database.name), format!("{}_guest", database.name));
    database.sql(&format!("CREATE ROLE {boss} LOGIN SUPERUSER; CREATE ROLE {guest} LOGIN"));

    let (slot, gid) = (format!("{}_slot", database.name), format!("{}_gid", database.name));
    database.sql(&format!("SELECT pg_create_physical_replication_slot('{slot}', true)"));
    database.sql(&format!("BEGIN; LOCK TABLE held IN SHARE MODE; PREPARE TRANSACTION '{gid}'"));
    let holder = database.hold("SELECT 1 FROM held");
    let found = by("postgres", &["plan", "--against"]).ok();
    for words in [
        &format!("the replication slot `{slot}` has no reader"),
        &format!("the prepared transaction `{gid}`\n"),
        "`public.held` is locked against ACCESS EXCLUSIVE: pid ",
        "application a long report, idle in transaction",
    ] {
        assert!(found.contains(words), "{words}\n{found}");
    }
    drop(holder);
    database.sql(&format!("ROLLBACK PREPARED '{gid}'"));
    database.sql(&format!("SELECT pg_drop_replication_slot('{slot}')"));
    let refused = by(&guest, &["plan", "--against"]).fails(5);
    assert!(refused.contains(&format!("the role `{guest}` ")) && refused.contains("[rights]"), "{refused}");

    assert!(by("postgres", &["apply"]).fails(5).contains("the plan is not sealed"));
    by("postgres", &["plan", "--out", "p.plan"]).ok();
    by(&boss, &["approve", "p.plan", "--reason", "read"]).ok();
    let lines = by("postgres", &["apply", "p.plan", "--format", "json"]).ok();
    let rows = "SELECT count(*), min(n), max(n), count(done) FROM app.t";
    assert_eq!(database.sql(rows), "6000|11|11|6000");
    assert_eq!(database.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.t_done'::regclass"), "t");
    let batches: Vec<&str> = lines.lines().filter(|l| l.contains("\"batchDone\"")).collect();
    assert!(batches.iter().any(|l| l.contains("\"seen\":6000")), "{batches:#?}");
    // 300 batches, and far fewer messages
    let small = batches.iter().filter(|l| l.contains("\"changeset\":\"all\"")).count();
    assert!((2..40).contains(&small), "{small} {batches:#?}");
    by("postgres", &["history", "--verify", "--format", "json"]).intact();
    assert!(by("postgres", &["approvals", "list"]).ok().contains(&boss));
    assert_eq!(by("postgres", &["apply", "--format", "json"]).applied(), "");
    by("postgres", &["rollback", "--last-run"]).ok();
    same("after the way back", &empty, &database.catalog());
    by("postgres", &["history", "--verify", "--format", "json"]).intact();
    database.sql("SET session_replication_role = replica; DELETE FROM dagmar.approval");
    assert!(by("postgres", &["history", "--verify"]).fails(4).contains("is missing"));
}

/// The same by the script that `sql` makes.
fn script(on: &'static Server) {
    let (database, other) = (Database::on(on), Database::on(on));
    let project = Project::new(&[("plans/a.yaml", PLAN)]);
    [&database, &other].iter().for_each(|d| drop(d.sql("CREATE TABLE held (id int PRIMARY KEY)")));
    let script = Run::of(project.command(&["sql", "--url", &database.url()]).output().unwrap()).ok();
    project.write("script.sql", &script);
    database.script(&project.path().join("script.sql")).unwrap();
    assert_eq!(project.json(&database, &["apply"]).applied(), "");
    project.on(&other, &["apply"]).ok();
    same("by a script", &other.catalog(), &database.catalog());
    project.json(&database, &["history", "--verify"]).intact();
}

/// The tests of the sample project pass on this version.
fn own_tests(server: &Server) {
    let mut command = dagmar(&["test", "--project", env!("CARGO_MANIFEST_DIR"), "--format", "json"]);
    let run = Run::of(command.env("DAGMAR_PG_BIN", &server.bin).output().unwrap());
    assert!(run.code == 0 && run.json()["counts"]["passed"].as_u64() > Some(1), "{run:?}");
}
