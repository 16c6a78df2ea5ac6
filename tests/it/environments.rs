//! Where environments are, what they have, and why something is not there.

use crate::support::{Changeset, Database, Project, Run, file, snapshot, sql, table, tables};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const SECRET: &str = "hunter2-swordfish";

/// A project with these environments, and these changesets.
fn project(environments: &str, changesets: &[Changeset]) -> Project {
    Project::new(&[("dagmar.yaml", &format!("environments:\n{environments}")), ("plans/a.yaml", &file(changesets))])
}

/// A URL with a password that a server on a socket does not ask for.
fn url(database: &Database) -> String {
    database.url() + &format!("&password={SECRET}")
}

fn script(project: &Project, text: &str) {
    project.write("url.sh", &format!("#!/bin/sh\n{text}\n"));
    fs::set_permissions(project.path().join("url.sh"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs the binary in the environment that is named, and looks whether it kept the secret.
fn run(project: &Project, args: &[&str]) -> Run {
    let run = Run::of(project.command(args).arg("--yes").output().unwrap());
    assert!(!run.out.contains(SECRET) && !run.err.contains(SECRET), "the secret is shown: {run:?}");
    run
}

#[test]
fn a_url_comes_from_a_command_or_a_file() {
    let database = Database::new();
    let project = project("  a: { urlCommand: [./url.sh, x y] }\n  b: { urlFile: secrets/url }\n", &[table("t")]);
    // its folder is the project's, its arguments are not looked at by a shell
    script(
        &project,
        &format!("[ \"$1\" = 'x y' ] && [ -e dagmar.yaml ] && echo '{}' && echo more && touch ran", url(&database)),
    );
    project.write("secrets/url", &format!("{}\nsecond line\n", url(&database)));
    let keys = project.path().join("secrets/url");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    for args in [&["check", "--env", "a"][..], &["plan", "--offline", "--env", "a"], &["graph", "--env", "a"]] {
        run(&project, args).ok();
    }
    assert!(!project.path().join("ran").exists(), "a command that does not connect asked for the URL");
    run(&project, &["apply", "--env", "a"]).ok();
    assert_eq!(tables(&database), "t");
    let quiet = run(&project, &["status", "--env", "a"]);
    assert!(quiet.err.is_empty(), "{quiet:?}");
    let bound = run(&project, &["status", "--env", "b"]);
    assert!(bound.out.contains("t          applied") && !bound.err.contains("other users may read"), "{bound:?}");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    let warned = run(&project, &["status", "--env", "b"]).err;
    assert!(warned.contains("other users may read `secrets/url`, which contains a URL (mode 0644)"), "{warned}");
    // the ledger has it nowhere either
    assert!(!database.whole_dump().contains(SECRET));
}

#[test]
fn a_command_that_fails_hangs_or_says_nothing() {
    let project = project("  a: { urlCommand: [./url.sh], urlTimeout: 500ms }\n", &[table("t")]);
    let complain = format!(
        "echo 'postgres://u:{SECRET}@h/d'; echo 'no luck with {SECRET} at postgres://x:y@z, password: qwertz' >&2"
    );
    for (text, message, note) in [
        (
            format!("{complain}; exit 3"),
            "ended with exit status: 3",
            "| no luck with *** at postgres://***@z, password: ***",
        ),
        (
            format!("{complain}; sleep 600 & sleep 600"),
            "did not finish within 500ms and was stopped",
            "| no luck with ***",
        ),
        ("exit 0".to_owned(), "wrote no URL", "error"),
        (format!("echo 'postgres://u:{SECRET}@[h/d'"), "an IPv6 address has no closing `]`", "error"),
        (format!("echo 'postgres://u:{SECRET}@127.0.0.1:1/d'"), "cannot connect to `127.0.0.1:1/d as u`", "error"),
    ] {
        script(&project, &text);
        for args in [&["status", "--env", "a", "-v"][..], &["apply", "--env", "a", "-v", "--format", "json"]] {
            let run = run(&project, args);
            let said = format!("{}{}", run.out, run.err);
            assert!(said.contains(message) && said.contains(note) && !said.contains("qwertz"), "{text}: {run:?}");
            // what is no URL is a mistake of the settings
            assert_eq!(run.code, if message.contains("IPv6") { 2 } else { 7 }, "{run:?}");
        }
    }
    // a complaint may have the secret in a form that nobody thought of: it is shown when asked for
    script(&project, &format!("{complain}; exit 3"));
    let said = run(&project, &["status", "--env", "a"]).fails(7);
    assert!(said.contains("`-v` shows its error output") && !said.contains("no luck"), "{said}");
    fs::remove_file(project.path().join("url.sh")).unwrap();
    snapshot(
        "environments/a_command_that_fails_hangs_or_says_nothing",
        &run(&project, &["status", "--env", "a"]).refusal(7),
    );
}

#[test]
fn a_file_that_is_not_there_is_empty_or_a_folder() {
    let project = project("  a: { urlFile: secrets/url }\n", &[table("t")]);
    let said = |message: &str| {
        let said = run(&project, &["status", "--env", "a"]).fails(7);
        assert!(said.contains(message) && said.contains("help: "), "{said}");
    };
    said("the environment `a`: `urlFile`: cannot read `secrets/url`: No such file");
    project.write("secrets/url", "\npostgres://x\n");
    said("`secrets/url` has no URL");
    fs::remove_file(project.path().join("secrets/url")).unwrap();
    fs::create_dir(project.path().join("secrets/url")).unwrap();
    said("`secrets/url` is not a regular file");
}

#[test]
fn one_of_the_three() {
    for (environment, message, place) in [
        ("{ url: x, urlFile: y }", "an environment has one of `url`, `urlCommand` and `urlFile`", "dagmar.yaml:2:16"),
        ("{ urlCommand: [a], urlFile: y }", "an environment has one of", "dagmar.yaml:2:25"),
        ("{ urlCommand: [] }", "`urlCommand` names no command", "dagmar.yaml:2:8"),
        ("{ urlFile: '' }", "`urlFile` names no file", "dagmar.yaml:2:17"),
        ("{ url: x, urlTimeout: 3s }", "`urlTimeout` is set without `urlCommand`", "dagmar.yaml:2:16"),
        ("{ urlCommand: [a], urlTimeout: 0s }", "`urlTimeout` must not be 0", "dagmar.yaml:2:37"),
    ] {
        let project = project(&format!("  a: {environment}\n"), &[table("t")]);
        let said = project.run(&["check"]).fails(3);
        assert!(said.contains(message) && said.contains("[DG0116]") && said.contains(place), "{said}");
    }
}

/// The cells of the matrix: `a=applied,pending,?`.
fn cells(matrix: &Value) -> String {
    let names: Vec<&str> =
        matrix["environments"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
    let rows = matrix["changesets"].as_array().unwrap().iter();
    rows.map(|row| {
        let cell = |name: &&str| row["environments"][name]["state"].as_str().unwrap_or("?").to_owned();
        format!("{}={}", row["id"].as_str().unwrap(), names.iter().map(cell).collect::<Vec<_>>().join(","))
    })
    .collect::<Vec<_>>()
    .join(" ")
}

#[test]
fn the_matrix_shows_all_environments() {
    let (dev, staging) = (Database::new(), Database::new());
    // accepts, and never answers
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let environments = format!(
        "  dev: {{ url: '{}' }}\n  staging: {{ urlFile: staging.url, variables: {{ where: b }} }}\n  far: {{ url: 'postgres://u:{SECRET}@127.0.0.1:1/d' }}\n  \
         unset: {{ url: '${{NOT_SET}}' }}\n  odd: {{ variables: {{ where: '${{NOT_SET}}' }}, url: x }}\n  none:\n  silent: {{ url: 'postgres://u:{SECRET}@127.0.0.1:{}/d?sslmode=disable' }}\n  own: {{ url: embedded }}\n",
        dev.url(),
        silent.local_addr().unwrap().port()
    );
    let half = "CREATE INDEX CONCURRENTLY i ON a (n);\n-- segment\nSELECT 1 / 0";
    let project = project(
        &environments,
        &[
            table("a"),
            sql("half", half, "DROP INDEX CONCURRENTLY i;\n-- segment\nSELECT 1").depends_on(["a"]),
            table("after").depends_on(["half"]),
            table("slow").with("dependsOn", json!([{ "id": "a", "soak": "30d" }])),
            table("held"),
            table("skipped"),
            table("dev-only").environments(["dev"]),
        ],
    );
    project.write("staging.url", &staging.url());
    fs::set_permissions(project.path().join("staging.url"), fs::Permissions::from_mode(0o600)).unwrap();
    run(&project, &["mark", "held", "held", "--reason", "not yet", "--env", "staging"]).ok();
    run(&project, &["mark", "skipped", "skipped", "--reason", "not here", "--env", "staging"]).ok();
    run(&project, &["apply", "--env", "staging"]).fails(8);
    run(&project, &["apply", "--env", "dev", "--select", "a,dev-only"]).ok();
    let all = |more: &[&str]| run(&project, &[&["status", "--all", "--timeout", "2s"], more].concat());
    let matrix = all(&["--format", "json"]);
    assert_eq!(matrix.code, 0, "{matrix:?}");
    let matrix = matrix.json();
    let rest = ",?".repeat(6);
    assert_eq!(
        cells(&matrix),
        format!(
            "a=applied,applied{rest} half=pending,partly{rest} after=pending,pending{rest} slow=waiting,waiting{rest} \
             held=pending,held{rest} skipped=pending,skipped{rest} dev-only=applied,excluded{rest}"
        )
    );
    let reached: Vec<bool> =
        matrix["environments"].as_array().unwrap().iter().map(|e| e["reached"].as_bool().unwrap()).collect();
    assert_eq!(reached, [true, true, false, false, false, false, false, false]);
    for (at, words) in [
        (2, "cannot connect to `127.0.0.1:1/d as u`"),
        (3, "`NOT_SET` is not set"),
        (4, "the variable `where` in dagmar.yaml: the environment variable `NOT_SET` is not set"),
        (5, "it has no URL"),
        (6, "no answer within 2s"),
        (7, "its embedded server was never started"),
    ] {
        let message = matrix["environments"][at]["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    assert!(!project.path().join(".dagmar").exists(), "looking made a server");
    let text = all(&[]).ok();
    assert!(text.contains("\nhalf       pending  partly"), "{text}");
    assert!(text.contains("\nfar is unavailable: cannot connect"), "{text}");
    assert!(all(&["--format", "markdown"]).ok().contains("| half | pending | partly | ? |"));
    assert!(all(&["--format", "html"]).ok().contains(">partly</span>"));
    all(&["--format", "csv"]).fails(2);
    all(&["--url", "postgres://x"]).fails(2);
    // nobody answers
    project.write("dagmar.yaml", "environments:\n  far: { url: 'postgres://127.0.0.1:1/d' }\n");
    project.write("plans/a.yaml", &file(&[table("a")]));
    let none = all(&["--format", "markdown"]);
    assert!(none.err.contains("no environment answered") && none.out.contains("is unavailable"), "{none:?}");
    assert_eq!(none.code, 7);
    project.write("dagmar.yaml", "");
    snapshot("environments/the_matrix_shows_all_environments", &all(&[]).refusal(2));
}

#[test]
fn why_says_the_reason_and_who_must_do_what() {
    let project = project(
        "  dev:\n  live:\n",
        &[
            table("base"),
            sql("broken", "SELECT 1 / 0", "SELECT 1").with("author", "Team A").depends_on(["base"]),
            table("needs").depends_on(["broken"]),
            table("late").with("dependsOn", json!(["needs", { "id": "base", "soak": "30d" }])),
            table("other").depends_on(["base"]),
            table("live-only").environments(["live"]),
        ],
    );
    let database = Database::new();
    let why = |id: &str| project.on(&database, &["why", id]).ok();
    assert!(
        why("other").contains(
            "other is pending in dev\n  `other` needs `base`, which is pending: the same apply runs it before"
        )
    );
    assert!(why("other").ends_with("nothing blocks it: `dagmar apply --env dev` runs it\n"));
    project.on(&database, &["apply"]).fails(8);
    let failed = why("needs");
    for words in [
        "`needs` needs `broken`, which is failed",
        "and failed: division by zero; nothing of it remains",
        "`dagmar clear broken --env dev --reason TEXT` (Team A)",
    ] {
        assert!(failed.contains(words), "{failed}");
    }
    project.on(&database, &["mark", "held", "broken", "--reason", "waits for the review"]).ok();
    let plan = project.on(&database, &["plan"]).ok();
    assert!(plan.contains("needs: needs `broken`, which is held: waits for the review"), "{plan}");
    let held = project.on(&database, &["why", "late", "--format", "json"]).json();
    assert_eq!((held["state"].as_str(), held["environment"].as_str()), (Some("waiting"), Some("dev")));
    let reasons = held["reasons"].as_array().unwrap();
    let of = |kind: &str| reasons.iter().find(|r| r["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {held}"));
    assert!(of("soak")["until"].as_str().unwrap().ends_with('Z'), "{held}");
    assert_eq!(of("dependency")["message"], "`late` needs `needs`, which is blocked");
    assert_eq!(of("held")["changeset"], "broken");
    assert!(of("held")["message"].as_str().unwrap().ends_with(": waits for the review"), "{held}");
    assert_eq!(of("held")["todo"], "`dagmar mark pending broken --env dev --reason TEXT` releases it");
    assert!(of("held")["who"].as_str().unwrap().contains("(role postgres)"), "{held}");
    assert!(
        why("live-only")
            .contains("`live-only` is only for live\n    to do: add `dev` to its `environments` in plans/a.yaml")
    );
    assert!(why("base").contains("base is applied in dev\napplied at "));
    snapshot(
        "environments/why_says_the_reason_and_who_must_do_what",
        &project.on(&database, &["why", "brokn"]).refusal(2),
    );
    // released, what it needs may come
    project.on(&database, &["mark", "pending", "broken", "--reason", "reviewed"]).ok();
    assert!(why("broken").ends_with("nothing blocks it: `dagmar apply --env dev` runs it\n"));
}

/// The shell has a variable for another database than the environment that nobody named.
#[test]
fn a_variable_and_an_environment_do_not_pass_each_other_over() {
    let (mine, other) = (Database::new(), Database::new());
    let socket = mine.server.sockets.display().to_string();
    let (own, theirs) = (url(&mine), url(&other));
    let project = project("  dev: { url: '${MINE}' }\n  plain: {}\n", &[table("t")]);
    let with = |vars: &[(&str, &str)], args: &[&str]| {
        let mut command = project.command(args);
        command.arg("--yes").env("MINE", &own).envs(vars.iter().copied());
        let run = Run::of(command.output().unwrap());
        assert!(!run.out.contains(SECRET) && !run.err.contains(SECRET), "{run:?}");
        run
    };
    let named = [("PGHOST", socket.as_str()), ("PGDATABASE", other.name.as_str()), ("PGUSER", "postgres")];
    for (vars, variable) in
        [(&[("DATABASE_URL", theirs.as_str())][..], "`DATABASE_URL`"), (&named[..], "`PGHOST`, `PGDATABASE`")]
    {
        for args in [&["apply"][..], &["status"], &["rollback", "--all"], &["apply", "-q"]] {
            let said = with(vars, args).fails(2);
            for words in [
                &format!("{variable} name"),
                "another database than the environment `dev` of dagmar.yaml; nothing was done",
                &format!("/{} as postgres", other.name),
                &format!("`dev`: {socket}:5432/{} as postgres", mine.name),
                "help: `--env dev` (or DAGMAR_ENV=dev) takes that of dagmar.yaml",
            ] {
                assert!(said.contains(words), "{words}\n{said}");
            }
        }
        assert_eq!((tables(&mine), tables(&other)), (String::new(), String::new()));
        // the ways to choose
        assert!(with(vars, &["status", "--env", "dev"]).err.is_empty());
        assert!(with(&[vars, &[("DAGMAR_ENV", "dev")]].concat(), &["status"]).err.is_empty());
        assert!(with(vars, &["status", "--url", &own]).err.is_empty());
    }
    // the same database is no conflict, and an environment without a URL has none
    with(&[("DATABASE_URL", &own)], &["apply"]).ok();
    assert_eq!((tables(&mine).as_str(), tables(&other).as_str()), ("t", ""));
    with(&[("DATABASE_URL", &theirs)], &["apply", "--env", "plain"]).ok();
    assert_eq!(tables(&other), "t");
    // what only fills a gap is none either
    with(&[("PGPORT", "5432"), ("PGUSER", "postgres")], &["status"]).ok();
    // a private server is never meant by a variable
    project.write("dagmar.yaml", "environments:\n  dev: { url: embedded }\n");
    snapshot(
        "environments/a_variable_and_an_environment_do_not_pass_each_other_over",
        &with(&[("DATABASE_URL", &theirs)], &["apply"]).refusal(2),
    );
    project.write("dagmar.yaml", "environments:\n  dev: { urlCommand: [touch, ran] }\n");
    let said = with(&[("DATABASE_URL", &theirs)], &["apply"]).fails(2);
    assert!(said.contains("`dev`: what its `urlCommand` says") && !project.path().join("ran").exists(), "{said}");
}
