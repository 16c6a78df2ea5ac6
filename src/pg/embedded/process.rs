//! What is the same for every embedded server: its command line, its state, its log.

use super::SUPERUSER;
use super::place::Owner;
use crate::base::{Failure, FailureKind, file};
use crate::pg::connect::SERVICE_SECRET;

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How often a state is looked at.
pub(super) const POLL: Duration = Duration::from_millis(5);

/// How long a server may take to start: crash recovery is part of it.
pub(super) const START: Duration = Duration::from_secs(60);

/// Lines of the log that an error carries.
const TAIL: usize = 12;

/// Arguments of `initdb`, but for the directory and the locale.
pub(super) const INITDB: [&str; 9] =
    ["-N", "-A", "trust", "-U", SUPERUSER, "-E", "UTF8", "--wal-segsize=1", "--no-instructions"];

/// The locales to try: not every system has the first one.
pub(super) const LOCALES: [&str; 2] = ["--locale=C.UTF-8", "--locale=C"];

/// A command in surroundings of its own: no `PG*` variable of the user changes the server.
pub(super) fn command(program: &Path, dir: &Path, owner: Option<Owner>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env_remove(SERVICE_SECRET).env("TZ", "UTC").env("LC_ALL", "C").current_dir(dir);
    Owner::run(owner, &mut command);
    command
}

/// `-c name=value` for a server on a unix socket and nothing else.
pub(super) fn parameters(sockets: &Path, port: u16) -> Vec<String> {
    // a list: a directory with a comma must be quoted
    let quoted = format!("\"{}\"", sockets.display().to_string().replace('"', "\"\""));
    let pairs = [
        ("listen_addresses", String::new()),
        ("port", port.to_string()),
        ("unix_socket_directories", quoted),
        ("unix_socket_permissions", "0700".to_owned()),
        ("logging_collector", "off".to_owned()),
        ("log_destination", "stderr".to_owned()),
        ("synchronous_commit", "off".to_owned()),
        ("max_wal_size", "128MB".to_owned()),
    ];
    pairs.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]).collect()
}

/// What `postmaster.pid` and the socket say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody listens.
    Down,
    /// It starts, or it recovers from a crash.
    Starting,
    /// It takes connections.
    Ready,
    /// It is on its way down.
    Stopping,
}

/// Pid and state, as the server keeps them in its data directory (manual, chapter 73.1).
pub(super) fn pid_file(data: &Path) -> Option<(i32, State)> {
    let text = file::read_text(&data.join("postmaster.pid"), 64 << 10).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let state = match lines.nth(6).map(str::trim) {
        Some("ready" | "standby") => State::Ready,
        Some("stopping") => State::Stopping,
        _ => State::Starting,
    };
    Some((pid, state))
}

/// The state of a server that may not be ours. A socket that nobody listens on and a pid file
/// are what a crash leaves.
pub(super) fn state(data: &Path, sockets: &Path, port: u16) -> (i32, State) {
    let listening = UnixStream::connect(sockets.join(format!(".s.PGSQL.{port}"))).is_ok();
    pid_file(data).filter(|_| listening).unwrap_or((0, State::Down))
}

/// The last lines of a log.
pub(super) fn tail(log: &Path) -> Vec<String> {
    let text = file::tail(log, 64 << 10);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].iter().map(|line| (*line).to_owned()).collect()
}

/// A server that did not do what it should, with what it says about it.
pub(super) fn failed(what: &str, log: &Path) -> Failure {
    Failure::new(FailureKind::Database, format!("the embedded server {what}"))
        .notes(tail(log))
        .help("the lines above are the end of the server's log")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_state_is_read_from_the_pid_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        for (line, state) in [("ready   ", State::Ready), ("stopping", State::Stopping), ("starting", State::Starting)]
        {
            fs::write(&file, format!("77\n/data\n1\n5432\n/sock\n\n1 2\n{line}\n")).unwrap();
            assert_eq!(pid_file(dir.path()), Some((77, state)));
        }
        fs::write(&file, "77\n/data\n").unwrap();
        assert_eq!(pid_file(dir.path()), Some((77, State::Starting)));
        // nobody listens: the file is what a crash left
        assert_eq!(super::state(dir.path(), dir.path(), 5432), (0, State::Down));
    }
}
