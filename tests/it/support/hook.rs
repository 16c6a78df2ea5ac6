//! A receiver of webhooks: an HTTP server that keeps what it is sent.

use ring::hmac;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// How it answers.
#[derive(Debug, Clone, Copy)]
pub enum Answers {
    /// With this status; a redirection leads to `/elsewhere`.
    Status(u16),
    /// With 200, after some time.
    Slowly,
    /// Not at all.
    Never,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    next: VecDeque<Answers>,
    usual: Option<Answers>,
}

/// A receiver; it ends with the process.
pub struct Hook {
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Hook {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), shared.clone());
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { address, state }
    }

    /// Answers so from now on.
    pub fn usually(&self, answers: Answers) {
        self.state.lock().unwrap().usual = Some(answers);
    }

    /// Answers so at the next requests, one after the other.
    pub fn next(&self, answers: &[Answers]) {
        self.state.lock().unwrap().next.extend(answers);
    }

    /// What it was sent so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// Whether it is signed with this secret.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let signature = self.header("dagmar-signature");
        let Some((at, hex)) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")) else {
            return false;
        };
        let tag: Vec<u8> =
            (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, format!("{at}.{}", self.body).as_bytes(), &tag).is_ok()
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    assert!(line.starts_with("POST "), "{line}");
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answers = {
        let mut state = state.lock().unwrap();
        state.received.push(Received { path, headers, body: String::from_utf8(body).unwrap() });
        state.next.pop_front().or(state.usual).unwrap_or(Answers::Status(200))
    };
    let status = match answers {
        Answers::Status(status) => status,
        Answers::Slowly => {
            std::thread::sleep(Duration::from_millis(300));
            200
        }
        Answers::Never => {
            // until the other side has enough
            let _ = reader.read(&mut [0]);
            return;
        }
    };
    let there = if (300..400).contains(&status) { "Location: /elsewhere\r\n" } else { "" };
    let _ = write!(stream, "HTTP/1.1 {status} X\r\n{there}Content-Length: 2\r\nConnection: close\r\n\r\nok");
}
