//! Files that are read and written: what is too large, no file, in the way, or somebody else's.

use crate::support::{Database, Project, Run, changeset, dagmar, file, sql};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What would take for ever without a limit is over long before.
const SOON: Duration = Duration::from_secs(20);

fn small() -> Project {
    Project::new(&[("plans/a.yaml", &file(&[sql("a", "CREATE TABLE a ()", "DROP TABLE a")]))])
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs a command in at most 1.5 GB and a short time.
#[track_caller]
fn bounded(project: &Project, args: &[&str], vars: &[(&str, &str)]) -> Run {
    let began = Instant::now();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v 1500000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_dagmar")])
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(vars.iter().copied())
        .current_dir(project.path());
    let run = Run::of(command.output().unwrap());
    assert!(began.elapsed() < SOON, "{args:?} took {:?}", began.elapsed());
    run
}

#[test]
fn what_is_no_file_or_too_large_is_not_read() {
    let project = small();
    let path = |name: &str| project.path().join(name).display().to_string();
    pipe(&project.path().join("pipe"));
    fs::File::create(project.path().join("large")).unwrap().set_len(2 << 30).unwrap();
    let url = "postgres://u@127.0.0.1:1/d";
    for (args, vars, code, words) in [
        (&["apply", "pipe"][..], vec![], 2, "cannot read `pipe`: it is a pipe, and not a regular file"),
        (&["apply", "/dev/zero"], vec![], 2, "cannot read `/dev/zero`: it is a device, and not a regular file"),
        (&["plan", "--verify", "large"], vec![], 2, "cannot read `large`: it has more than 256 MB"),
        (&["plan", "--verify", "p.plan", "--key", "pipe"], vec![], 2, "cannot read `pipe`: it is a pipe"),
        (&["plan", "--verify", "p.plan", "--key", "large"], vec![], 2, "cannot read `large`: it has more than 64 kB"),
        (&["plan", "--out", "p.plan", "--sign", "/dev/zero"], vec![], 2, "cannot read `/dev/zero`: it is a device"),
        (&["status"], vec![("PGSERVICE", "x"), ("PGSERVICEFILE", "pipe")], 2, "`pipe` is not a regular file"),
        (&["status"], vec![("PGSERVICE", "x"), ("PGSERVICEFILE", "large")], 2, "`large` has more than 16 MB"),
        (&["status", "--url", url], vec![("PGPASSFILE", "pipe")], 7, "the password file `pipe` is ignored"),
        (
            &["status", "--url", url],
            vec![("PGPASSFILE", "large")],
            7,
            "the password file `large` is ignored: it has more than 16 MB",
        ),
        (
            &["status", "--url", url],
            vec![("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "pipe")],
            7,
            "the root certificate `pipe` cannot be used: it is a pipe",
        ),
        (
            &["status", "--url", url],
            vec![("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "large")],
            7,
            "the root certificate `large` cannot be used: it has more than 64 MB",
        ),
    ] {
        let run = bounded(&project, args, &vars);
        assert_eq!(run.code, code, "{args:?} {run:?}");
        assert!(run.err.contains(words) && run.err.contains("help: "), "{words}\n{run:?}");
    }
    for (name, words) in [("pipe", "is not a regular file"), ("large", "has more than 16 MB")] {
        project.write("dagmar.yaml", &format!("environments: {{ dev: {{ urlFile: '{}' }} }}\n", path(name)));
        let run = bounded(&project, &["status"], &[]);
        assert!(run.code == 7 && run.err.contains(words), "{run:?}");
    }
    // of the project's own files
    project.write("dagmar.yaml", "");
    let odd = |name: &str| {
        project.write(
            "plans/b.yaml",
            &file(&[changeset("b").change("sqlFile", json!({ "path": name })).with("rollback", json!([]))]),
        );
        bounded(&project, &["check"], &[]).fails(3)
    };
    assert!(odd("pipe").contains("it is a pipe, and not a regular file"));
    assert!(odd("large").contains("it has more than 16 MB"));
    fs::remove_file(project.path().join("plans/b.yaml")).unwrap();
    pipe(&project.path().join("plans/c.yaml"));
    let said = bounded(&project, &["check"], &[]).fails(3);
    assert!(said.contains("`plans/c.yaml` is a pipe, and not a regular file"), "{said}");
}

#[test]
fn nothing_is_overwritten_that_is_something_else() {
    let (project, database) = (small(), Database::new());
    let path = |name: &str| project.path().join(name);
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    project.run(&["key", "new", "release.key"]).ok();
    project.write("precious", "the only copy");
    symlink(path("precious"), path("link")).unwrap();
    let key = read("release.key");
    for (args, words) in [
        (&["plan", "--out", "release.key"][..], "`release.key` is a private key; it is not overwritten"),
        (&["plan", "--out", "release.key", "--force"], "`release.key` is a private key; it is not overwritten"),
        (&["plan", "--out", "precious"], "`precious` exists and has other content"),
        (&["plan", "--out", "link"], "`link` is a link"),
        (&["plan", "--out", "link", "--force"], "`link` is a link"),
        (&["plan", "--out", "plans"], "`plans` exists and is not a regular file"),
        (&["sql", "--output", "release.key", "--force"], "`release.key` is a private key"),
        (&["sql", "--output", "precious"], "`precious` exists and has other content"),
        (&["key", "new", "precious"], "`precious` already exists"),
        (&["key", "new", "link"], "`link` is a link"),
    ] {
        let said = project.on(&database, args).fails(2);
        assert!(said.contains(words) && said.contains("help: "), "{words}\n{said}");
    }
    assert_eq!((read("release.key"), read("precious")), (key, "the only copy".to_owned()));

    // one of the same kind is replaced, as a whole; another one when that is asked for
    for (name, command) in [("p.plan", ["plan", "--out"]), ("s.sql", ["sql", "--output"])] {
        let write = |more: &[&str]| project.on(&database, &[&command[..], &[name], more].concat());
        write(&[]).ok();
        fs::set_permissions(path(name), fs::Permissions::from_mode(0o640)).unwrap();
        write(&[]).ok();
        assert_eq!(fs::metadata(path(name)).unwrap().mode() & 0o777, 0o640, "as it was");
        project.write(name, "notes");
        assert!(write(&[]).fails(2).contains("`--force`"));
        write(&["--force"]).ok();
        assert_ne!(read(name), "notes");
    }
    project.run(&["schema", "--write"]).ok();
    project.run(&["schema", "--write"]).ok();
    project.write("schema/project.schema.json", "{\"mine\": true}");
    assert!(project.run(&["schema", "--write"]).fails(2).contains("other content"));
    project.run(&["schema", "--write", "--force"]).ok();
    assert!(read("schema/project.schema.json").contains("urn:dagmar:schema:project"));
    project.run(&["man", "pages"]).ok();
    project.run(&["man", "pages"]).ok();
    project.write("pages/dagmar.1", "mine");
    assert!(project.run(&["man", "pages"]).fails(2).contains("other content"));
    let left = |dir: &Path| {
        fs::read_dir(dir).unwrap().any(|e| e.unwrap().file_name().to_string_lossy().starts_with(".dagmar-"))
    };
    assert!(!left(project.path()) && !left(&path("schema")) && !left(&path("pages")));
}

/// A file of 1.2 MB that would take 20 GB, and one of nodes that each are small.
#[test]
fn aliases_have_a_limit_in_bytes() {
    let project = small();
    let large = format!("x: &x \"{}\"\nchangesets: [{}]\n", "y".repeat(1 << 20), vec!["*x"; 50_000].join(","));
    project.write("plans/b.yaml", &large);
    let said = bounded(&project, &["check"], &[]).fails(3);
    assert!(
        said.contains("the aliases of this file expand beyond the limit") && said.contains("plans/b.yaml:2:"),
        "{}",
        &said[..300]
    );
}

#[test]
fn folders_and_templates_without_an_end() {
    let project = small();
    // 25 folders, each with two links to the next: 2^25 ways
    for level in 0..25 {
        fs::create_dir_all(project.path().join(format!("plans/f{level}"))).unwrap();
        for name in ["a", "b"] {
            symlink(format!("../f{}", level + 1), project.path().join(format!("plans/f{level}/{name}"))).unwrap();
        }
    }
    fs::create_dir_all(project.path().join("plans/f25")).unwrap();
    let said = bounded(&project, &["check"], &[]).fails(3);
    assert!(said.contains("which is read already") && said.contains("help: remove the link"), "{said}");
    let project = small();
    symlink(".", project.path().join("plans/again")).unwrap();
    assert!(bounded(&project, &["check"], &[]).fails(3).contains("leads to the folder `plans`, which is read already"));

    let project = small();
    let manifest = "description: mine\nparameters: { type: object, properties: { l: { type: array } } }\n";
    let list: Vec<u32> = (0..100).collect();
    project.write("templates/mine/manifest.yaml", manifest);
    project.write("plans/b.yaml", &file(&[changeset("b").change("mine", json!({ "l": list }))]));
    let each = |depth: usize| format!("{}x{}", "{{#each @root.l}}".repeat(depth), "{{/each}}".repeat(depth));
    for (body, words) in [
        ("{{#*inline \"p\"}}{{> p}}{{/inline}}{{> p}}".to_owned(), "the partial `p` calls itself"),
        (each(4), "the template takes more than"),
        (each(12), "the template takes more than"),
    ] {
        project.write(
            "templates/mine/template.sql.hbs",
            &format!("-- forward\nSELECT '{body}';\n-- rollback\nSELECT 1;\n"),
        );
        let said = bounded(&project, &["check"], &[]).fails(3);
        assert!(said.contains(words), "{words}\n{said}");
    }
}

#[test]
fn a_project_above_that_is_somebody_elses_is_refused() {
    let project = small();
    let below = project.path().join("deep/er");
    fs::create_dir_all(&below).unwrap();
    project.write("dagmar.yaml", "environments: { dev: { urlCommand: [touch, ran] } }\n");
    let run = |dir: &Path, args: &[&str], vars: &[(&str, &str)]| {
        let mut command = dagmar(args);
        Run::of(command.current_dir(dir).envs(vars.iter().copied()).output().unwrap())
    };
    // ours: taken
    run(&below, &["check"], &[]).ok();
    if fs::metadata(project.path()).unwrap().uid() != 0 {
        // who is not root cannot give a file away; the rule itself is the same
        return;
    }
    let ran = project.path().join("ran");
    for (folder, yaml) in [(65_534, 65_534), (0, 65_534), (65_534, 0)] {
        chown(project.path(), Some(folder), None).unwrap();
        chown(project.path().join("dagmar.yaml"), Some(yaml), None).unwrap();
        let said = run(&below, &["status"], &[]).fails(5);
        assert!(said.contains("belongs to another user") && said.contains("help: if you trust it, name it"), "{said}");
        assert!(!ran.exists());
        // whom root works for by sudo
        run(&below, &["check"], &[("SUDO_UID", "65534")]).ok();
        assert_eq!(run(&below, &["check"], &[("SUDO_UID", "65533")]).code, 5);
    }
    // named, or entered
    run(&below, &["check", "--project", project.path().to_str().unwrap()], &[]).ok();
    run(&below, &["check"], &[("DAGMAR_PROJECT", project.path().to_str().unwrap())]).ok();
    run(project.path(), &["check"], &[]).ok();
}

#[test]
fn dumps_are_for_nobody_else_and_stay_in_the_project() {
    let database = Database::new();
    let project = small();
    let with = |to: &str| {
        project.write(
            "dagmar.yaml",
            &format!("environments: {{ dev: {{ beforeApply: [ {{ dump: {{ to: '{to}' }} }} ] }} }}\n"),
        );
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                "umask 0; exec \"$0\" \"$@\"",
                env!("CARGO_BIN_EXE_dagmar"),
                "apply",
                "--yes",
                "--url",
                &database.url(),
            ])
            .current_dir(project.path())
            .env("OUT", "..")
            .env_remove("DATABASE_URL");
        Run::of(command.output().unwrap())
    };
    let outside = project.path().parent().unwrap().join("out.dump");
    for to in ["../out.dump", "backups/../../out.dump", "/tmp/out.dump"] {
        assert!(with(to).fails(3).contains("leads out of the project's folder"), "{to}");
    }
    symlink("..", project.path().join("away")).unwrap();
    for to in ["${OUT}/out.dump", "away/out.dump", "away/new/out.dump"] {
        assert!(with(to).fails(8).contains("leads out of the project's folder"), "{to}");
    }
    symlink(&outside, project.path().join("dangling")).unwrap();
    assert!(with("dangling").fails(8).contains("already exists"));
    assert!(!outside.exists() && !project.path().parent().unwrap().join("new").exists());
    with("backups/deep/${run}.dump").ok();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let folder = project.path().join("backups/deep");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!((files.len(), mode(&files[0]), mode(&folder)), (1, 0o600, 0o700));
    assert!(fs::read(&files[0]).unwrap().starts_with(b"PGDMP"));
}

/// Names that read like the marks in our own SQL.
#[test]
fn names_like_marks_are_names() {
    let database = Database::new();
    let project = Project::new(&[(
        "plans/a.yaml",
        "changesets:\n  - id: a\n    changes:\n      - createSchema: { name: '@ledger@' }\n      - createTable: { table: '\"@ledger@\".\"@schemas@\"', columns: [{ name: '@attic@', type: int }] }\n  - id: b\n    dependsOn: [a]\n    changes:\n      - addColumn: { table: '\"@ledger@\".\"@schemas@\"', columns: [{ name: '@roles@', type: int }] }\n",
    )]);
    project.on(&database, &["plan", "--against"]).ok();
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql("SELECT count(*) FROM \"@ledger@\".\"@schemas@\""), "0");
    project.on(&database, &["rollback", "--all"]).ok();
}

#[test]
fn the_ledger_has_a_name_that_is_one() {
    let project = small();
    for name in ["a\\n\\\\! touch /tmp/dagmar-pwned\\n", "x$body$", "@attic@", "pg_x", "public"] {
        project.write("dagmar.yaml", &format!("ledger: {{ schema: \"{name}\" }}\n"));
        for args in [&["check"][..], &["sql", "--offline"]] {
            let run = project.run(args);
            assert_eq!((run.code, run.out.as_str()), (3, ""), "{run:?}");
            assert!(run.err.contains("DG0118") && run.err.contains("dagmar.yaml:1:"), "{run:?}");
        }
    }
    let longest = "l".repeat(55);
    project.write("dagmar.yaml", &format!("ledger: {{ schema: {longest} }}\n"));
    let database = Database::new();
    project.on(&database, &["apply"]).ok();
    assert_eq!(database.sql(&format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{longest}_attic'")), "1");
}
