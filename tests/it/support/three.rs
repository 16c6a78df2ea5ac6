//! Three databases, as three environments of one project.

use super::changelog::{Changeset, file};
use super::database::Database;
use super::process::Run;
use super::project::Project;
use super::snapshot::snapshot;
use serde_json::Value;

/// A project with three databases.
pub struct Three {
    pub project: Project,
    pub dev: Database,
    pub staging: Database,
    pub production: Database,
}

impl Three {
    /// With these policies of production, one to a line.
    pub fn new(policies: &str, changesets: &[Changeset]) -> Self {
        let project = Project::new(&[("plans/a.yaml", &file(changesets))]);
        let this = Self { project, dev: Database::new(), staging: Database::new(), production: Database::new() };
        this.policies(policies);
        this
    }

    pub fn policies(&self, policies: &str) {
        let lines: String = policies.lines().map(|line| format!("    {}\n", line.trim())).collect();
        self.project.write(
            "dagmar.yaml",
            &format!(
                "environments:\n  dev: {{ url: \"${{DEV_URL}}\" }}\n  staging: {{ url: \"${{STAGING_URL}}\", promoteFrom: dev }}\n  \
                 production:\n    url: \"${{PRODUCTION_URL}}\"\n    promoteFrom: staging\n{lines}"
            ),
        );
    }

    pub fn plans(&self, changesets: &[Changeset]) {
        self.project.write("plans/a.yaml", &file(changesets));
    }

    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.project.command(args);
        command.arg("--yes");
        for (name, database) in
            [("DEV_URL", &self.dev), ("STAGING_URL", &self.staging), ("PRODUCTION_URL", &self.production)]
        {
            command.env(name, database.url());
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Refused for this gate, in these words, and production is as before but for the event of it.
    #[track_caller]
    pub fn refused(&self, args: &[&str], gate: &str, text: &str) -> String {
        let before = self.production.catalog();
        let said = self.run(args).refusal(5);
        assert!(said.contains(&format!("[{gate}] ")), "{said}");
        snapshot(&format!("gates/{}-{text}", args[0]), &said);
        assert_eq!(self.production.catalog(), before, "{said}");
        said
    }

    /// The events of this kind that an environment has.
    pub fn history(&self, environment: &str, kind: &str) -> Vec<Value> {
        let run = self.run(&["history", "--env", environment, "--kind", kind, "--format", "json"]);
        run.json()["events"].as_array().unwrap().clone()
    }

    /// How often production has an event of this kind.
    pub fn events(&self, kind: &str) -> String {
        self.production.sql(&format!("SELECT count(*) FROM dagmar.event WHERE kind = '{kind}'"))
    }
}

/// The gates of an answer: `soak=unmet window=met`.
pub fn gates(run: &Run) -> String {
    let value = run.out.lines().find_map(|l| serde_json::from_str::<Value>(l).ok().filter(|v| v["event"] == "gates"));
    let value = value.unwrap_or_else(|| run.json());
    let list = value["gates"].as_array().unwrap();
    let show = |g: &Value| format!("{}={}", g["gate"].as_str().unwrap(), g["status"].as_str().unwrap());
    list.iter().map(show).collect::<Vec<_>>().join(" ")
}

/// To production, by default from where its `promoteFrom` says.
pub const PROMOTE: &[&str] = &["promote", "--to", "production"];

/// Rewrites the history: the changeset was applied so long before (or after) now.
pub fn applied_at(database: &Database, changeset: &str, offset: &str) {
    database.sql(&format!(
        "SET session_replication_role = replica; UPDATE dagmar.event SET at = clock_timestamp() {offset} WHERE kind = 'applied' AND \
         changeset = '{changeset}'"
    ));
}
