//! More of what tests share: changesets as text, runs in the background, servers of one's own.

use crate::harness::{Database, Project, Run, binaries, dagmar};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until it is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A changeset of one `sql` change; `more` are further lines of it, indented by four.
pub fn sql(id: &str, forward: &str, rollback: &str, more: &str) -> String {
    let block = |text: &str| text.lines().map(|l| format!("            {l}\n")).collect::<String>();
    format!(
        "  - id: {id}\n{more}    changes:\n      - sql:\n          forward: |\n{}          rollback: |\n{}",
        block(forward),
        block(rollback)
    )
}

/// A file with these changesets.
pub fn file(changesets: &[String]) -> String {
    format!("changesets:\n{}", changesets.concat())
}

/// A project of one file.
pub fn project(changesets: &[String]) -> Project {
    Project::new(&[("plans/a.yaml", &file(changesets))])
}

impl Project {
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

impl Database {
    /// Waits until a query answers true.
    #[track_caller]
    pub fn until(&self, query: &str) {
        until(query, || self.sql(query) == "t");
    }

    /// Waits until a session of this database runs a statement like this one.
    #[track_caller]
    pub fn until_runs(&self, like: &str) {
        self.until(&format!(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
             AND pid <> pg_backend_pid() AND query LIKE '%{like}%'"
        ));
    }

    /// Waits until nobody else is connected.
    #[track_caller]
    pub fn until_alone(&self) {
        self.until(
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND backend_type = 'client backend'",
        );
    }

    /// What the ledger has, in order: `a=applied b=failed`.
    pub fn ledger(&self) -> String {
        self.sql("SELECT string_agg(id || '=' || status, ' ' ORDER BY ordinal) FROM dagmar.changeset")
    }

    /// Everything, the ledger with it, as text.
    pub fn whole_dump(&self) -> String {
        whole_dump(&crate::harness::server().sockets, &self.name)
    }

    /// Opens a session that takes a lock and keeps it until it is dropped.
    #[track_caller]
    pub fn hold(&self, statement: &str) -> Holder {
        let mut command = self.psql();
        // psql that reads from a pipe ends with it
        command.env("PGAPPNAME", "a long report").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // one of several
        let held = format!("held by {}", child.id());
        std::io::Write::write_all(&mut pipe, format!("BEGIN;\n{statement};\nSELECT '{held}' AS here;\n").as_bytes())
            .unwrap();
        self.until(&format!(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND \
             application_name = 'a long report' AND state = 'idle in transaction' AND query LIKE '%{held}%'"
        ));
        Holder { child, pipe: Some(pipe) }
    }
}

impl Database {
    /// The same with a statement that is the session's last, so that it is the one that is shown.
    #[track_caller]
    pub fn hold_with(&self, statement: &str) -> Holder {
        let mut command = self.psql();
        command.env("PGAPPNAME", "a long report").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut pipe, format!("BEGIN;\n{statement};\n").as_bytes()).unwrap();
        self.until(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name = \
             'a long report' AND state = 'idle in transaction' AND query LIKE 'UPDATE %'",
        );
        Holder { child, pipe: Some(pipe) }
    }
}

/// A session that holds a lock.
pub struct Holder {
    child: Child,
    pipe: Option<std::process::ChildStdin>,
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.child.wait();
    }
}

/// A process in the background.
pub struct Running {
    child: Option<Child>,
}

impl Running {
    pub fn of(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child: Some(child) }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends it a signal: `INT`, `TERM`, `KILL`.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap().success());
    }

    /// Reads its standard output up to a line with these words.
    #[track_caller]
    pub fn line_with(&mut self, words: &str) -> String {
        let stdout = self.child.as_mut().unwrap().stdout.as_mut().unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        // byte by byte: the rest belongs to `end`
        while std::io::Read::read(stdout, &mut byte).unwrap() == 1 {
            line.push(byte[0]);
            if byte[0] == b'\n' {
                let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
                if text.contains(words) {
                    return text;
                }
            }
        }
        panic!("no line with {words}")
    }

    /// Waits for its end; what it writes meanwhile fits into the pipes.
    pub fn end(mut self) -> Run {
        Run::of(self.child.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A server of a test's own, which may be stopped, changed and broken.
pub struct Cluster {
    sockets: tempfile::TempDir,
    data: PathBuf,
    options: String,
}

impl Cluster {
    pub fn new() -> Self {
        let sockets = tempfile::Builder::new().prefix("dagmar-own-").tempdir_in("/tmp").unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server.sh");
        let started = Command::new("sh")
            .args([script, "start"])
            .args([sockets.path().as_os_str(), binaries().as_os_str()])
            .arg(std::process::id().to_string())
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(started.success());
        let data = PathBuf::from(fs::read_to_string(sockets.path().join("ready")).unwrap().trim()).join("db");
        let options =
            format!("-c listen_addresses= -c unix_socket_directories={} -c fsync=off", sockets.path().display());
        Self { sockets, data, options }
    }

    /// Another server on data that exist, started with further options.
    pub fn on(data: PathBuf, more: &str) -> Self {
        let sockets = tempfile::Builder::new().prefix("dagmar-own-").tempdir_in("/tmp").unwrap();
        owned(sockets.path());
        let options =
            format!("-c listen_addresses= -c unix_socket_directories={} -c fsync=off {more}", sockets.path().display());
        let this = Self { sockets, data, options };
        this.start();
        this
    }

    pub fn sockets(&self) -> &Path {
        self.sockets.path()
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres:///{database}?host={}&user={user}", self.sockets().display())
    }

    /// Runs SQL as the superuser.
    pub fn sql(&self, sql: &str) -> String {
        let output = Command::new(binaries().join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                "postgres",
                "-c",
                sql,
                "-h",
            ])
            .arg(self.sockets())
            .output()
            .unwrap();
        assert!(output.status.success(), "{sql}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Everything in a database, as text.
    pub fn dump(&self, database: &str) -> String {
        whole_dump(self.sockets(), database)
    }

    fn control(&self, args: &[&str]) {
        let status = as_server(&binaries().join("pg_ctl"))
            .arg("-D")
            .arg(&self.data)
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "pg_ctl {args:?}");
    }

    /// Stops it as if the power had failed.
    pub fn crash(&self) {
        self.control(&["-m", "immediate", "stop"]);
    }

    pub fn start(&self) {
        let log = self.data.with_extension("log");
        self.control(&["-w", "-t", "60", "-l", log.to_str().unwrap(), "-o", &self.options, "start"]);
    }

    /// Starts it as a child of this command, which ends with the program that it is to run.
    pub fn start_by(&self, mut command: Command) {
        let program = as_server(&binaries().join("pg_ctl"));
        command.arg(program.get_program()).args(program.get_args()).current_dir("/").arg("-D").arg(&self.data);
        command.args(["-w", "-t", "60", "-o", &self.options, "start", "-l"]).arg(self.data.with_extension("log"));
        assert!(command.stdout(Stdio::null()).status().unwrap().success(), "pg_ctl start");
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Databases of this one, as those of the shared server; they must not outlive it.
    pub fn server(&self) -> &'static crate::harness::Server {
        Box::leak(Box::new(crate::harness::Server { sockets: self.sockets().to_owned(), bin: binaries() }))
    }

    /// How it lets in from now on: `trust` or `scram-sha-256`.
    pub fn let_in_by(&self, method: &str) {
        fs::write(self.data.join("pg_hba.conf"), format!("local all all {method}\n")).unwrap();
        self.control(&["reload"]);
        until("the rules are reloaded", || {
            let mut psql = Command::new(binaries().join("psql"));
            psql.args(["-X", "-w", "-U", "postgres", "-c", "", "-h"]).arg(self.sockets()).stderr(Stdio::null());
            psql.status().unwrap().success() == (method == "trust")
        });
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = as_server(&binaries().join("pg_ctl"))
            .arg("-D")
            .arg(&self.data)
            .args(["-m", "immediate", "stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if let Some(parent) = self.data.parent() {
            let _ = fs::remove_dir_all(parent);
        }
    }
}

fn whole_dump(sockets: &Path, database: &str) -> String {
    let mut command = Command::new(binaries().join("pg_dump"));
    let output = command.args(["--inserts", "-U", "postgres", "-h"]).arg(sockets).arg(database).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // a random key of each dump
    text.lines().filter(|l| !l.contains("restrict ")).flat_map(|l| [l, "\n"]).collect()
}

pub fn root() -> bool {
    rustix::process::getuid().is_root()
}

/// A program of the server, as a user that it accepts.
pub fn as_server(program: &Path) -> Command {
    if !root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).current_dir("/");
    command
}

/// Gives a folder to that user.
pub fn owned(dir: &Path) {
    if root() {
        assert!(Command::new("chown").arg("postgres").arg(dir).status().unwrap().success());
    }
}

/// The binary in a project, against this URL.
pub fn against(project: &Project, url: &str, args: &[&str]) -> Run {
    let mut command = dagmar(args);
    command.current_dir(project.path()).args(["--yes", "--url", url]);
    Run::of(command.output().unwrap())
}
