//! `dagmar serve` as a process.

use super::database::Database;
use super::http::{Events, Http, Reply};
use super::process::until;
use super::project::Project;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The secret of services in tests.
pub const SECRET: &str = "0123456789-secret-of-tests";

/// The header that shows it.
pub fn bearer() -> String {
    format!("Authorization: Bearer {SECRET}\r\n")
}

/// A service; it is killed at the end.
pub struct Service {
    child: Child,
    /// Its first TCP address; a port 0: it has none.
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Service {
    /// A service of a project, on a port of its own, with this database as the default environment's.
    pub fn of(project: &Project, database: &Database, args: &[&str]) -> Self {
        Self::start(project, &[&["--url", &database.url()], args].concat())
    }

    /// A service of a project, on a port of its own.
    pub fn start(project: &Project, args: &[&str]) -> Self {
        let mut command = project.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        command.env("DAGMAR_SECRET", SECRET);
        Self::run(command)
    }

    /// A service by a command; it listens when this returns.
    #[track_caller]
    pub fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut lines, copy) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|n| n > 0) {
                copy.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let mut this = Self { child, address: ([127, 0, 0, 1], 0).into(), log };
        until("it listens", || {
            let log = this.log();
            assert!(this.child.try_wait().unwrap().is_none(), "it ended: {log}");
            log.contains("listening")
        });
        let log = this.log();
        let address = log.split("://").nth(1).and_then(|rest| rest.split(['"', '\n', ' ']).next());
        if let Some(address) = address {
            this.address = address.parse().unwrap();
        }
        this
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for words in its log.
    #[track_caller]
    pub fn until_logged(&self, words: &str) {
        until(words, || self.log().contains(words));
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it.
    pub fn connect(&self) -> Http<TcpStream> {
        Http::to(self.address)
    }

    /// Sends exactly this on a connection of its own; the answer.
    #[track_caller]
    pub fn send(&self, request: &str) -> Reply {
        self.connect().send(request).reply().unwrap_or_else(|| panic!("no answer: {request}"))
    }

    /// Asks with these headers, each with its line end.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &str) -> Reply {
        let host = self.address;
        let mut http = self.connect();
        http.send(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n"));
        let reply = if method == "HEAD" { http.reply_without_body() } else { http.reply() };
        reply.unwrap_or_else(|| panic!("no answer: {method} {path}\n{}", self.log()))
    }

    /// GET with the secret.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &bearer())
    }

    /// Sends a POST with the secret and these headers, each with its line end; the answer is not waited for.
    pub fn begin(&self, path: &str, headers: &str, body: &str) -> Http<TcpStream> {
        let (host, bearer, length) = (self.address, bearer(), body.len());
        let mut http = self.connect();
        http.send(format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\n{bearer}{headers}Content-Length: {length}\r\n\r\n{body}"
        ));
        http
    }

    /// POST with the secret.
    #[track_caller]
    pub fn post(&self, path: &str, body: &str) -> Reply {
        self.post_with(path, "", body)
    }

    /// POST with the secret and these headers, each with its line end.
    #[track_caller]
    pub fn post_with(&self, path: &str, headers: &str, body: &str) -> Reply {
        self.begin(path, headers, body).reply().unwrap_or_else(|| panic!("no answer: {path}\n{}", self.log()))
    }

    /// POST with the secret and a key.
    #[track_caller]
    pub fn post_once(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.post_with(path, &format!("Idempotency-Key: {key}\r\n"), &body.to_string())
    }

    /// The stream of events at a path, with these headers.
    #[track_caller]
    pub fn events(&self, path: &str, headers: &str) -> Events<TcpStream> {
        let (host, bearer) = (self.address, bearer());
        let mut http = self.connect();
        http.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{bearer}Accept: text/event-stream\r\n{headers}\r\n"));
        http.events()
    }

    /// GET without a secret.
    #[track_caller]
    pub fn open(&self, path: &str) -> Reply {
        self.ask("GET", path, "")
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end; the exit code and how long it took.
    pub fn end(&mut self) -> (i32, Duration) {
        let began = Instant::now();
        let mut code = None;
        until("it ends", || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        (code.unwrap().code().unwrap_or(-1), began.elapsed())
    }

    /// Stops it in order.
    #[track_caller]
    pub fn stop(mut self) -> String {
        self.signal("TERM");
        assert_eq!(self.end().0, 0, "{}", self.log());
        self.until_logged("stopped");
        self.log()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
