//! The workflows of `docs/ci`: every command of every job runs as it stands there, in the order of the jobs, with the
//! secrets that `docs/ci/README.md` gives to the job's environment, on nothing but what earlier jobs hand over.

use crate::support::{Database, Project, Run, changeset, file, git, parameters, sql};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a script may begin with besides `dagmar`.
const TOOLS: [&str; 4] = ["git", "install", "printf", "rm"];
/// What talks to the platform: a script with one of these is not run.
const PLATFORM: [&str; 2] = ["gh", "curl"];

const TESTS: &str = "tests:\n  - name: an order has a note\n    steps:\n      - sql: INSERT INTO app.orders (id, note) VALUES (1, '{}')\n      \
                     - expect: { sql: SELECT note FROM app.orders, rows: [[{}]] }\n";

/// One step of a job.
enum Step {
    /// The files of the repository.
    Checkout,
    /// A script, and variables for it.
    Script(String, Vec<(String, String)>),
    /// Hands these files over under a name.
    Upload(String, Vec<String>),
    /// Takes the files of this name; `*` at its end stands for any characters.
    Download(String),
}

struct Job {
    name: String,
    /// What starts it.
    event: String,
    steps: Vec<Step>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci").join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&page(name)).unwrap()
}

/// The names of the secrets that an environment has, by the table of the page.
fn secrets(environment: &str) -> Vec<String> {
    let page = page("README.md");
    let row = page.lines().find(|line| line.starts_with(&format!("| `{environment}` |")));
    let row = row.unwrap_or_else(|| panic!("no row of {environment} in docs/ci/README.md"));
    let quoted: Vec<String> = row.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    quoted.into_iter().filter(|word| word.ends_with("_URL") || word.ends_with("_KEY")).collect()
}

/// The event that a condition asks for.
fn event(condition: &str, before: &str, quote: char) -> String {
    let after = condition.split(before).nth(1).unwrap_or_else(|| panic!("no event in {condition}"));
    after.split(quote).next().unwrap().to_owned()
}

/// Whether a script is one for the platform's own tools; it is made of known tools either way.
fn of_platform(script: &str) -> bool {
    let words: Vec<&str> = script.split_whitespace().collect();
    let platform = PLATFORM.iter().any(|tool| words.contains(tool));
    let known = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or_default();
        TOOLS.contains(&first) || if platform { first == "{" || PLATFORM.contains(&first) } else { first == "dagmar" }
    };
    let unknown: Vec<&str> = script.lines().filter(|line| !line.trim().is_empty() && !known(line)).collect();
    assert!(unknown.is_empty(), "these lines are neither run nor known: {unknown:#?}");
    assert!(!platform || !script.contains("dagmar "), "a script for the platform runs dagmar: {script}");
    platform
}

fn github() -> Vec<Job> {
    let workflow = yaml("github-actions.yaml");
    assert_eq!(workflow["permissions"], parameters(""), "permissions are those of each job");
    assert!(workflow["on"].get("pull_request_target").is_none());
    let jobs = workflow["jobs"].as_object().unwrap().iter().map(|(name, job)| {
        assert!(job["permissions"].is_object(), "{name} has no permissions");
        let given = job["environment"].as_str().map(secrets).unwrap_or_default();
        let mut asked = Vec::new();
        let steps: Vec<Step> =
            job["steps"].as_array().unwrap().iter().filter_map(|step| github_step(step, &given, &mut asked)).collect();
        let unused: Vec<_> = given.iter().filter(|name| !asked.contains(*name)).collect();
        assert!(unused.is_empty(), "{name} needs no {unused:?}");
        Job { name: name.clone(), event: event(&text(&job["if"]), "github.event_name == '", '\''), steps }
    });
    jobs.collect()
}

fn github_step(step: &Value, given: &[String], asked: &mut Vec<String>) -> Option<Step> {
    let Some(uses) = step["uses"].as_str() else {
        let script = text(&step["run"]);
        assert!(!script.contains("${{"), "an expression in a script: {script}");
        if of_platform(&script) {
            return None;
        }
        let variables = step["env"].as_object().into_iter().flatten().map(|(name, value)| {
            let value = text(value);
            assert_eq!(value, format!("${{{{ secrets.{name} }}}}"));
            assert!(given.contains(name), "the environment of the job has no {name}");
            asked.push(name.clone());
            (name.clone(), name.clone())
        });
        return Some(Step::Script(script, variables.collect()));
    };
    let with = &step["with"];
    let (action, version) = uses.split_once("@v").unwrap();
    assert!(version.parse::<u32>().is_ok(), "{uses} is not a major version");
    Some(match action {
        "actions/checkout" => {
            assert_eq!(with["persist-credentials"], false);
            Step::Checkout
        }
        "actions/upload-artifact" => Step::Upload(text(&with["name"]), vec![text(&with["path"])]),
        "actions/download-artifact" => {
            Step::Download(with["pattern"].as_str().map_or_else(|| text(&with["name"]), str::to_owned))
        }
        _ => panic!("{uses}: what is it for?"),
    })
}

fn gitlab() -> Vec<Job> {
    let pipeline = yaml("gitlab-ci.yaml");
    let stages = pipeline["stages"].as_array().unwrap();
    let jobs = pipeline.as_object().unwrap().iter().filter(|(_, value)| value.get("script").is_some());
    let job = |(name, job): (&String, &Value)| {
        assert!(stages.contains(&job["stage"]), "{name}");
        let environment = job["environment"].as_str().or(job["environment"]["name"].as_str());
        let given = environment.map(secrets).unwrap_or_default();
        let mut steps = vec![Step::Checkout];
        let needs = job["needs"].as_array().into_iter().flatten();
        steps.extend(needs.map(|needed| Step::Download(text(needed))));
        // all lines are one script
        for part in ["script", "after_script"] {
            let lines = job[part].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join("\n");
            if !of_platform(&lines) {
                steps.push(Step::Script(lines, given.iter().map(|name| (name.clone(), name.clone())).collect()));
            }
        }
        let artifacts = &job["artifacts"];
        let reports = artifacts["reports"].as_object().into_iter().flatten().map(|(_, path)| text(path));
        steps.push(Step::Upload(format!("reports of {name}"), reports.collect()));
        let paths = artifacts["paths"].as_array().into_iter().flatten().map(text);
        steps.push(Step::Upload(name.clone(), paths.collect()));
        Job { name: name.clone(), event: event(&text(&job["rules"][0]["if"]), "$CI_PIPELINE_SOURCE == \"", '"'), steps }
    };
    jobs.map(job).collect()
}

/// A repository whose branch `feature` has one changeset more than `main`, two databases with what `main` has, and
/// what jobs hand over.
struct Platform {
    repository: Project,
    staging: Database,
    production: Database,
    key: String,
    home: tempfile::TempDir,
    /// What has the name, and its files.
    handed_over: BTreeMap<String, Vec<(String, Vec<u8>)>>,
    /// What each job said on its standard output.
    said: BTreeMap<String, String>,
}

impl Platform {
    fn new() -> Self {
        let columns = |more: &str| {
            parameters(&format!("table: app.orders, columns: [{{ name: id, type: int, primaryKey: true }}{more}]"))
        };
        let orders = changeset("orders").change("createTable", columns("")).depends_on(["app"]);
        let old = [sql("app", "CREATE SCHEMA app", "DROP SCHEMA app"), orders];
        // the configuration of the page
        let page = page("README.md");
        let config = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
        let repository = Project::new(&[("dagmar.yaml", config), ("plans/a.yaml", &file(&old))]);
        repository.run(&["key", "new", "release.key"]).ok();
        let key = repository.path().join("release.key");
        repository.write("keys/release.key.pub", &fs::read_to_string(key.with_extension("key.pub")).unwrap());
        repository.write(".gitignore", "/release.key*\n.dagmar/\n");
        let this = Self {
            key: encoded(&key),
            repository,
            staging: Database::new(),
            production: Database::new(),
            home: tempfile::tempdir().unwrap(),
            handed_over: BTreeMap::new(),
            said: BTreeMap::new(),
        };
        let first: [&[&str]; 3] = [
            &["plan", "--for", "staging,production", "--out", ".dagmar/first.plan", "--sign", "release.key"],
            &["apply", ".dagmar/first.plan", "--env", "staging", "--yes"],
            &["promote", ".dagmar/first.plan", "--to", "production", "--yes"],
        ];
        fs::create_dir_all(this.repository.path().join(".dagmar")).unwrap();
        for args in first {
            let mut command = this.repository.command(args);
            command.env("STAGING_DATABASE_URL", this.staging.url());
            command.env("PRODUCTION_DATABASE_URL", this.production.url());
            Run::of(command.output().unwrap()).ok();
        }
        let commit = |message: &str| {
            git(&this.repository, &["add", "."]);
            git(&this.repository, &["commit", "-qm", message]);
        };
        git(&this.repository, &["init", "-q"]);
        commit("first");
        git(&this.repository, &["checkout", "-qb", "feature"]);
        let note = sql("note", "ALTER TABLE app.orders ADD note json", "ALTER TABLE app.orders DROP note");
        this.repository.write("plans/b.yaml", &file(&[note.depends_on(["orders"])]));
        this.repository.write("tests/db/orders.yaml", TESTS);
        commit("second");
        this
    }

    fn value(&self, name: &str) -> String {
        match name {
            "STAGING_DATABASE_URL" => self.staging.url(),
            "PRODUCTION_DATABASE_URL" => self.production.url(),
            "DAGMAR_SIGNING_KEY" => self.key.clone(),
            _ => panic!("what is {name}?"),
        }
    }

    /// Runs the jobs of an event, on a clone of this branch.
    fn run(&mut self, jobs: &[Job], event: &str, branch: &str) {
        let mut of_event = jobs.iter().filter(|job| job.event == event).peekable();
        assert!(of_event.peek().is_some(), "no job for {event}");
        for job in of_event {
            self.run_job(job, branch);
        }
    }

    fn run_job(&mut self, job: &Job, branch: &str) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("work");
        fs::create_dir(&folder).unwrap();
        for step in &job.steps {
            match step {
                Step::Checkout => {
                    git(&self.repository, &["clone", "-q", "-b", branch, ".", folder.to_str().unwrap()]);
                }
                Step::Script(script, variables) => self.run_script(job, script, variables, &folder),
                Step::Upload(name, paths) => {
                    let read = |path: &String| {
                        let bytes = fs::read(folder.join(path));
                        (path.clone(), bytes.unwrap_or_else(|e| panic!("{}: {path}: {e}", job.name)))
                    };
                    let files = paths.iter().map(read).collect();
                    assert!(self.handed_over.insert(name.clone(), files).is_none(), "{name} twice");
                }
                Step::Download(name) => {
                    let fits =
                        |key: &&String| name.strip_suffix('*').map_or(*key == name, |start| key.starts_with(start));
                    let names: Vec<_> = self.handed_over.keys().filter(fits).collect();
                    assert!(!names.is_empty(), "{}: nobody hands {name} over", job.name);
                    for (path, bytes) in names.iter().flat_map(|name| &self.handed_over[*name]) {
                        fs::write(folder.join(path), bytes).unwrap();
                    }
                }
            }
        }
        assert!(!folder.join("release.key").exists(), "{} leaves the key behind", job.name);
        assert!(!place.path().join("release.key").exists(), "{} leaves the key behind", job.name);
    }

    fn run_script(&mut self, job: &Job, script: &str, variables: &[(String, String)], folder: &Path) {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_dagmar"));
        let mut path = vec![binary.parent().unwrap().to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(folder).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::join_paths(path).unwrap()).env("HOME", self.home.path());
        command.env("RUNNER_TEMP", folder.parent().unwrap());
        command.envs(variables.iter().map(|(name, secret)| (name, self.value(secret))));
        let output = command.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{}: {}\n{script}\n{out}\n{err}", job.name, output.status);
        for (name, secret) in variables {
            assert!(!format!("{out}{err}").contains(&self.value(secret)), "{} shows {name}", job.name);
        }
        self.said.entry(job.name.clone()).or_default().push_str(&out);
    }

    /// The file that was handed over under this name.
    fn file(&self, name: &str) -> String {
        let files = self.handed_over.get(name).unwrap_or_else(|| panic!("nobody hands {name} over"));
        assert_eq!(files.len(), 1, "{name}");
        String::from_utf8(files[0].1.clone()).unwrap()
    }

    /// The cases of a report in the format JUnit, all of which passed.
    fn cases(&self, name: &str) -> Vec<String> {
        let text = self.file(name);
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert!(!document.descendants().any(|node| ["failure", "error"].contains(&node.tag_name().name())), "{text}");
        let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
        cases.map(|case| case.attribute("name").unwrap().to_owned()).collect()
    }

    /// Everything after the pull request: the same on both platforms.
    fn released(&mut self, jobs: &[Job], promotion: &str, plan: &str) {
        let column = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'note'";
        let events = "SELECT count(*) FROM dagmar.event WHERE kind = 'driftChecked'";
        let is = |this: &Self| (this.staging.sql(column), this.production.sql(column), this.production.sql(events));
        let becomes = |this: &Self, staging: &str, production: &str, checks: &str| {
            assert_eq!(is(this), (staging.to_owned(), production.to_owned(), checks.to_owned()));
        };
        becomes(self, "0", "0", "0");
        git(&self.repository, &["branch", "-qf", "main", "feature"]);
        let (release, promote): (Vec<&Job>, _) = jobs
            .iter()
            .filter(|job| job.event == "push" || job.event == promotion)
            .partition(|job| job.name != "production");
        for job in release {
            self.run_job(job, "main");
        }
        becomes(self, "1", "0", "0");
        let sealed: Value = serde_json::from_str(&self.file(plan)).unwrap();
        assert!(sealed["signature"]["key"].is_string(), "{sealed}");
        assert_eq!(sealed["content"]["environments"].as_array().unwrap().len(), 2);
        assert_eq!(promote.len(), 1);
        self.run_job(promote[0], "main");
        becomes(self, "1", "1", "0");
        self.run(jobs, "schedule", "main");
        becomes(self, "1", "1", "1");
    }
}

/// A file as one line, as it is kept in a secret.
fn encoded(path: &Path) -> String {
    let output = Command::new("base64").args(["-w", "0"]).arg(path).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_workflow_of_github_runs_as_it_stands_there() {
    let jobs = github();
    let mut platform = Platform::new();
    platform.run(&jobs, "pull_request", "feature");
    let annotations = &platform.said["checks"];
    assert!(annotations.contains("file=plans/b.yaml") && annotations.contains("json-column"), "{annotations}");
    assert_eq!(platform.cases("tests"), ["an order has a note"]);
    let proof = platform.file("comment-proof");
    assert!(proof.starts_with("## Proven: 1 of 1 changeset"), "{proof}");
    let plan = platform.file("comment-plan");
    assert!(plan.starts_with("### dagmar: forward plan for `staging`") && plan.contains("note"), "{plan}");
    platform.released(&jobs, "workflow_dispatch", "release");
}

#[test]
fn the_pipeline_of_gitlab_runs_as_it_stands_there() {
    let jobs = gitlab();
    let mut platform = Platform::new();
    platform.run(&jobs, "merge_request_event", "feature");
    let findings: Value = serde_json::from_str(&platform.file("reports of lint")).unwrap();
    assert_eq!(findings[0]["check_name"], "json-column", "{findings}");
    assert_eq!(findings[0]["location"]["path"], "plans/b.yaml", "{findings}");
    assert_eq!(platform.cases("reports of tests"), ["an order has a note"]);
    assert!(platform.cases("reports of prove").iter().any(|case| case.contains("down")));
    let plan = platform.file("plan");
    assert!(plan.starts_with("### dagmar: forward plan for `staging`") && plan.contains("note"), "{plan}");
    // by hand
    let pipeline = yaml("gitlab-ci.yaml");
    assert_eq!(pipeline["production"]["rules"][0]["when"], "manual");
    platform.released(&jobs, "push", "staging");
}
