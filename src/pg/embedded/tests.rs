#![allow(clippy::disallowed_methods)] // the driver itself answers

use super::*;
use crate::base::FailureKind;
use crate::pg::connect;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

async fn answer(server: &Embedded, query: &str) -> String {
    let connection = connect(&server.settings(), Duration::ZERO).await.unwrap();
    connection.client.query_one(query, &[]).await.unwrap().get(0)
}

/// Waits for what another process does.
fn eventually(what: &str, check: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !check() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_throwaway_server_leaves_nothing_behind() {
    let server = Embedded::throwaway(None).await.unwrap();
    assert_eq!(answer(&server, "SELECT current_setting('server_encoding')").await, "UTF8");
    assert_eq!(answer(&server, "SELECT current_setting('fsync')").await, "off");
    assert_eq!(answer(&server, "SELECT current_setting('listen_addresses')").await, "");
    let dir = server.dir.clone();
    let (pid, _) = process::pid_file(&server.data_dir()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    assert!(rustix::process::test_kill_process(pid).is_ok());
    drop(server);
    assert!(!dir.exists());
    assert!(rustix::process::test_kill_process(pid).is_err());
}

/// Holds a server until it is killed; run by the test below.
#[tokio::test]
#[ignore = "a helper of `a_killed_owner_leaves_no_server`"]
#[allow(clippy::disallowed_methods)] // the test reads it
async fn owner_of_a_server() {
    let server = Embedded::throwaway(None).await.unwrap();
    writeln!(std::io::stdout(), "dir={}", server.dir.display()).unwrap();
    std::future::pending::<()>().await;
}

#[test]
fn a_killed_owner_leaves_no_server() {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pg::embedded::tests::owner_of_a_server", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    // the harness writes the name of the test before it
    let dir = lines.map(Result::unwrap).find_map(|line| line.split_once("dir=").map(|(_, d)| PathBuf::from(d)));
    let dir = dir.unwrap();
    let (pid, state) = process::pid_file(&dir.join("data")).unwrap();
    assert_eq!(state, process::State::Ready);
    // SIGKILL
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the removal", || !dir.exists());
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    eventually("the end of the server", || rustix::process::test_kill_process(pid).is_err());
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let failure = Embedded::throwaway_with(None, &[("no_such_parameter", "1")]).await.unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Database, "the embedded server did not start"));
    assert!(failure.notes.iter().any(|n| n.to_string().contains("no_such_parameter")), "{:?}", failure.notes);
}

#[tokio::test]
async fn a_kept_server_is_shared_and_keeps_its_data() {
    let project = tempfile::tempdir().unwrap();
    let home = Home::of(project.path(), "dev").unwrap();
    let one = Embedded::persistent(project.path(), "dev", None).await.unwrap();
    let connection = connect(&one.settings(), Duration::ZERO).await.unwrap();
    connection.client.batch_execute("CREATE TABLE t (a text); INSERT INTO t VALUES ('kept')").await.unwrap();
    drop(connection);
    let two = Embedded::persistent(project.path(), "dev", None).await.unwrap();
    let pid = process::pid_file(&one.data_dir()).unwrap();
    assert_eq!(process::pid_file(&two.data_dir()).unwrap(), pid);

    assert_eq!(home.stop().unwrap_err().kind, FailureKind::Locked);
    assert_eq!(home.reset().unwrap_err().kind, FailureKind::Locked);
    one.close().await.unwrap();
    assert!(home.is_running(), "somebody uses it");
    assert_eq!(answer(&two, "SELECT a FROM t").await, "kept");
    two.close().await.unwrap();
    assert!(!home.is_running(), "nobody uses it");

    let again = home.open(None).await.unwrap();
    assert_eq!(answer(&again, "SELECT a FROM t").await, "kept");
    drop(again);
    assert!(!home.is_running());
    home.reset().unwrap();
    let anew = home.open(None).await.unwrap();
    assert_eq!(answer(&anew, "SELECT (to_regclass('t') IS NULL)::text").await, "true");
    drop(anew);
    home.reset().unwrap();
    std::fs::remove_dir_all(home.dir()).unwrap();
}

#[tokio::test]
async fn a_server_that_is_to_be_kept_runs_on() {
    let project = tempfile::tempdir().unwrap();
    let home = Home::of(project.path(), "dev").unwrap();
    let server = home.open(None).await.unwrap();
    let pid = process::pid_file(&server.data_dir()).unwrap();
    home.keep(true).unwrap();
    server.close().await.unwrap();
    assert!(home.is_running() && home.is_kept());
    let again = home.open(None).await.unwrap();
    assert_eq!(process::pid_file(&again.data_dir()).unwrap(), pid);
    assert_eq!(home.stop().unwrap_err().kind, FailureKind::Locked);
    assert!(home.is_kept(), "a refused stop changes nothing");
    again.close().await.unwrap();
    assert!(home.stop().unwrap());
    assert!(!home.is_running() && !home.is_kept());
    assert!(!home.stop().unwrap(), "there was none");
    home.reset().unwrap();
    std::fs::remove_dir_all(home.dir()).unwrap();
}

#[tokio::test]
async fn a_server_that_a_killed_process_left_is_used_again() {
    let project = tempfile::tempdir().unwrap();
    let home = Home::of(project.path(), "odd name/..").unwrap();
    let mut server = home.open(None).await.unwrap();
    let pid = process::pid_file(&server.data_dir()).unwrap();
    // what a killed process does: its locks go, its server stays
    if let Hold::Kept(lease) = &mut server.hold {
        lease.forget();
    }
    drop(server);
    assert!(home.is_running());
    let again = home.open(None).await.unwrap();
    assert_eq!(process::pid_file(&again.data_dir()).unwrap(), pid);
    // a crash leaves its pid file behind
    let crashed = rustix::process::Pid::from_raw(pid.0).unwrap();
    rustix::process::kill_process(crashed, rustix::process::Signal::KILL).unwrap();
    eventually("the crash", || !home.is_running());
    drop(again);
    let after = home.open(None).await.unwrap();
    assert_eq!(answer(&after, "SELECT 'up'").await, "up");
    drop(after);
    home.reset().unwrap();
    std::fs::remove_dir_all(home.dir()).unwrap();
}

#[tokio::test]
async fn many_may_open_a_kept_server_at_once() {
    let project = tempfile::tempdir().unwrap();
    let home = Home::of(project.path(), "dev").unwrap();
    let (a, b, c) = tokio::join!(home.open(None), home.open(None), home.open(None));
    let servers = [a.unwrap(), b.unwrap(), c.unwrap()];
    for server in &servers {
        assert_eq!(answer(server, "SELECT 'up'").await, "up");
    }
    drop(servers);
    assert!(!home.is_running());
    std::fs::remove_dir_all(home.dir()).unwrap();
}
