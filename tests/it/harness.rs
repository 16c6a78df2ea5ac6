//! What the tests share: one real server for all of them, a fresh database and a fresh
//! project folder for each, the binary as a process.

use std::fs;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The server of this test run.
///
/// A runner may start a process per test, so the server belongs to the run and not to a
/// process: the first test starts it, a watcher stops it when the runner has ended.
pub struct Server {
    pub sockets: PathBuf,
    pub bin: PathBuf,
}

pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(binaries(), ""))
}

impl Server {
    /// Starts the server of these binaries, unless another process of this run has done so.
    pub fn start(bin: PathBuf, name: &str) -> Self {
        let dir = PathBuf::from(format!("/tmp/dagmar-it-{}{name}", parent_id()));
        fs::create_dir_all(&dir).unwrap();
        let lock = fs::File::create(dir.join("lock")).unwrap();
        lock.lock().unwrap();
        if !dir.join("ready").exists() {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server.sh");
            let status = Command::new("sh")
                .args([script, "start"])
                .args([dir.as_os_str(), bin.as_os_str()])
                .arg(parent_id().to_string())
                .stdin(Stdio::null())
                .status()
                .unwrap();
            assert!(
                status.success(),
                "the server does not start: {}",
                fs::read_to_string(dir.join("log")).unwrap_or_default()
            );
        }
        Self { sockets: dir, bin }
    }
}

/// Where `postgres` and `psql` are; the newest of the usual places.
pub fn binaries() -> PathBuf {
    if let Some(dir) = std::env::var_os("DAGMAR_PG_BIN") {
        return dir.into();
    }
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL is not installed: run `make postgres`").1
}

/// A database of its own.
pub struct Database {
    pub name: String,
    pub server: &'static Server,
}

impl Database {
    pub fn new() -> Self {
        Self::on(server())
    }

    pub fn on(server: &'static Server) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let this = Self { name: "postgres".to_owned(), server };
        this.sql(&format!("CREATE DATABASE {name} TEMPLATE template0"));
        Self { name, server }
    }

    pub fn url(&self) -> String {
        format!("postgres:///{}?host={}&user=postgres", self.name, self.server.sockets.display())
    }

    /// A psql that stops at the first error: that of the default server, which talks to all.
    pub fn psql(&self) -> Command {
        let mut command = Command::new(server().bin.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", &self.name, "-h"]);
        command.arg(&self.server.sockets).env("PGOPTIONS", "-c client_min_messages=warning");
        command
    }

    /// Runs SQL and gives its rows: columns by `|`, a line each.
    pub fn sql(&self, sql: &str) -> String {
        let output = self.psql().args(["-c", sql]).output().unwrap();
        assert!(output.status.success(), "{sql}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs a script; `Err` is what psql says.
    pub fn script(&self, file: &Path) -> Result<String, String> {
        let output = self.psql().arg("-f").arg(file).output().unwrap();
        let text = String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr });
        if output.status.success() { Ok(text.into_owned()) } else { Err(text.into_owned()) }
    }

    /// The catalog and all rows of everything but the ledger, as text to compare.
    pub fn dump(&self) -> String {
        let output = Command::new(server().bin.join("pg_dump"))
            .args(["--exclude-schema=dagmar", "--exclude-schema=dagmar_attic"])
            .args(["--inserts", "-U", "postgres", "-h"])
            .arg(&self.server.sockets)
            .arg(&self.name)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // a random key of each dump
        let key = |line: &&str| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines: Vec<&str> = text.lines().filter(key).collect();
        // a table's rows have no order
        for rows in lines.chunk_by_mut(|a, b| a.starts_with("INSERT INTO") && b.starts_with("INSERT INTO")) {
            rows.sort_unstable();
        }
        lines.join("\n")
    }

    /// The same from the catalog alone, for servers that are newer than `pg_dump`; and much
    /// faster. A line for each object and each row.
    pub fn catalog(&self) -> String {
        self.sql(include_str!("catalog.sql"))
    }
}

/// Two dumps are equal; shows only where they are not.
#[track_caller]
pub fn same(got: &str, expected: &str, what: &str) {
    if got == expected {
        return;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let missing: Vec<&&str> = a.iter().filter(|line| !b.contains(line)).take(12).collect();
    let extra: Vec<&&str> = b.iter().filter(|line| !a.contains(line)).take(12).collect();
    panic!("{what}: differs from what is expected\nmissing: {missing:#?}\ntoo much: {extra:#?}");
}

/// The data lives in memory, and there are hundreds of them. What a failed test leaves behind
/// may be looked at until the server stops.
impl Drop for Database {
    fn drop(&mut self) {
        if self.name != "postgres" && !std::thread::panicking() {
            let postgres = Self { name: "postgres".to_owned(), server: self.server };
            let _ = postgres.psql().arg("-c").arg(format!("DROP DATABASE {} WITH (FORCE)", self.name)).output();
        }
    }
}

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
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = dagmar(args);
        command.current_dir(self.path());
        command
    }

    /// Runs the binary against no database.
    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Runs the binary against a database, confirming everything.
    pub fn on(&self, database: &Database, args: &[&str]) -> Run {
        let mut command = self.command(args);
        command.args(["--yes", "--url", &database.url()]);
        Run::of(command.output().unwrap())
    }
}

/// The binary under test, with a clean environment.
pub fn dagmar(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dagmar"));
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    command
}

/// How a process ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It ended with success; its standard output.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.out
    }

    /// It ended with this code; its standard error.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.err
    }

    /// Its standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.out, self.err))
    }
}
