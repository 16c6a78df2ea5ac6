//! What goes over the wire, counted by a proxy between the binary and the server: commits
//! and round trips are what a run costs on a distant server.

use crate::harness::{Database, Run, server};
use crate::tools::{against, file, project, sql};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was counted.
#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    /// Times that the client spoke after the server had.
    round_trips: AtomicUsize,
    /// The texts of all statements.
    texts: Mutex<Vec<String>>,
}

impl Counts {
    /// How many statements are this one.
    fn statements(&self, wanted: &str) -> usize {
        let texts = self.texts.lock().unwrap();
        texts.iter().flat_map(|t| t.split(";\n")).filter(|s| s.trim().trim_end_matches(';') == wanted).count()
    }

    /// Connections, round trips.
    fn take(&self) -> (usize, usize) {
        self.texts.lock().unwrap().clear();
        (self.connections.swap(0, SeqCst), self.round_trips.swap(0, SeqCst))
    }
}

/// A unix socket that leads to the server of the tests, and counts.
struct Proxy {
    dir: tempfile::TempDir,
    counts: Arc<Counts>,
}

impl Proxy {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join(".s.PGSQL.5432")).unwrap();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, SeqCst);
                let server = UnixStream::connect(server().sockets.join(".s.PGSQL.5432")).unwrap();
                let server_spoke = Arc::new(AtomicBool::new(true));
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (counts, spoke) = (Arc::clone(&shared), Arc::clone(&server_spoke));
                thread::spawn(move || up(from, to, &counts, &spoke));
                thread::spawn(move || down(server, client, &server_spoke));
            }
        });
        Self { dir, counts }
    }

    fn url(&self, database: &Database) -> String {
        format!("postgres:///{}?host={}&user=postgres", database.name, self.dir.path().display())
    }
}

fn up(mut from: UnixStream, mut to: UnixStream, counts: &Counts, server_spoke: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    let mut pending: Vec<u8> = Vec::new();
    let mut started = false;
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if server_spoke.swap(false, SeqCst) {
            counts.round_trips.fetch_add(1, SeqCst);
        }
        pending.extend_from_slice(&buffer[..n]);
        // messages: a letter, but for the first one; the length; the contents (manual, chapter 55.7)
        loop {
            let head = usize::from(started);
            let Some(length) = pending.get(head..head + 4) else { break };
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
            if pending.len() < head + length {
                break;
            }
            let message: Vec<u8> = pending.drain(..head + length).collect();
            let body = &message[head + 4..];
            let text = match (started, message[0]) {
                (true, b'Q') => Some(body),
                (true, b'P') => body.split(|b| *b == 0).nth(1),
                _ => None,
            };
            if let Some(text) = text {
                let text = String::from_utf8_lossy(text).trim_end_matches('\0').to_owned();
                counts.texts.lock().unwrap().push(text);
            }
            started = true;
        }
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

fn down(mut from: UnixStream, mut to: UnixStream, server_spoke: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        server_spoke.store(true, SeqCst);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

const MANY: usize = 1000;

fn many(broken: Option<usize>) -> Vec<String> {
    (0..MANY)
        .map(|i| {
            let text = if broken == Some(i) { "SELECT 1 / 0".to_owned() } else { format!("CREATE TABLE t{i} ()") };
            sql(&format!("c{i:04}"), &text, &format!("DROP TABLE IF EXISTS t{i}"), "")
        })
        .collect()
}

#[test]
fn a_thousand_changesets_take_a_thousand_commits_and_few_round_trips() {
    let (proxy, database, project) = (Proxy::new(), Database::new(), project(&many(None)));
    let run = |args: &[&str]| -> Run { against(&project, &proxy.url(&database), args) };
    assert!(run(&["apply", "--quiet"]).ok().contains("applied 1000 changeset(s)"));
    // one of each changeset; the ledger, the run's begin and end
    let (begins, commits) = (proxy.counts.statements("BEGIN"), proxy.counts.statements("COMMIT"));
    assert_eq!((begins, commits), (MANY + 3, MANY + 3));
    let (connections, round_trips) = proxy.counts.take();
    println!("apply of {MANY}: {connections} connections, {round_trips} round trips");
    assert_eq!(connections, 2);
    assert!(round_trips < 40, "{round_trips}");
    assert_eq!(database.sql("SELECT count(*) FROM dagmar.changeset WHERE status = 'applied'"), MANY.to_string());

    assert!(run(&["apply"]).ok().contains("nothing to do"));
    let (connections, round_trips) = proxy.counts.take();
    println!("nothing to do: {connections} connection, {round_trips} round trips");
    assert_eq!(connections, 1);
    // connecting is one
    assert!(round_trips <= 4, "{round_trips}");

    assert!(run(&["rollback", "--all", "--quiet"]).ok().contains("rolled back 1000 changeset(s)"));
    assert_eq!(proxy.counts.statements("COMMIT"), MANY + 2);
    let (_, round_trips) = proxy.counts.take();
    println!("rollback of {MANY}: {round_trips} round trips");
    assert!(round_trips < 40, "{round_trips}");
}

#[test]
fn a_failure_in_the_middle_leaves_exactly_what_comes_before_it() {
    let (proxy, database, project) = (Proxy::new(), Database::new(), project(&many(Some(500))));
    let url = proxy.url(&database);
    let said = against(&project, &url, &["apply", "--quiet"]).fails(8);
    assert!(said.contains("`c0500` failed: division by zero"), "{said}");
    let (_, round_trips) = proxy.counts.take();
    assert!(round_trips < 40, "{round_trips}");
    let applied = "SELECT count(*), max(id) FROM dagmar.changeset WHERE status = 'applied'";
    assert_eq!(database.sql(applied), "500|c0499");
    assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^t[0-9]+$'"), "500");
    project.write("plans/a.yaml", &file(&many(None)));
    assert!(against(&project, &url, &["apply", "--quiet"]).ok().contains("applied 500 changeset(s)"));
    assert_eq!(database.sql(applied), "1000|c0999");
}
