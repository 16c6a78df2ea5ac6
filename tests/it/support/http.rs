//! A client of HTTP that sends exactly the bytes that it is given.

use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// The value of a header that is there once.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let values: Vec<&str> = self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect();
        assert_eq!(values.len(), 1, "{name}: {self:?}");
        values[0]
    }

    /// The body as JSON; a problem has the status and the id of its answer.
    #[track_caller]
    pub fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        if self.header("content-type") == "application/problem+json" {
            assert_eq!(
                (&value["status"], &value["request"]),
                (&self.status.into(), &self.header("x-request-id").into())
            );
            let code = value["code"].as_str().unwrap();
            assert_eq!(value["type"], format!("urn:dagmar:problem:{code}"));
        }
        value
    }

    /// The code of a problem.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

/// An event of a stream.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

/// A body of Server-Sent Events, as they come.
pub struct Events<S> {
    http: Http<S>,
    text: String,
    /// Comments and fields of no event.
    pub other: Vec<String>,
}

impl<S: Read + Write> Events<S> {
    /// The next event; `None`: the stream has ended.
    pub fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let own = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    own.unwrap_or_default().to_owned()
                };
                match field("event") {
                    name if name.is_empty() => self.other.push(block.trim_end().to_owned()),
                    name => {
                        let data = serde_json::from_str(&field("data")).unwrap_or_else(|e| panic!("{e}: {block}"));
                        return Some(Event { id: field("id"), name, data });
                    }
                }
            }
            let chunk = self.http.chunk()?;
            self.text.push_str(&chunk);
        }
    }

    /// All events up to the end of the stream.
    pub fn rest(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// The events up to the first one of this name.
    #[track_caller]
    pub fn until(&mut self, name: &str) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            let event = self.next().unwrap_or_else(|| panic!("no {name}: {all:?}"));
            let is_it = event.name == name;
            all.push(event);
            if is_it {
                return all;
            }
        }
    }
}

/// The names of events: `runStarted stepStarted`.
pub fn names(events: &[Event]) -> String {
    events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// A connection.
pub struct Http<S> {
    stream: S,
    read: Vec<u8>,
}

impl Http<TcpStream> {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self::over(stream)
    }
}

impl<S: Read + Write> Http<S> {
    pub fn over(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Sends bytes; the other side may have gone away.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.write_all(bytes.as_ref()).and_then(|()| self.stream.flush());
        self
    }

    /// Reads more; false: the other side has ended.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 8192];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                self.read.extend(&buffer[..n]);
                true
            }
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => false,
            Err(e) => panic!("{e}: {}", String::from_utf8_lossy(&self.read)),
        }
    }

    /// The next answer; `None`: the connection ended before it.
    pub fn reply(&mut self) -> Option<Reply> {
        self.answer(true)
    }

    /// The next answer, to a request that has none with a body (HEAD).
    pub fn reply_without_body(&mut self) -> Option<Reply> {
        self.answer(false)
    }

    fn answer(&mut self, has_body: bool) -> Option<Reply> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if !self.more() {
                return None;
            }
        };
        let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
        self.read.drain(..end + 4);
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
        let length: usize = if has_body { length } else { 0 };
        while self.read.len() < length {
            assert!(self.more(), "the body ends early: {head}");
        }
        let body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        Some(Reply { status, headers, body })
    }

    /// The answer to a request for a stream, whose head has come.
    #[track_caller]
    pub fn events(mut self) -> Events<S> {
        let reply = self.answer(false).unwrap();
        assert_eq!((reply.status, reply.header("content-type")), (200, "text/event-stream"), "{reply:?}");
        assert_eq!(reply.header("transfer-encoding"), "chunked");
        Events { http: self, text: String::new(), other: Vec::new() }
    }

    /// The next part of a body in parts; `None`: there are no more.
    fn chunk(&mut self) -> Option<String> {
        let line = loop {
            match self.read.windows(2).position(|two| two == b"\r\n") {
                Some(at) => break at,
                None if self.more() => {}
                None => return None,
            }
        };
        let length = usize::from_str_radix(std::str::from_utf8(&self.read[..line]).unwrap(), 16).unwrap();
        while self.read.len() < line + 2 + length + 2 {
            assert!(self.more(), "a part ends early");
        }
        let part = self.read[line + 2..line + 2 + length].to_vec();
        self.read.drain(..line + 2 + length + 2);
        (length > 0).then(|| String::from_utf8(part).unwrap())
    }

    /// Waits until the other side ends the connection; what it sent meanwhile.
    pub fn ended(&mut self) -> String {
        while self.more() {}
        String::from_utf8_lossy(&self.read).into_owned()
    }
}
