//! Servers: one for all tests of a run, and those that a test has for itself.

use super::process::until;
use std::fs;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

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
    pub fn server(&self) -> &'static Server {
        Box::leak(Box::new(Server { sockets: self.sockets().to_owned(), bin: binaries() }))
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

pub fn whole_dump(sockets: &Path, database: &str) -> String {
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
