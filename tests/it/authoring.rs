//! What an author uses: a new project, the next changeset, schemas, the server of his own.

use crate::support::{Database, Project, Run, dagmar, root, snapshot};
use std::fs;
use std::path::Path;

fn run_in(dir: &Path, args: &[&str]) -> Run {
    Run::of(dagmar(args).current_dir(dir).output().unwrap())
}

/// The options of the harness' database.
fn on<'a>(url: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--yes", "--url", url]].concat()
}

#[test]
fn a_new_project_applies_and_rolls_back() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".gitignore"), "/target").unwrap();
    let home = dir.path().join("billing");
    let run = run_in(dir.path(), &["init", "billing"]);
    assert!(run.err.contains("next:") && run.err.contains("cd billing"), "{}", run.err);
    let out = run.ok();
    let files =
        ["dagmar.yaml", "plans/001_first.yaml", "tests/db/001_first.yaml", "schema/tests.schema.json", ".gitignore"];
    for path in files {
        assert!(out.contains(path) && home.join(path).is_file(), "{path}\n{out}");
    }
    assert!(run_in(&home, &["check"]).ok().contains("1 changeset in order; environment dev"));
    assert!(run_in(&home, &["check", "--env", "production"]).code == 0);
    assert!(run_in(&home, &["test"]).ok().contains("1 passed; environment dev"));
    let database = Database::new();
    let (url, empty) = (database.url(), database.dump());
    assert!(run_in(&home, &on(&url, &["apply"])).ok().contains("applied 1 changeset"));
    assert_eq!(database.sql("SELECT count(*) FROM app.notes"), "0");
    run_in(&home, &on(&url, &["rollback", "--all"])).ok();
    assert_eq!(database.dump(), empty);
}

#[test]
fn init_overwrites_nothing() {
    let project = Project::new(&[(".gitignore", "/target\n.dagmar/\n"), ("schema/project.schema.json", "mine")]);
    let err = project.run(&["init"]).fails(2);
    assert!(
        err.contains("exists already: dagmar.yaml") && err.contains("exists already: schema/project.schema.json"),
        "{err}"
    );
    assert!(!err.contains("001_first") && !project.path().join("plans/001_first.yaml").exists(), "{err}");
    assert_eq!(fs::read_to_string(project.path().join("dagmar.yaml")).unwrap(), "");
    for path in ["dagmar.yaml", "schema/project.schema.json"] {
        fs::remove_file(project.path().join(path)).unwrap();
    }
    let json = project.run(&["init", "--format", "json"]).json();
    assert_eq!(json["written"].as_array().unwrap().len(), 7, "{json}");
    // the line already exists
    assert_eq!(fs::read_to_string(project.path().join(".gitignore")).unwrap(), "/target\n.dagmar/\n");
}

const FIRST: &str = "
changesets:
  - id: 001-base
    changes: [{ createSchema: { name: app } }]
  - id: 002-users
    dependsOn: [001-base]
    changes: [{ createTable: { table: app.users, columns: [{ name: id, type: bigint, primaryKey: true }] } }]
";

#[test]
fn a_new_changeset_has_its_edges_and_required_keys() {
    let project = Project::new(&[("plans/a.yaml", FIRST)]);
    project.run(&["schema", "--write"]).ok();
    let args = ["new", "Add: user's names", "--depends-on", "002-users", "--author", "J: Doe", "--label", "auth"];
    let more = ["--description", "what: \"names\"", "--change", "addColumn", "--change", "createIndex"];
    assert_eq!(project.run(&[args.as_slice(), &more].concat()).ok(), "plans/add-user-s-names.yaml\n");
    let text = fs::read_to_string(project.path().join("plans/add-user-s-names.yaml")).unwrap();
    assert_eq!(
        text,
        "# yaml-language-server: $schema=../schema/changelog.schema.json

changesets:
  - id: add-user-s-names
    author: \"J: Doe\"
    description: \"what: \\\"names\\\"\"
    dependsOn:
      - 002-users
    labels: [auth]
    changes:
      - addColumn:
          table: app.<change_me>
          columns:
            - { name: <change_me>, type: uuid }
      - createIndex:
          name: <change_me>
          table: app.<change_me>
          columns:
            - <change_me>
          # also: unique, using, include, where, nullsNotDistinct, concurrently, tablespace, comment
"
    );
    snapshot("authoring/a_new_changeset_has_its_edges_and_required_keys", &project.run(&["check"]).refusal(3));
    project.write("plans/add-user-s-names.yaml", &text.replace("<change_me>", "change_me_not"));
    assert!(project.run(&["check"]).ok().contains("3 changesets"));
    // the end of the graph is offered, where no edge is given
    project.run(&["new", "team/next"]).ok();
    let text = fs::read_to_string(project.path().join("plans/team-next.yaml")).unwrap();
    assert!(text.contains("id: team/next\n") && text.contains("    #   - add-user-s-names\n"), "{text}");
    assert!(!text.contains("001-base") && text.contains("changes: []"), "{text}");
}

#[test]
fn a_new_changeset_takes_nobodys_place() {
    let project = Project::new(&[("plans/a.yaml", FIRST), ("plans/taken.yaml", "changesets:\n")]);
    snapshot("authoring/a_new_changeset_takes_nobodys_place", &project.run(&["new", "002 users"]).refusal(2));
    snapshot("authoring/a_new_changeset_takes_nobodys_place-2", &project.run(&["new", "taken"]).refusal(2));
    snapshot(
        "authoring/a_new_changeset_takes_nobodys_place-3",
        &project.run(&["new", "x", "--depends-on", "002-user"]).refusal(2),
    );
    snapshot(
        "authoring/a_new_changeset_takes_nobodys_place-4",
        &project.run(&["new", "x", "--change", "creatTable"]).refusal(2),
    );
    snapshot("authoring/a_new_changeset_takes_nobodys_place-5", &project.run(&["new", "…"]).refusal(2));
    assert!(!project.path().join("plans/x.yaml").exists());
    let mut edit = project.command(&["new", "x", "--edit"]);
    let run = Run::of(edit.env("EDITOR", "printf '# edited\\n' >>").output().unwrap());
    run.ok();
    let text = fs::read_to_string(project.path().join("plans/x.yaml")).unwrap();
    assert!(text.ends_with("# edited\n") && !text.contains("$schema"), "{text}");
}

/// Nobody applies a table `app.change_me`: each scaffold is refused until it is filled in, and
/// nothing is said of it besides that.
#[test]
fn no_scaffold_passes_as_it_is() {
    let list = Project::new(&[]).run(&["schema", "--list", "--format", "json"]).json();
    let kinds: Vec<&str> =
        list["changeTypes"].as_array().unwrap().iter().map(|kind| kind["name"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), dagmar::change::KINDS.len());
    for kind in kinds {
        let project = Project::new(&[]);
        project.run(&["new", "a", "--change", kind]).ok();
        let value = project.run(&["check", "--format", "json"]).json();
        let found = value["diagnostics"].as_array().unwrap_or_else(|| panic!("{kind} passes"));
        let codes: Vec<&str> = found.iter().map(|d| d["code"].as_str().unwrap()).collect();
        let line = found[0]["line"].as_u64().unwrap() as usize;
        let text = fs::read_to_string(project.path().join("plans/a.yaml")).unwrap();
        assert!(codes.iter().all(|code| *code == "DG0126"), "{kind}: {value:#}\n{text}");
        assert!(text.lines().nth(line - 1).unwrap().contains("<change_me>"), "{kind}: line {line} of\n{text}");
    }
    // letters of a name are no placeholder
    let real = "changesets:\n  - id: a\n    changes:\n      - createTable:\n          table: app.change_me\n          columns: [{ name: change_me, type: int }]\n";
    Project::new(&[("plans/a.yaml", real)]).run(&["check"]).ok();
}

const MANIFEST: &str = "
description: Keeps updated_at up to date
parameters:
  type: object
  properties: { table: { type: string, description: The table } }
  required: [table]
  additionalProperties: false
irreversible: it is a test
";

#[test]
fn the_schema_knows_the_projects_own_types() {
    let project = Project::new(&[
        ("templates/touch/manifest.yaml", MANIFEST),
        ("templates/touch/template.sql.hbs", "-- forward\nSELECT {{literal table}};\n"),
    ]);
    let written = project.run(&["schema", "--write"]).ok();
    let names =
        ["changelog", "project", "manifest", "tests", "answers"].map(|name| format!("schema/{name}.schema.json\n"));
    assert_eq!(written, names.concat());
    let answers = fs::read_to_string(project.path().join("schema/answers.schema.json")).unwrap();
    assert_eq!(answers, project.run(&["schema", "answers"]).ok());
    let text = fs::read_to_string(project.path().join("schema/changelog.schema.json")).unwrap();
    assert_eq!(text, project.run(&["schema"]).ok());
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(schema["definitions"]["Change"]["properties"]["touch"]["$ref"], "#/definitions/touch");
    let list = project.run(&["schema", "--list"]).ok();
    assert!(
        list.contains("touch ") && list.contains("(own) Keeps updated_at") && list.contains("createTable "),
        "{list}"
    );
    let one = project.run(&["schema", "--type", "touch", "--format", "json"]).json();
    assert_eq!(one["changeType"]["keys"][0]["name"], "table");
    snapshot(
        "authoring/the_schema_knows_the_projects_own_types",
        &project.run(&["schema", "--type", "touc"]).refusal(2),
    );
    assert!(project.run(&["schema", "--markdown"]).ok().contains("## `touch` (own)"));
    project.write("templates/touch/manifest.yaml", "description: [");
    assert!(project.run(&["schema", "--list"]).err.contains("`touch` is omitted"));
}

#[test]
fn outside_of_a_project_the_schema_has_the_built_in_types() {
    let dir = tempfile::tempdir().unwrap();
    assert!(run_in(dir.path(), &["schema", "--type", "createTable"]).ok().contains("list of column"));
    assert!(run_in(dir.path(), &["schema", "project"]).ok().contains("promoteFrom"));
    run_in(dir.path(), &["schema", "--write"]).fails(2);
    run_in(dir.path(), &["schema", "--project", "nowhere"]).fails(2);
}

#[test]
fn the_server_of_an_environment_runs_until_it_is_stopped() {
    let project = Project::new(&[("dagmar.yaml", "environments:\n  prod: { url: x }\n  dev: { url: embedded }\n")]);
    let status = || project.run(&["dev", "status", "--format", "json"]).json();
    assert!(status()["running"] == false && !project.path().join(".dagmar").exists());
    snapshot(
        "authoring/the_server_of_an_environment_runs_until_it_is_stopped",
        &project.run(&["dev", "url"]).refusal(7),
    );
    snapshot(
        "authoring/the_server_of_an_environment_runs_until_it_is_stopped-2",
        &project.run(&["dev", "start", "--env", "prod"]).refusal(2),
    );

    let url = project.run(&["dev", "start"]).ok();
    let dir = status()["directory"].as_str().unwrap().to_owned();
    // the place that README and a new dagmar.yaml tell
    let place =
        if root() { "/var/tmp/dagmar-0".into() } else { project.path().canonicalize().unwrap().join(".dagmar") };
    assert!(Path::new(&dir).starts_with(&place) && Path::new(&dir).join("data/PG_VERSION").is_file(), "{dir}");
    assert_eq!((&status()["running"], &status()["kept"]), (&true.into(), &true.into()));
    assert_eq!(project.run(&["dev", "url"]).ok(), url);
    let psql = |sql: &str| project.run(&["dev", "psql", "--", "-XAtc", sql]);
    psql("CREATE TABLE t AS SELECT 42 AS n").ok();
    assert_eq!(psql("TABLE t").ok(), "42\n");
    assert!(psql("TABLE nothing").fails(8).contains("does not exist"));
    // other commands use it, by its URL too, and leave it running
    project.run(&["status", "--env", "dev"]).ok();
    project.run(&["status", "--url", url.trim()]).ok();
    assert_eq!(status()["running"], true);

    snapshot(
        "authoring/the_server_of_an_environment_runs_until_it_is_stopped-3",
        &project.run(&["dev", "reset"]).refusal(5),
    );
    // a session that somebody else has open
    let mut other = project.command(&["dev", "psql", "--", "-XAtq"]);
    let mut other = other.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(other.stdin.as_mut().unwrap(), b"SELECT 'here';\n").unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(other.stdout.take().unwrap()), &mut line).unwrap();
    assert_eq!(line, "here\n");
    snapshot(
        "authoring/the_server_of_an_environment_runs_until_it_is_stopped-4",
        &project.run(&["dev", "reset", "--yes"]).refusal(6),
    );
    snapshot(
        "authoring/the_server_of_an_environment_runs_until_it_is_stopped-5",
        &project.run(&["dev", "stop"]).refusal(6),
    );
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());

    project.run(&["dev", "stop"]).ok();
    assert_eq!((&status()["running"], &status()["kept"]), (&false.into(), &false.into()));
    assert_eq!(psql("TABLE t").ok(), "42\n");
    assert_eq!(status()["running"], false, "it ran for psql only");
    project.run(&["dev", "reset", "--yes"]).ok();
    assert!(status()["version"].is_null());
    fs::remove_dir_all(dir).unwrap();
}

/// A page of the documentation.
fn page_of(page: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap()
}

/// The files that a page of the documentation holds: fences with `file=PATH`.
fn files_of(page: &str) -> Vec<(String, String)> {
    let text = page_of(page);
    let mut files: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if open && line == "```" {
            open = false;
        } else if open {
            let (_, body) = files.last_mut().unwrap();
            body.push_str(line);
            body.push('\n');
        } else if let Some((_, path)) = line.split_once(" file=").filter(|_| line.starts_with("```")) {
            files.push((path.to_owned(), String::new()));
            open = true;
        }
    }
    files
}

#[test]
fn the_examples_of_the_documentation_work() {
    for (page, least) in [("format.md", 2), ("templates.md", 4)] {
        let files = files_of(page);
        assert!(files.len() >= least, "{page}");
        let list: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let (project, database) = (Project::new(&list), Database::new());
        project.run(&["check"]).ok();
        let empty = database.dump();
        project.on(&database, &["apply"]).ok();
        project.on(&database, &["rollback", "--all"]).ok();
        assert_eq!(database.dump(), empty, "{page}");
    }
}

#[test]
fn the_proof_in_the_readme_is_what_is_printed() {
    let page = page_of("../README.md");
    let (_, sample) = page.split_once("```console\n$ dagmar prove --all\n").unwrap();
    let (sample, _) = sample.split_once("\n```").unwrap();
    let mut files = files_of("../README.md");
    files.push(("dagmar.yaml".to_owned(), "environments: { dev: {} }\n".to_owned()));
    let list: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let run = Project::new(&list).run(&["prove", "--all"]);
    // the version of the server and the time
    let bare = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split(" on PostgreSQL ").next().unwrap());
        lines
            .map(|line| {
                line.rsplit_once(" (").filter(|(_, end)| end.ends_with(" s)")).map_or(line, |(l, _)| l).to_owned()
            })
            .collect()
    };
    assert_eq!(bare(&format!("{}{}", run.out, run.err)), bare(sample), "{run:?}");
}
