//! A server of our own that says what it is told to, and writes down what it is sent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The code of a request for TLS (manual, chapter 55.7).
const TLS: u32 = 80_877_103;

/// What a server says when it has read the startup message; it ends when the client is gone.
pub type Part = dyn Fn(&mut Talk) -> std::io::Result<()> + Send + Sync;

/// A server that listens on all addresses of the machine.
pub struct Fake {
    pub port: u16,
    sent: Arc<Mutex<Vec<u8>>>,
}

/// One connection after its startup message.
pub struct Talk {
    stream: TcpStream,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Fake {
    pub fn new(part: impl Fn(&mut Talk) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (kept, part): (_, Arc<Part>) = (Arc::clone(&sent), Arc::new(part));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sent, part) = (Arc::clone(&kept), Arc::clone(&part));
                thread::spawn(move || {
                    let mut talk = Talk { stream, sent };
                    // the client may go away at any point
                    let _ = talk.startup().and_then(|()| part(&mut talk));
                    let _ = talk.rest();
                });
            }
        });
        Self { port, sent }
    }

    /// A server that asks for the password in this way, with these bytes behind the code.
    pub fn asking(request: u32, more: &'static [u8]) -> Self {
        Self::new(move |talk| talk.say(b'R', &[&request.to_be_bytes(), more].concat()))
    }

    /// A URL of it by this address of the machine; `more` follows the `?`.
    pub fn url(&self, host: &str, password: &str, more: &str) -> String {
        format!("postgres://u:{password}@{host}:{}/db?{more}", self.port)
    }

    /// What it was sent after the startup message, over all connections.
    pub fn was_sent(&self) -> Vec<u8> {
        self.sent.lock().unwrap().clone()
    }
}

impl Talk {
    /// Reads up to the startup message; there is no TLS here.
    fn startup(&mut self) -> std::io::Result<()> {
        loop {
            let mut length = [0; 4];
            self.stream.read_exact(&mut length)?;
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            self.stream.read_exact(&mut body)?;
            if body[..4] != TLS.to_be_bytes() {
                return Ok(());
            }
            self.stream.write_all(b"N")?;
        }
    }

    /// Sends a message.
    pub fn say(&mut self, kind: u8, body: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(body.len() + 4).unwrap();
        self.stream.write_all(&[&[kind][..], &length.to_be_bytes(), body].concat())
    }

    /// Sends bytes that are no message.
    pub fn bare(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Lets the client in without a question.
    pub fn let_in(&mut self) -> std::io::Result<()> {
        self.say(b'R', &[0; 4])?;
        self.say(b'S', b"server_version\x0015.0\0")?;
        self.say(b'K', &[0; 8])?;
        self.say(b'Z', b"I")
    }

    /// Answers a query with one row of one column, which holds these bytes.
    pub fn answer(&mut self, value: &[u8]) -> std::io::Result<()> {
        self.hear()?;
        self.say(b'T', &[&[0, 1][..], b"x\0", &[0; 6], &25_u32.to_be_bytes(), &[0xff; 6], &[0; 2]].concat())?;
        self.say(b'D', &[&[0, 1][..], &u32::try_from(value.len()).unwrap().to_be_bytes(), value].concat())?;
        self.say(b'C', b"SELECT 1\0")?;
        self.say(b'Z', b"I")
    }

    /// Sends an error or a notice.
    pub fn complain(&mut self, kind: u8, code: &str, message: &str) -> std::io::Result<()> {
        let severity = if kind == b'E' { "ERROR" } else { "NOTICE" };
        self.say(kind, format!("S{severity}\0V{severity}\0C{code}\0M{message}\0\0").as_bytes())
    }

    /// Reads one message of the client: its type and what is in it.
    pub fn hear(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let mut body = vec![0; u32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4];
        self.stream.read_exact(&mut body)?;
        self.sent.lock().unwrap().extend(head.iter().chain(&body));
        Ok((head[0], body))
    }

    /// Writes down what else comes.
    fn rest(&mut self) -> std::io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            let n = self.stream.read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            self.sent.lock().unwrap().extend(&buffer[..n]);
        }
    }
}
