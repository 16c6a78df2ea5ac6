//! A database of each test's own.

use super::process::until;
use super::server::{Server, server, whole_dump};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

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
        self.dumped("--inserts")
    }

    /// The same without the rows.
    pub fn schema(&self) -> String {
        self.dumped("--schema-only")
    }

    fn dumped(&self, option: &str) -> String {
        let output = Command::new(server().bin.join("pg_dump"))
            .args(["--exclude-schema=dagmar", "--exclude-schema=dagmar_attic"])
            .args([option, "-U", "postgres", "-h"])
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
        whole_dump(&server().sockets, &self.name)
    }

    /// Starts psql as `a long report`. It reads from the pipe and ends with it.
    #[track_caller]
    fn long_report(&self) -> (Child, ChildStdin) {
        let mut command = self.psql();
        command.env("PGAPPNAME", "a long report").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let pipe = child.stdin.take().unwrap();
        (child, pipe)
    }

    /// Opens a session that takes a lock and keeps it until it is dropped.
    #[track_caller]
    pub fn hold(&self, statement: &str) -> Holder {
        let (child, mut pipe) = self.long_report();
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

    /// The same with a statement that is the session's last, so that it is the one that is shown.
    #[track_caller]
    pub fn hold_with(&self, statement: &str) -> Holder {
        let (child, mut pipe) = self.long_report();
        std::io::Write::write_all(&mut pipe, format!("BEGIN;\n{statement};\n").as_bytes()).unwrap();
        self.until(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name = \
             'a long report' AND state = 'idle in transaction' AND query LIKE 'UPDATE %'",
        );
        Holder { child, pipe: Some(pipe) }
    }
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

/// Two texts are equal; otherwise what differs.
#[track_caller]
pub fn same(what: &str, expected: &str, found: &str) {
    if expected == found {
        return;
    }
    let diff = similar::TextDiff::from_lines(expected, found);
    panic!("{what}\n{}", diff.unified_diff().context_radius(2).header("expected", "found"));
}

/// The tables of the schema `public`.
pub fn tables(database: &Database) -> String {
    database.sql(
        "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class \
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
}
