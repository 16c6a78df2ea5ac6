//! A project for sealed plans, with two environments.

use super::changelog::{file, sql, table};
use super::database::Database;
use super::process::Run;
use super::project::Project;
use std::fs;

/// Two environments, whose URLs come from the process.
pub const SHOP: &str = "
variables: { word: dev }
environments:
  staging: { url: '${STAGING}' }
  production: { url: '${PRODUCTION}', promoteFrom: staging, variables: { word: live } }
";

/// A project with both databases.
pub struct Shop {
    pub project: Project,
    pub staging: Database,
    pub production: Database,
}

impl Shop {
    pub fn new() -> Self {
        let changesets = file(&[
            table("a"),
            sql("b", "INSERT INTO words VALUES ('${word}')", "DELETE FROM words").depends_on(["words"]),
            sql("words", "CREATE TABLE words (w text)", "DROP TABLE words").depends_on(["a"]),
        ]);
        let project = Project::new(&[("dagmar.yaml", SHOP), ("plans/a.yaml", &changesets)]);
        Self { project, staging: Database::new(), production: Database::new() }
    }

    /// Runs the binary with both URLs in the environment, whose password nobody gets to see.
    pub fn run(&self, args: &[&str]) -> Run {
        let secret = |database: &Database| format!("{}&password=canary-4711", database.url());
        let mut command = self.project.command(args);
        command.arg("--yes").env("STAGING", secret(&self.staging)).env("PRODUCTION", secret(&self.production));
        let run = Run::of(command.output().unwrap());
        assert!(!format!("{run:?}").contains("canary"), "{run:?}");
        run
    }

    /// Seals for production.
    pub fn seal(&self, more: &[&str]) -> String {
        self.run(&[&["plan", "--env", "production", "--out", "p.plan"], more].concat()).ok()
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.project.path().join(name)).unwrap()
    }

    /// What production says when it refuses, which leaves it as it was.
    #[track_caller]
    pub fn refused(&self, args: &[&str], code: i32) -> String {
        let before = self.production.dump();
        let said = self.run(args).fails(code);
        assert_eq!(self.production.dump(), before, "{said}");
        assert!(said.contains("help: ") || said.contains("signed") || said.contains("signature"), "{said}");
        said
    }
}
