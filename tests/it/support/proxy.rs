//! A proxy in front of a server that reads the protocol, counts, and breaks what it is told to
//! break at exactly one point: it kills the client's process, cuts a connection, or goes silent.

use super::process::{Run, until};
use super::project::Project;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens, and when; counts begin at 1 and go over all connections of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it counts.
    None,
    /// SIGKILL, and the message of this number never comes to the server.
    KillBefore(usize),
    /// SIGKILL, when the server has worked off the message of this number and the client has
    /// not heard of it.
    KillAfter(usize),
    /// SIGKILL, when the server's CommandComplete of this number is in progress.
    KillAtAnswer(usize),
    /// The connection is cut behind this byte of the client.
    CutRequest(usize),
    /// The connection is cut behind this byte of the server.
    CutAnswer(usize),
    /// From the message of this number on nothing comes through, and nothing is closed.
    Swallow(usize),
    /// SIGINT, when the server has worked off the first message that is longer than this; the
    /// client hears of that when the server has got its cancel request, too late for it.
    InterruptAfter(usize),
}

/// What was counted.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Messages on which the server acts: startup, Query, Sync.
    pub messages: usize,
    /// CommandCompletes.
    pub answers: usize,
    /// Bytes of the client.
    pub sent: usize,
    /// Bytes of the server.
    pub heard: usize,
}

/// The code of a cancel request, which is all of its connection (manual, chapter 55.7).
const CANCEL: [u8; 4] = 80_877_102_u32.to_be_bytes();

struct Shared {
    sockets: PathBuf,
    fault: Fault,
    pid: AtomicI32,
    ended: AtomicBool,
    /// A cut happens once; silence stays.
    struck: AtomicBool,
    /// Cancel requests that the server has worked off.
    cancels: AtomicUsize,
    messages: AtomicUsize,
    answers: AtomicUsize,
    sent: AtomicUsize,
    heard: AtomicUsize,
}

/// Runs a command through a proxy with this fault; how it ended, and what was counted.
pub fn run(sockets: &Path, database: &str, project: &Project, args: &[&str], fault: Fault) -> (Run, Counts) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::new(Shared {
        sockets: sockets.to_owned(),
        fault,
        pid: AtomicI32::new(0),
        ended: AtomicBool::new(false),
        struck: AtomicBool::new(false),
        cancels: AtomicUsize::new(0),
        messages: AtomicUsize::new(0),
        answers: AtomicUsize::new(0),
        sent: AtomicUsize::new(0),
        heard: AtomicUsize::new(0),
    });
    let for_clients = Arc::clone(&shared);
    let accepting = thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if for_clients.ended.load(SeqCst) {
                break;
            }
            relay(client, &for_clients);
        }
    });
    let url = format!("postgres://postgres@{address}/{database}?sslmode=disable");
    let mut command = project.command(args);
    command.args(["--yes", "--url", &url]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    shared.pid.store(i32::try_from(child.id()).unwrap(), SeqCst);
    let run = Run::of(child.wait_with_output().unwrap());
    shared.ended.store(true, SeqCst);
    let _ = TcpStream::connect(address);
    accepting.join().unwrap();
    let count = |n: &AtomicUsize| n.load(SeqCst);
    let counts = Counts {
        messages: count(&shared.messages),
        answers: count(&shared.answers),
        sent: count(&shared.sent),
        heard: count(&shared.heard),
    };
    (run, counts)
}

impl Shared {
    fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        while self.pid.load(SeqCst) == 0 {
            thread::yield_now();
        }
        let _ = kill_process(Pid::from_raw(self.pid.load(SeqCst)).unwrap(), signal);
    }

    /// How much of these bytes goes through before the cut; `None`: all.
    fn cut(&self, counter: &AtomicUsize, length: usize, at: Option<usize>) -> Option<usize> {
        let before = counter.fetch_add(length, SeqCst);
        let at = at?;
        (before < at && at <= before + length && !self.struck.swap(true, SeqCst)).then(|| at - before)
    }
}

/// One connection: a thread for each direction.
fn relay(client: TcpStream, shared: &Arc<Shared>) {
    client.set_nodelay(true).unwrap();
    let Ok(server) = UnixStream::connect(shared.sockets.join(".s.PGSQL.5432")) else { return };
    // set when the answer to the next message is the one not to be heard
    let deaf = Arc::new(Mutex::new(false));
    let (c, s, d, all) =
        (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&deaf), Arc::clone(shared));
    thread::spawn(move || {
        from_client(&c, &s, &d, &all);
        let _ = s.shutdown(Shutdown::Both);
        let _ = c.shutdown(Shutdown::Both);
    });
    let all = Arc::clone(shared);
    thread::spawn(move || {
        from_server(&server, &client, &deaf, &all);
        let _ = server.shutdown(Shutdown::Both);
        let _ = client.shutdown(Shutdown::Both);
    });
}

/// The next message with its header; the first of a client has no type.
fn frame(from: &mut impl Read, typed: bool) -> Option<Vec<u8>> {
    let head = if typed { 5 } else { 4 };
    let mut bytes = vec![0; head];
    from.read_exact(&mut bytes).ok()?;
    let length = u32::from_be_bytes(bytes[head - 4..].try_into().unwrap()) as usize;
    bytes.resize(head - 4 + length, 0);
    from.read_exact(&mut bytes[head..]).ok()?;
    Some(bytes)
}

fn from_client(mut client: &TcpStream, mut server: &UnixStream, deaf: &Mutex<bool>, shared: &Shared) {
    let mut typed = false;
    while let Some(bytes) = frame(&mut client, typed) {
        if !typed && bytes[4..8] == CANCEL {
            let _ = server.write_all(&bytes);
            // it closes when it has told the session
            let _ = server.read(&mut [0]);
            shared.cancels.fetch_add(1, SeqCst);
            return;
        }
        let acts = !typed || matches!(bytes[0], b'Q' | b'S');
        typed = true;
        if acts {
            let number = shared.messages.fetch_add(1, SeqCst) + 1;
            match shared.fault {
                Fault::KillBefore(k) if k == number => return shared.kill(),
                Fault::KillAfter(k) if k == number => *deaf.lock().unwrap() = true,
                Fault::InterruptAfter(long) if bytes.len() > long && !shared.struck.swap(true, SeqCst) => {
                    *deaf.lock().unwrap() = true;
                }
                Fault::Swallow(k) if number >= k => shared.struck.store(true, SeqCst),
                _ => {}
            }
        }
        if shared.struck.load(SeqCst) && matches!(shared.fault, Fault::Swallow(_)) {
            continue;
        }
        let at = if let Fault::CutRequest(n) = shared.fault { Some(n) } else { None };
        let cut = shared.cut(&shared.sent, bytes.len(), at);
        if server.write_all(&bytes[..cut.unwrap_or(bytes.len())]).is_err() || cut.is_some() {
            return;
        }
    }
}

fn from_server(mut server: &UnixStream, mut client: &TcpStream, deaf: &Mutex<bool>, shared: &Shared) {
    while let Some(bytes) = frame(&mut server, true) {
        let is_deaf = *deaf.lock().unwrap();
        if is_deaf && matches!(shared.fault, Fault::InterruptAfter(_)) {
            if bytes[0] == b'Z' {
                shared.signal(Signal::INT);
                until("the server has got a cancel request", || shared.cancels.load(SeqCst) > 0);
                *deaf.lock().unwrap() = false;
            }
        } else if is_deaf {
            if bytes[0] == b'Z' {
                return shared.kill();
            }
            continue;
        }
        if bytes[0] == b'C' {
            let number = shared.answers.fetch_add(1, SeqCst) + 1;
            if shared.fault == Fault::KillAtAnswer(number) {
                return shared.kill();
            }
        }
        if shared.struck.load(SeqCst) && matches!(shared.fault, Fault::Swallow(_)) {
            continue;
        }
        let at = if let Fault::CutAnswer(n) = shared.fault { Some(n) } else { None };
        let cut = shared.cut(&shared.heard, bytes.len(), at);
        if client.write_all(&bytes[..cut.unwrap_or(bytes.len())]).is_err() || cut.is_some() {
            return;
        }
    }
}
