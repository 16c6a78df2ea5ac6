//! Servers that leave nothing behind.

use super::place::{self, Owner};
use super::process::{self, INITDB, LOCALES, POLL, START, State};
use super::{Embedded, Hold, find};
use crate::base::{Failure, FailureKind, file};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

/// How long the supervisor may take to clean up before we do it ourselves.
const CLEAN_UP: Duration = Duration::from_secs(20);

/// The shell that watches over a server. It waits for the end of its input, which comes when
/// we close the pipe or die, by `kill -9` too; then it stops the server and removes
/// everything. A shell, because a signal at the death of the parent (`PR_SET_PDEATHSIG`) comes
/// as soon as the thread ends that started the child.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    pipe: Option<ChildStdin>,
    dir: PathBuf,
}

/// `$1`: the binaries, `$2`: our directory; then the server's arguments.
fn script() -> String {
    let initdb = INITDB.join(" ");
    let attempts = LOCALES.map(|locale| format!("\"$bin/initdb\" -D \"$dir/data\" {initdb} {locale}")).join(" || ");
    format!(
        r#"bin=$1 dir=$2 pid=
shift 2
clean() {{
  [ -z "$pid" ] || {{ kill -QUIT "$pid" && wait "$pid"; }} 2>/dev/null
  cd / && rm -rf "$dir"
}}
if {{ {attempts}; }} </dev/null >>"$dir/server.log" 2>&1; then
  "$bin/postgres" -D "$dir/data" "$@" </dev/null >>"$dir/server.log" 2>&1 &
  pid=$!
  trap '' HUP INT TERM
else
  echo no >"$dir/failed"
fi
read -r _
clean
"#
    )
}

impl Supervisor {
    fn server_pid(&self) -> Option<rustix::process::Pid> {
        let (pid, _) = process::pid_file(&self.dir.join("data"))?;
        rustix::process::Pid::from_raw(pid)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let deadline = Instant::now() + CLEAN_UP;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        // gone already, unless somebody has killed the supervisor
        if self.dir.exists() {
            if let Some(pid) = self.server_pid() {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
            }
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Starts a server and waits until it takes connections.
pub(super) async fn start(binaries: Option<&Path>, parameters: &[(&str, &str)]) -> Result<Embedded, Failure> {
    let bin = find::binaries(binaries, None)?;
    let owner = Owner::needed()?;
    let parent = place::throwaway_parent(owner);
    let dir =
        tempfile::Builder::new().prefix("dagmar-").tempdir_in(&parent).map_err(|e| place::unusable(&parent, &e))?;
    Owner::give(owner, dir.path())?;
    let port = parameters.iter().rev().find(|(name, _)| *name == "port").and_then(|(_, port)| port.parse().ok());
    let port = port.unwrap_or(5432);

    let mut command = process::command(Path::new("/bin/sh"), dir.path(), owner);
    command.args(["-c", &script(), "sh"]).arg(&bin).arg(dir.path());
    command.args(process::parameters(dir.path(), port));
    // shared memory as files of the data directory: it goes with it, whatever happens
    let fast = [("fsync", "off"), ("full_page_writes", "off"), ("dynamic_shared_memory_type", "mmap")];
    for (name, value) in fast.iter().chain(parameters) {
        command.args(["-c", &format!("{name}={value}")]);
    }
    // a group of its own: Ctrl-C on the terminal is for us, not for the server
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command
        .spawn()
        .map_err(|e| Failure::new(FailureKind::Database, format!("the embedded server cannot be started: {e}")))?;
    let pipe = child.stdin.take();
    // from here on the supervisor owns the directory
    let dir = dir.keep();
    let mut supervisor = Supervisor { child, pipe, dir: dir.clone() };

    let log = dir.join("server.log");
    let deadline = Instant::now() + START;
    loop {
        if let Some((pid, State::Ready)) = process::pid_file(&dir.join("data"))
            && pid > 0
        {
            break;
        }
        if dir.join("failed").exists() {
            return Err(process::failed("could not be set up", &log));
        }
        if matches!(supervisor.child.try_wait(), Ok(Some(_))) || died(&dir) {
            return Err(process::failed("did not start", &log));
        }
        if Instant::now() > deadline {
            return Err(process::failed("did not start in time", &log));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(Embedded { sockets: dir.clone(), port, log, dir, hold: Hold::Throwaway(supervisor) })
}

/// Whether the server has ended by itself: a parameter it does not know, a port in use.
fn died(dir: &Path) -> bool {
    let log = file::tail(&dir.join("server.log"), 1 << 20);
    log.lines().any(|line| line.contains("FATAL:  ") || line.contains("PANIC:  "))
}
