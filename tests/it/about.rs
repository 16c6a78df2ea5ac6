//! What stands on top of every plan in every format, and how much of a plan is shown before it runs.

use crate::support::{Changeset, Database, Project, Run, Shop, Three, changeset, file, git, project, sql, table};
use serde_json::json;

const FORMATS: [&str; 4] = ["text", "json", "markdown", "html"];

/// Text without what Markdown and HTML put in front of or instead of some signs.
fn bare(text: &str) -> String {
    let mut text = text.replace("@<!-- -->", "@").replace('\\', "").replace("&#39;", "'").replace("&quot;", "\"");
    for class in ["k", "s", "n", "c"] {
        text = text.replace(&format!("<span class=\"{class}\">"), "");
    }
    text.replace("</span>", "")
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    let text = bare(text);
    for word in words {
        assert!(text.contains(word), "{word}\n{text}");
    }
    assert!(!text.contains("canary"), "{text}");
}

fn at(project: &Project, database: &Database, args: &[&str]) -> Run {
    let mut command = project.command(args);
    command.args(["--yes", "--url", &format!("{}&password=canary-4711", database.url())]);
    Run::of(command.output().unwrap())
}

#[test]
fn every_plan_says_for_which_database_it_is() {
    let (project, database) = (project(&[table("a"), table("b").depends_on(["a"])]), Database::new());
    git(&project, &["init", "-q"]);
    // a repository without a commit is none
    assert!(!at(&project, &database, &["plan"]).ok().contains("commit"));
    git(&project, &["add", "."]);
    git(&project, &["commit", "-qm", "x"]);
    let commit = git(&project, &["rev-parse", "HEAD"]);
    let sockets = database.server.sockets.display().to_string();
    let release = database.sql("SHOW server_version");
    let release = format!("PostgreSQL {}", release.split(' ').next().unwrap());
    let version = env!("CARGO_PKG_VERSION");
    let os = at(&project, &database, &["plan", "--format", "json"]).json()["madeBy"]["os"].as_str().unwrap().to_owned();
    assert!(os.contains('@') && os.len() > 2, "{os}");
    let words = [database.name.as_str(), &sockets, &release, &os, "database user postgres", version, &commit[..12]];
    for format in FORMATS.iter().filter(|format| **format != "json") {
        let text = at(&project, &database, &["plan", "--format", format]).ok();
        has(&text, &words);
        assert!(!text.contains("uncommitted"), "{text}");
    }
    let json = at(&project, &database, &["plan", "--format", "json"]);
    has(&json.out, &[]);
    let json = json.json();
    assert_eq!(json["target"]["database"], database.name.as_str());
    assert!(json["target"]["address"].as_str().unwrap().starts_with(&sockets), "{json}");
    assert_eq!(format!("PostgreSQL {}", json["target"]["server"].as_str().unwrap()), release);
    assert_eq!((json["madeBy"]["database"].as_str(), json["dagmar"].as_str()), (Some("postgres"), Some(version)));
    assert_eq!(json["commit"], json!({ "id": commit, "uncommitted": false }));
    let made = json["madeAt"].as_str().unwrap();
    assert!(made.len() == 20 && made.starts_with("20") && made.ends_with('Z'), "{made}");
    // what runs is shown with it, before anything is asked
    project.write("plans/c.yaml", &file(&[table("c")]));
    let run = at(&project, &database, &["apply"]);
    has(&run.err, &words);
    has(&run.err, &["with uncommitted changes"]);
    run.ok();
    has(&at(&project, &database, &["sql"]).ok(), &words);
    has(&at(&project, &database, &["sql", "--rollback", "b"]).ok(), &words);
    for format in FORMATS.iter().filter(|format| **format != "json") {
        let text = at(&project, &database, &["rollback", "b", "--plan", "--format", format]).ok();
        has(&text, &words);
        has(&text, &["ollback plan for", "DROP TABLE \"b\""]);
    }
    let json = at(&project, &database, &["rollback", "b", "--plan", "--format", "json"]).json();
    assert_eq!(
        (json["target"]["database"].as_str(), json["direction"].as_str()),
        (Some(database.name.as_str()), Some("rollback"))
    );
    let run = at(&project, &database, &["rollback", "b"]);
    has(&run.err, &words);
    run.ok();
}

#[test]
fn an_offline_plan_says_that_no_database_was_asked() {
    let project = project(&[table("a")]);
    for format in FORMATS.iter().filter(|format| **format != "json") {
        let text = project.run(&["plan", "--offline", "--format", format]).ok();
        has(&text, &["offline: compiled for an empty database", env!("CARGO_PKG_VERSION")]);
        assert!(!text.contains("commit") && !text.contains("database user"), "{text}");
    }
    has(&project.run(&["sql", "--offline"]).ok(), &["--   database  offline: compiled for an empty database"]);
    let json = project.run(&["plan", "--offline", "--format", "json"]).json();
    assert!(json["target"].is_null() && json.get("commit").is_none(), "{json}");
}

/// A repository may have a program of its own choice run by git: ours does not run it.
#[test]
fn looking_for_the_commit_runs_nothing_of_the_repository() {
    let project = project(&[table("a")]);
    git(&project, &["init", "-q"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "-qm", "x"]);
    let mark = project.path().join("ran");
    let program = project.path().join(".git/monitor.sh");
    std::fs::write(&program, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    git(&project, &["config", "core.fsmonitor", program.to_str().unwrap()]);
    assert!(project.run(&["plan", "--offline"]).ok().contains("project at commit"));
    assert!(!mark.exists());
}

#[test]
fn sizes_of_tables_stand_beside_their_locks() {
    let changes = "
changesets:
  - id: a
    changes:
      - addColumn: { table: public.big, columns: [ { name: more, type: int } ] }
      - addColumn: { table: public.parts, columns: [ { name: more, type: int } ] }
      - addColumn: { table: public.unknown, columns: [ { name: more, type: int } ] }
      - sql: { forward: ALTER TABLE big ADD COLUMN other int, rollback: ALTER TABLE big DROP COLUMN other }
";
    let (project, database) = (Project::new(&[("plans/a.yaml", changes)]), Database::new());
    database.sql(
        "CREATE TABLE big AS SELECT i, repeat('x', 100) FROM generate_series(1, 20000) AS i; ANALYZE big;
         CREATE TABLE parts (i int) PARTITION BY RANGE (i);
         CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF parts FOR VALUES FROM (10) TO (2000);
         INSERT INTO parts SELECT generate_series(0, 1234); ANALYZE parts; ANALYZE p1; ANALYZE p2;
         CREATE TABLE unknown (i int)",
    );
    let json = project.on(&database, &["plan", "--format", "json"]).json();
    let tables = &json["tables"];
    assert_eq!(tables["public.big"]["rows"], 20_000);
    assert_eq!(tables["big"], tables["public.big"], "found by the search path");
    assert_eq!(tables["public.parts"]["rows"], 1235);
    let bytes = database.sql("SELECT relpages * 8192 FROM pg_class WHERE relname = 'big'");
    assert_eq!(tables["public.big"]["bytes"].to_string(), bytes);
    assert!(tables.get("public.unknown").is_none(), "{tables}");
    let text = project.on(&database, &["plan"]).ok();
    let size = format!("{} kB", bytes.parse::<u64>().unwrap() / 1024);
    assert!(text.contains(&format!("ACCESS EXCLUSIVE on public.big (20,000 rows, {size}): blocks")), "{text}");
    assert!(text.contains("ACCESS EXCLUSIVE on public.parts (1,235 rows, "), "{text}");
    assert!(text.contains("ACCESS EXCLUSIVE on public.unknown: blocks"), "{text}");
    // somebody who holds the table keeps nobody from looking
    let holder = database.hold("LOCK TABLE big IN ACCESS EXCLUSIVE MODE");
    for format in ["html", "markdown"] {
        assert!(project.on(&database, &["plan", "--format", format]).ok().contains("(20,000 rows, "), "{format}");
    }
    drop(holder);
}

/// Changesets that touch the same table run one after the other without an edge; that is said.
#[test]
fn why_a_changeset_is_in_a_late_wave() {
    let add = |id: &str| {
        changeset(id).change("addColumn", json!({ "table": "public.t", "columns": [{ "name": id, "type": "int" }] }))
    };
    let (project, database) = (project(&[add("a"), add("b"), table("free")]), Database::new());
    database.sql("CREATE TABLE t ()");
    let text = project.on(&database, &["plan"]).ok();
    assert!(text.contains("after a: both touch the table public.t"), "{text}");
    let waves: Vec<&str> = text.lines().filter(|line| line.starts_with("wave ")).collect();
    assert_eq!(waves, ["wave 1", "wave 2"], "{text}");
    let first = text.split("\nwave 2").next().unwrap();
    assert!(first.contains("\n  a\n") && first.contains("\n  free\n"), "{text}");
    for format in ["html", "markdown"] {
        assert!(project.on(&database, &["plan", "--format", format]).ok().contains("both touch the table"), "{format}");
    }
}

#[test]
fn a_long_plan_is_shown_as_a_summary_before_it_runs() {
    let many: Vec<Changeset> = (0..15).map(|i| table(&format!("t{i:02}"))).collect();
    let (project, database) = (project(&many), Database::new());
    let run = project.on(&database, &["apply"]);
    assert!(run.err.contains("WAVE  CHANGESET  HAZARDS  ROLLBACK\n   1  t00 "), "{}", run.err);
    assert!(run.err.contains("`--show statements`") && !run.err.contains("CREATE TABLE"), "{}", run.err);
    run.ok();
    let run = project.on(&database, &["rollback", "--all"]);
    assert!(run.err.contains("TAKES BACK") && run.err.contains("`dagmar rollback --plan`"), "{}", run.err);
    assert!(!run.err.contains("DROP TABLE"), "{}", run.err);
    run.ok();
    for (more, statements, sql) in [
        (&["--show", "statements"][..], true, false),
        (&["--show", "sql"], true, true),
        (&["-v"], true, true),
        (&["-q"], false, false),
    ] {
        let run = project.on(&database, &[&["apply"], more].concat());
        assert_eq!(run.err.contains("CREATE TABLE \"t03\""), statements, "{more:?}: {}", run.err);
        assert_eq!(run.err.contains("DROP TABLE \"t03\";"), sql, "{more:?}: {}", run.err);
        run.ok();
        project.on(&database, &["rollback", "--all", "-q"]).ok();
    }
    // a short one is shown as it is, unless less is asked for
    let shown = |more: &[&str]| {
        let run = project.on(&database, &[&["apply", "--select", "t00"], more].concat());
        project.on(&database, &["rollback", "--all", "-q"]).ok();
        run.err
    };
    assert!(shown(&[]).contains("CREATE TABLE \"t00\""));
    let summary = shown(&["--show", "summary"]);
    assert!(summary.contains("WAVE  CHANGESET") && !summary.contains("CREATE TABLE"), "{summary}");
}

/// A ticket gets exactly what is sealed.
#[test]
fn a_sealed_plan_is_shown_in_every_format() {
    let shop = Shop::new();
    git(&shop.project, &["init", "-q"]);
    git(&shop.project, &["add", "."]);
    git(&shop.project, &["commit", "-qm", "x"]);
    let commit = git(&shop.project, &["rev-parse", "HEAD"]);
    shop.run(&["key", "new", "k"]).ok();
    shop.run(&["plan", "--for", "staging,production", "--out", "p.plan", "--sign", "k"]).ok();
    let verify = |more: &[&str]| shop.project.run(&[&["plan", "--verify", "p.plan"], more].concat()).ok();
    let digest = verify(&["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&digest).unwrap();
    let (digest, key) = (json["digest"].as_str().unwrap(), json["signedBy"].as_str().unwrap());
    assert_eq!(json["commit"]["id"], commit.as_str());
    let system = shop.staging.sql("SELECT system_identifier FROM pg_control_system()");
    for format in ["markdown", "html"] {
        let text = verify(&["--format", format]);
        let place = format!(
            "{}, PostgreSQL {}, server {system}",
            shop.production.name, json["environments"][0]["target"]["server"]
        );
        has(
            &text,
            &[
                digest,
                &format!("with the key {key}"),
                &place,
                &shop.staging.name,
                &commit[..12],
                "database user postgres",
            ],
        );
        has(&text, &["orward plan for", "'live'", "'dev'", "DROP TABLE words"]);
        assert!(!text.contains("NOT SIGNED"), "{text}");
    }
    assert!(bare(&verify(&["--sql"])).contains(&format!("{}, PostgreSQL", shop.production.name)));
    shop.seal(&[]);
    for format in ["text", "markdown", "html"] {
        assert!(verify(&["--format", format]).contains("NOT SIGNED"), "{format}");
    }
    shop.project.run(&["plan", "--verify", "p.plan", "--format", "svg"]).fails(2);
}

/// Lines fit the terminal: nothing is broken in the middle of a word.
#[test]
fn lines_fit_a_terminal_of_any_width() {
    let description = "It has a description of many words, which is longer than any terminal that people have, by far";
    let long = sql(
        "long",
        "INSERT INTO somewhere.some_table (column_one, column_two) SELECT one, two FROM another_table WHERE something = 'else'",
        "SELECT 1",
    );
    let (project, database) =
        (project(&[table("first-changeset-with-a-name").with("description", description), long]), Database::new());
    project
        .on(&database, &["mark", "held", "long", "--reason", "a reason that goes on for more words than fit beside it"])
        .ok();
    for columns in [40, 60, 80, 200] {
        for args in [
            &["plan"][..],
            &["status"],
            &["graph"],
            &["apply"],
            &["why", "long"],
            &["history"],
            &["apply", "--show", "summary"],
        ] {
            let mut command = project.command(args);
            command.env("COLUMNS", columns.to_string()).args(["--yes", "--url", &database.url()]);
            let run = Run::of(command.output().unwrap());
            // one name or path may be longer
            let broken = |line: &&str| line.chars().count() > columns && line.trim().contains(' ');
            let broken: Vec<&str> = run.out.lines().chain(run.err.lines()).filter(broken).collect();
            assert!(broken.is_empty(), "{columns} {args:?}: {broken:#?}");
        }
    }
    let at = |columns: &str| {
        let mut command = project.command(&["status"]);
        command.env("COLUMNS", columns).args(["--url", &database.url()]);
        Run::of(command.output().unwrap()).ok()
    };
    assert!(at("200").contains("a reason that goes on for more words than fit beside it\n"));
    assert!(at("60").contains("words than"), "{}", at("60"));
}

/// The ticket of a change gets the gates, the database and the plan.
#[test]
fn a_promotion_begins_with_its_gates() {
    let three = Three::new("soak: 30d", &[table("a"), table("b").depends_on(["a"])]);
    three.run(&["apply", "--env", "dev"]).ok();
    three.run(&["apply", "--env", "staging"]).ok();
    let check = |format: &str| three.run(&["promote", "--to", "production", "--check", "--format", format]);
    for (format, gates) in [("markdown", "#### Gates: 1 of "), ("html", "<h2>Gates: 1 of ")] {
        let run = check(format);
        assert_eq!(run.code, 5, "{run:?}");
        has(&run.out, &[&three.production.name, "PostgreSQL ", "soak", "unmet", "CREATE TABLE \"b\""]);
        let text = bare(&run.out);
        assert!(text.find(gates).unwrap() < text.find("CREATE TABLE").unwrap(), "{text}");
    }
    let json = check("json");
    assert_eq!(json.code, 5);
    let json: serde_json::Value = serde_json::Deserializer::from_str(&json.out).into_iter().next().unwrap().unwrap();
    assert_eq!(
        (json["target"]["database"].as_str(), json["met"].as_bool()),
        (Some(three.production.name.as_str()), Some(false))
    );
    let run = check("text");
    assert!(run.out.contains("soak") && run.out.contains("unmet"), "{run:?}");
    has(&run.err, &[&three.production.name]);
    // what runs is not a document
    three.run(&["promote", "--to", "production", "--format", "markdown"]).fails(2);
    let run = three.run(&["promote", "--to", "production", "--override", "soak", "--reason", "in a hurry"]);
    assert_eq!(run.code, 0, "{run:?}");
    let (gates, plan) = (run.err.find("GATE ").unwrap(), run.err.find("forward plan for").unwrap());
    assert!(gates < plan && run.err[..plan].ends_with("\n\n"), "{}", run.err);
    run.ok();
    let run = check("markdown");
    has(&run.out, &["There is nothing to apply."]);
    run.ok();
}
