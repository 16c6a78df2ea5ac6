//! `cargo bench --bench serve`: the service, as a process: its start and memory, 200 clients at once, a run against the same
//! run by the command line, and pages of a large project. `cargo bench --bench serve -- load run` measures only these parts:
//! start, load, run, pages.
//!
//! The server is private and in memory; `BENCH_SERVER=DIRECTORY:PORT` names another one.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};
use support::{Server, median, program, project, psql, timed};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

const SECRET: &str = "a-secret-of-benchmarks-only";
const CLIENTS: usize = 200;

fn main() {
    // `cargo test --benches` runs this file as well: that is no time to measure
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let small = std::env::var_os("BENCH_SMALL").is_some();
    let parts: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    println!("{} cores", std::thread::available_parallelism().unwrap());
    let server = Server::given().unwrap_or_else(Server::private);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Rc::new(server);
    let tasks = LocalSet::new();
    if is_wanted("start") {
        tasks.block_on(&runtime, start(&server, if small { 3 } else { 21 }));
    }
    if is_wanted("load") {
        tasks.block_on(&runtime, load(&server, Duration::from_secs(if small { 2 } else { 10 })));
    }
    if is_wanted("run") {
        tasks.block_on(&runtime, run(&server, if small { (100, 1) } else { (1_000, 7) }));
    }
    if is_wanted("pages") {
        tasks.block_on(&runtime, pages(&server, if small { (5_100, 1_000) } else { (10_000, 100_000) }));
    }
}

/// From the start of the process until it answers, and what it keeps in memory.
async fn start(server: &Rc<Server>, runs: usize) {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), 1_000);
    let database = Database::new(server, "start");
    let (mut times, mut idle, mut used) = (vec![], 0.0, 0.0);
    for _ in 0..runs {
        let began = Instant::now();
        let service = Service::start(dir.path(), &database.url());
        let mut client = Client::to(service.address).await;
        assert_eq!(client.get("/health").await.0, 200);
        times.push(began.elapsed().as_secs_f64());
        idle = service.memory();
        for path in ["/status", "/api/v1/environments/bench/plan"] {
            assert_eq!(client.get(path).await.0, 200);
        }
        used = service.memory();
    }
    println!("start        until it answers, 1,000 changesets {:>7.1} ms (100)", median(times) * 1e3);
    println!("memory       idle {idle:>5.1} MB (40)   after a status and a plan {used:>5.1} MB");
}

/// 200 clients, each with a connection of its own, ask again as soon as they have an answer.
async fn load(server: &Rc<Server>, lasts: Duration) {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), 1_000);
    fs::write(dir.path().join("dagmar.yaml"), "environments: { bench: {} }\nserve: { limits: { perSecond: 0 } }\n")
        .unwrap();
    let database = Database::new(server, "load");
    // 900 are there, 100 are pending
    database
        .dagmar(dir.path(), &["apply", "--select", "+m000894,+m000895,+m000896,+m000897,+m000898,+m000899,+m000900"]);
    let alone = median((0..5).map(|_| database.dagmar(dir.path(), &["status"])).collect());
    let service = Service::start(dir.path(), &database.url());
    println!("load         {CLIENTS} clients for {} s, 900 of 1,000 changesets applied", lasts.as_secs());
    println!("               {:<34} {:>8.1} ms", "dagmar status, alone", alone * 1e3);
    for (what, path) in [("GET /status", "/status"), ("a plan's preview", "/api/v1/environments/bench/plan")] {
        let mut first = Client::to(service.address).await;
        let began = Instant::now();
        let size = first.get(path).await.1.len();
        let single = began.elapsed().as_secs_f64();
        let end = Instant::now() + lasts;
        let address = service.address;
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                tokio::task::spawn_local(async move {
                    let (mut client, mut times) = (Client::to(address).await, vec![]);
                    while Instant::now() < end {
                        let began = Instant::now();
                        let (status, _) = client.get(path).await;
                        assert_eq!(status, 200);
                        times.push(began.elapsed().as_secs_f64());
                    }
                    times
                })
            })
            .collect();
        let mut times = vec![];
        for client in clients {
            times.extend(client.await.unwrap());
        }
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize] * 1e3;
        println!(
            "               {what:<34} {:>8.1} ms alone   p50 {:>6.1} ms   p99 {:>6.1} ms   {:>7.0}/s   {:.1} KB each",
            single * 1e3,
            at(0.5),
            at(0.99),
            times.len() as f64 / lasts.as_secs_f64(),
            size as f64 / 1024.0
        );
    }
    println!("               memory afterwards {:.1} MB", service.memory());
}

/// `POST /migrate` against `dagmar apply --yes`, in turn, each with a database of its own.
async fn run(server: &Rc<Server>, (n, runs): (usize, usize)) {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), n);
    let (mut line, mut service_times) = (vec![], vec![]);
    for i in 0..runs {
        let database = Database::new(server, &format!("line{i}"));
        line.push(database.dagmar(dir.path(), &["apply"]));
        drop(database);
        let database = Database::new(server, &format!("service{i}"));
        let service = Service::start(dir.path(), &database.url());
        let mut client = Client::to(service.address).await;
        let began = Instant::now();
        let (status, answer) = client.ask("POST", "/migrate").await;
        service_times.push(began.elapsed().as_secs_f64());
        assert_eq!((status, answer.matches("\"m00").count()), (200, n), "{answer}");
    }
    let (line, through) = (median(line), median(service_times));
    println!("run          {n} changesets, median of {runs}");
    println!(
        "               dagmar apply {line:>8.3} s   POST /migrate {through:>8.3} s   ratio {:.2} (1.05)",
        through / line
    );
}

/// Pages of a project with this many changesets, and this many events in its ledger.
async fn pages(server: &Rc<Server>, (n, events): (usize, usize)) {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), n);
    let database = Database::new(server, "pages");
    database.dagmar(dir.path(), &["apply"]);
    while database.count("SELECT count(*) FROM dagmar.event") < events {
        database.dagmar(dir.path(), &["rollback", "--all"]);
        database.dagmar(dir.path(), &["apply"]);
    }
    let found = database.count("SELECT count(*) FROM dagmar.event");
    let service = Service::start(dir.path(), &database.url());
    let mut client = Client::to(service.address).await;
    client.log_in().await;
    println!("pages        {n} changesets, {found} events, median of 5 (1,000 ms)");
    for path in [
        "/",
        "/e/bench",
        "/e/bench?q=m005",
        "/e/bench/changeset?id=m005000",
        "/e/bench/graph",
        "/e/bench/plan",
        "/e/bench/history",
        "/e/bench/history?changeset=m005000",
    ] {
        let (mut times, mut size) = (vec![], 0);
        for _ in 0..5 {
            let began = Instant::now();
            let (status, page) = client.get(path).await;
            times.push(began.elapsed().as_secs_f64());
            assert_eq!(status, 200, "{path}: {page}");
            size = page.len();
        }
        println!("               {path:<38} {:>7.1} ms   {:>6.1} KB", median(times) * 1e3, size as f64 / 1024.0);
    }
    println!("               memory afterwards {:.1} MB", service.memory());
}

/// A database; it is dropped at the end.
struct Database {
    server: Rc<Server>,
    name: String,
}

impl Database {
    fn new(server: &Rc<Server>, name: &str) -> Self {
        let name = format!("serve_{name}");
        psql(server, "postgres", &["-c", &format!("CREATE DATABASE {name} TEMPLATE template0")]);
        Self { server: server.clone(), name }
    }

    fn url(&self) -> String {
        let Server { sockets, port, .. } = &*self.server;
        format!("host={} port={port} user=postgres dbname={}", sockets.display(), self.name)
    }

    fn dagmar(&self, dir: &Path, args: &[&str]) -> f64 {
        let mut command = program();
        let more: &[&str] = if args[0] == "status" { &[] } else { &["--yes"] };
        timed(command.args(args).args(more).args(["--quiet", "--url", &self.url()]).current_dir(dir)).0
    }

    fn count(&self, sql: &str) -> usize {
        let Server { sockets, port, .. } = &*self.server;
        let output = Command::new("psql")
            .args(["-X", "-A", "-t", "-U", "postgres", "-p", port, "-d", &self.name, "-c", sql, "-h"])
            .arg(sockets)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        psql(&self.server, "postgres", &["-c", &format!("DROP DATABASE {} WITH (FORCE)", self.name)]);
    }
}

/// `dagmar serve`; it is killed at the end.
struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    fn start(dir: &Path, url: &str) -> Self {
        // its first line says the port; the others are read by nobody, so they go to a file
        let log = dir.join("serve.log");
        let mut child = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--url", url])
            .env("DAGMAR_SECRET", SECRET)
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let address = loop {
            let text = fs::read_to_string(&log).unwrap();
            let said = text.split("://").nth(1).and_then(|rest| rest.split_once(['"', '\n', ' ']));
            if let Some(address) = said.and_then(|(address, _)| address.parse().ok()) {
                break address;
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended: {text}");
            std::thread::sleep(Duration::from_micros(200));
        };
        Self { child, address }
    }

    /// What it has in memory, in MB.
    fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A connection that is kept.
struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    headers: String,
}

impl Client {
    async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), address, headers: format!("Authorization: Bearer {SECRET}\r\n") }
    }

    async fn get(&mut self, path: &str) -> (u16, String) {
        self.ask("GET", path).await
    }

    async fn ask(&mut self, method: &str, path: &str) -> (u16, String) {
        let headers = self.headers.clone();
        let (status, _, body) = self.send(method, path, &headers, "").await;
        (status, body)
    }

    /// A session of the pages in place of the header.
    async fn log_in(&mut self) {
        let origin = format!("Origin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\n", self.address);
        let body = format!("token={SECRET}");
        let (status, head, _) = self.send("POST", "/login", &origin, &body).await;
        assert_eq!(status, 303, "{head}");
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        self.headers = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    }

    async fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        let (host, length) = (self.address, body.len());
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes()).await.unwrap();
        let (mut head, mut line) = (String::new(), String::new());
        while line != "\r\n" {
            line.clear();
            assert!(self.stream.read_line(&mut line).await.unwrap() > 0, "the service ended the connection: {path}");
            head.push_str(&line);
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap_or_else(|| panic!("no length: {head}")).parse().unwrap()];
        self.stream.read_exact(&mut body).await.unwrap();
        (head[9..12].parse().unwrap(), head, String::from_utf8(body).unwrap())
    }
}
