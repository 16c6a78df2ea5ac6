//! A real PgBouncer between the command and the server, in its three modes.

use crate::support::{Database, Run, against, as_server, owned, project, server, table, until};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A PgBouncer of one test; it ends with it.
struct Pooler {
    process: Child,
    dir: tempfile::TempDir,
}

impl Pooler {
    /// `more` are further lines of its configuration.
    fn start(mode: &str, more: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("dagmar-pool-").tempdir_in("/tmp").unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::write(at("users"), "\"postgres\" \"\"\n").unwrap();
        let config = format!(
            "[databases]\n* = host={} port=5432\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {}\n\
             auth_type = trust\nauth_file = {}\nlogfile = {}\npidfile = {}\npool_mode = {mode}\n{more}\n",
            server().sockets.display(),
            dir.path().display(),
            at("users"),
            at("log"),
            at("pid"),
        );
        fs::write(at("ini"), config).unwrap();
        owned(dir.path());
        fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];
        let program = program.into_iter().find(|p| Path::new(p).exists()).unwrap_or("pgbouncer");
        let mut command: Command = as_server(Path::new(program));
        command.arg("-q").arg(at("ini")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("PgBouncer is not installed: run `make postgres`");
        let socket = dir.path().join(".s.PGSQL.6432");
        until("PgBouncer listens", || UnixStream::connect(&socket).is_ok());
        Self { process, dir }
    }

    fn url(&self, database: &Database) -> String {
        format!("postgres:///{}?host={}&port=6432&user=postgres", database.name, self.dir.path().display())
    }

    fn psql(&self, database: &Database) -> Command {
        let mut command = Command::new(server().bin.join("psql"));
        command.args(["-X", "-q", "-p", "6432", "-U", "postgres", "-d", &database.name, "-h"]).arg(self.dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Refused with the remedy; nothing was made, no lock was left behind.
#[track_caller]
fn refused(run: &Run, database: &Database) {
    assert_eq!(run.code, 7, "{run:?}");
    for words in
        ["a pooler in transaction or statement mode", "help: connect to the server directly", "pool_mode=session"]
    {
        assert!(run.err.contains(words), "{words}\n{}", run.err);
    }
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'dagmar%'";
    assert_eq!(
        (
            database.sql(left).as_str(),
            database
                .sql(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
                .as_str()
        ),
        ("0", "0")
    );
}

#[test]
fn poolers_without_sessions_are_refused() {
    let project = project(&[table("a")]);
    // alone behind it, with one backend for everybody, and with another one each time
    for mode in ["transaction", "statement"] {
        for more in ["", "default_pool_size = 1", "server_round_robin = 1", "server_reset_query_always = 1"] {
            let (database, pooler) = (Database::new(), Pooler::start(mode, more));
            refused(&against(&project, &pooler.url(&database), &["apply"]), &database);
            refused(&against(&project, &pooler.url(&database), &["mark", "held", "a", "--reason", "x"]), &database);
            let run = project.run(&["plan", "--against", &pooler.url(&database)]);
            let said = format!("{}{}", run.out, run.err);
            assert!(run.code == 5 && said.contains("error [pooler] ") && said.contains("pool_mode=session"), "{said}");
            // looking is allowed
            assert!(against(&project, &pooler.url(&database), &["status"]).ok().contains("pending"));
        }
    }
}

#[test]
fn poolers_in_transaction_mode_are_refused_in_a_crowd() {
    let project = project(&[table("a")]);
    let (database, pooler) = (Database::new(), Pooler::start("transaction", "default_pool_size = 20"));
    // others leave idle backends of all ages in the pool
    let mut others: Vec<Child> = (0..6).map(|_| pooler.psql(&database).spawn().unwrap()).collect();
    for other in &mut others {
        std::io::Write::write_all(other.stdin.as_mut().unwrap(), b"BEGIN; SELECT 'here';\n").unwrap();
    }
    let busy = "SELECT count(*) = 6 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    database.until(busy);
    refused(&against(&project, &pooler.url(&database), &["apply"]), &database);
    for other in &mut others {
        std::io::Write::write_all(other.stdin.as_mut().unwrap(), b"COMMIT;\n").unwrap();
    }
    database.until(&busy.replace("= 6", "= 0"));
    for _ in 0..5 {
        refused(&against(&project, &pooler.url(&database), &["apply"]), &database);
    }
    for mut other in others {
        drop(other.stdin.take());
        other.wait().unwrap();
    }
}

#[test]
fn a_pooler_in_session_mode_works() {
    let project = project(&[table("a"), table("b")]);
    let (database, pooler) = (Database::new(), Pooler::start("session", "default_pool_size = 2"));
    let json = |args: &[&str]| against(&project, &pooler.url(&database), &[args, &["--format", "json"]].concat());
    assert_eq!(json(&["apply"]).applied(), "a b");
    assert_eq!(json(&["rollback", "b"]).rolled_back(), "b");
    assert_eq!(project.states(&database), "a=applied b=pending");
}
