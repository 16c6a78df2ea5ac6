//! A project in a folder of each test's own, and the binary in it.

use super::database::Database;
use super::process::{Run, Running, dagmar};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A project in a folder of its own, removed at the end.
pub struct Project {
    pub dir: tempfile::TempDir,
}

impl Project {
    /// A project with these files; an empty `dagmar.yaml` unless one is given.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let this = Self { dir: tempfile::tempdir().unwrap() };
        this.write("dagmar.yaml", "");
        fs::create_dir(this.path().join("plans")).unwrap();
        for (path, text) in files {
            this.write(path, text);
        }
        this
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let full = self.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    /// The binary in this project, without the environment's connection settings.
    /// Writes a file that only its owner may read.
    pub fn secret(&self, path: &str, text: &str) {
        self.write(path, text);
        std::fs::set_permissions(self.path().join(path), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = dagmar(args);
        command.current_dir(self.path());
        command
    }

    /// Runs the binary against no database.
    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Runs the binary against no database, with this text on its standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Run {
        let mut command = self.command(args);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Run::of(child.wait_with_output().unwrap())
    }

    /// Runs the binary against a database, confirming everything.
    pub fn on(&self, database: &Database, args: &[&str]) -> Run {
        let mut command = self.command(args);
        command.args(["--yes", "--url", &database.url()]);
        Run::of(command.output().unwrap())
    }

    /// Starts the binary against a database and leaves it running.
    pub fn start(&self, database: &Database, args: &[&str]) -> Running {
        let mut command = self.command(args);
        command.args(["--yes", "--url", &database.url()]);
        Running::of(command)
    }

    /// The state of every changeset, as `status` says: `a=applied b=pending`.
    pub fn states(&self, database: &Database) -> String {
        let run = self.on(database, &["status", "--format", "json"]);
        let value = run.json();
        let rows = value["changesets"].as_array().unwrap_or_else(|| panic!("{run:?}")).clone();
        let show =
            |row: &serde_json::Value| format!("{}={}", row["id"].as_str().unwrap(), row["state"].as_str().unwrap());
        rows.iter().map(show).collect::<Vec<_>>().join(" ")
    }
}

/// The binary in a project, against this URL.
pub fn against(project: &Project, url: &str, args: &[&str]) -> Run {
    let mut command = dagmar(args);
    command.current_dir(project.path()).args(["--yes", "--url", url]);
    Run::of(command.output().unwrap())
}
