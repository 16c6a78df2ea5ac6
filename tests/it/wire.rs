//! What goes over the wire, counted by a proxy and not by a clock.

use crate::support::{Database, Project, Run, changeset, file, server, snapshot};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// What was counted.
#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    /// Times the client spoke after the server had.
    round_trips: AtomicUsize,
}

/// A proxy in front of the test server that counts; it lives as long as the process.
struct Proxy {
    port: u16,
    counts: Arc<Counts>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let server = UnixStream::connect(server().sockets.join(".s.PGSQL.5432")).unwrap();
                relay(client, server, &shared);
            }
        });
        Self { port, counts }
    }

    /// Runs a command through the proxy; its result, connections and round trips.
    fn run(&self, project: &Project, database: &Database, args: &[&str]) -> (Run, usize, usize) {
        self.counts.connections.store(0, Ordering::SeqCst);
        self.counts.round_trips.store(0, Ordering::SeqCst);
        let url = format!("postgres://postgres@127.0.0.1:{}/{}?sslmode=disable", self.port, database.name);
        let mut command = project.command(args);
        let run = Run::of(command.args(["--yes", "--url", &url]).output().unwrap());
        let count = |n: &AtomicUsize| n.load(Ordering::SeqCst);
        (run, count(&self.counts.connections), count(&self.counts.round_trips))
    }
}

fn relay(client: TcpStream, server: UnixStream, counts: &Arc<Counts>) {
    client.set_nodelay(true).unwrap();
    let server_spoke = Arc::new(AtomicBool::new(true));
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (flag, shared) = (Arc::clone(&server_spoke), Arc::clone(counts));
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        while let Ok(n @ 1..) = from_client.read(&mut buffer) {
            // the farewell (Terminate, five bytes) waits for no answer
            let farewell = n == 5 && buffer[0] == b'X';
            if flag.swap(false, Ordering::SeqCst) && !farewell {
                shared.round_trips.fetch_add(1, Ordering::SeqCst);
            }
            if to_server.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(n @ 1..) = from_server.read(&mut buffer) {
            server_spoke.store(true, Ordering::SeqCst);
            if to_client.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
    });
}

/// `n` changesets of one transaction each, of which one may fail.
fn plan(n: usize, broken: Option<usize>) -> String {
    let table = |i| {
        let column = if broken == Some(i) { "no_such_type" } else { "bigint" };
        changeset(&format!("m{i:04}")).create_table(&format!("public.t{i}"), [("id", column)])
    };
    file(&(1..=n).map(table).collect::<Vec<_>>())
}

#[test]
fn a_thousand_changesets_are_a_thousand_commits_and_few_round_trips() {
    let (project, database) = (Project::new(&[("plans/a.yaml", &plan(1000, None))]), Database::new());
    let proxy = Proxy::start();
    let (run, connections, round_trips) =
        proxy.run(&project, &database, &["apply", "--quiet", "--jobs", "1", "--format", "json"]);
    assert_eq!(run.last()["applied"].as_array().unwrap().len(), 1000);
    run.ok();
    // each row of the ledger was written by a transaction of its own
    assert_eq!(database.sql("SELECT count(*), count(DISTINCT xmin::text) FROM dagmar.changeset"), "1000|1000");
    assert_eq!(connections, 2, "one for the changesets, one for the lock");
    // five messages for the changesets; the rest is connecting, the ledger, the lock, the run.
    // A long answer may be interrupted by nothing, so the number is the same every time
    assert!(round_trips <= 40, "{round_trips} round trips");

    let (run, connections, round_trips) = proxy.run(&project, &database, &["apply", "--format", "json"]);
    assert_eq!(run.applied(), "");
    assert_eq!(connections, 1);
    assert!(round_trips <= 1 + 3, "{round_trips} round trips for nothing to do");
}

#[test]
fn several_connections_make_as_many_commits_and_few_round_trips() {
    let (project, database) = (Project::new(&[("plans/a.yaml", &plan(1000, None))]), Database::new());
    let proxy = Proxy::start();
    let (run, connections, round_trips) =
        proxy.run(&project, &database, &["apply", "--quiet", "--jobs", "4", "--format", "json"]);
    assert_eq!(run.last()["applied"].as_array().unwrap().len(), 1000);
    run.ok();
    assert_eq!(database.sql("SELECT count(*), count(DISTINCT xmin::text) FROM dagmar.changeset"), "1000|1000");
    assert!((3..=5).contains(&connections), "{connections} connections");
    assert!(round_trips <= 200, "{round_trips} round trips");
    // numbers and hashes of events are in one order, however many wrote them
    project.json(&database, &["history", "--verify"]).intact();
}

#[test]
fn a_failure_in_the_middle_leaves_what_comes_before_it() {
    let (project, database) = (Project::new(&[("plans/a.yaml", &plan(300, Some(251)))]), Database::new());
    let proxy = Proxy::start();
    let (run, ..) = proxy.run(&project, &database, &["apply", "--quiet", "--jobs", "1"]);
    snapshot("wire/a_failure_in_the_middle_leaves_what_comes_before_it", &run.refusal(8));
    assert_eq!(
        database.sql("SELECT status, count(*) FROM dagmar.changeset GROUP BY 1 ORDER BY 1"),
        "applied|250\nfailed|1"
    );
    assert_eq!(database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "250");
    project.write("plans/a.yaml", &plan(300, None));
    let (run, ..) = proxy.run(&project, &database, &["apply", "--quiet", "--jobs", "1", "--format", "json"]);
    assert_eq!(run.last()["applied"].as_array().unwrap().len(), 50);
    run.ok();
}
