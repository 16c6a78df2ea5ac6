//! Looks at what a server sends before the driver acts on it: whether it asks for the password
//! in a way that is allowed, and whether it makes us hold more than a server has reason to.
//!
//! The driver answers an AuthenticationRequest by itself, so the only place to stop it is the
//! stream that it reads from. Nothing is kept back here: each byte is looked at and handed on,
//! or reading fails.

use super::require_auth::{Admission, Refusal};
use std::collections::HashSet;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// An AuthenticationRequest, in bytes; libpq takes as many.
const REQUEST: usize = 2_000;

/// Any other message until the server is ready, and later one that is short by its nature;
/// libpq takes as many.
const SHORT: usize = 30_000;

/// Everything until the server is ready.
const STARTUP: usize = 1024 * 1024;

/// A message with rows, errors or notices. A row of the ledger has the texts of a changeset,
/// whose file has at most 16 MB, several times.
const LONG: usize = 256 * 1024 * 1024;

/// The rows of one answer that is collected before anybody looks at it.
const ANSWER: usize = 1024 * 1024 * 1024;

/// Names of parameters that the server reports; there are 14 of them.
const PARAMETERS: usize = 256;

/// Types of messages that may be long, as in libpq: rows and their description, errors,
/// notices, notifications, COPY.
const LONG_TYPES: &[u8] = b"DTENAd";

/// What a server sent that it has no reason to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server sent {what}; at most {most} are accepted")]
pub(crate) struct Excess {
    what: String,
    most: String,
}

impl Excess {
    fn bytes(what: &str, most: usize) -> Self {
        let most = if most >= 1024 * 1024 { format!("{} MiB", most / 1024 / 1024) } else { format!("{most} bytes") };
        Self { what: what.to_owned(), most }
    }
}

/// Turns the limit for whole answers off while somebody reads rows and lets them go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streaming(Arc<AtomicU32>);

impl Streaming {
    /// Off until the value is dropped.
    pub(crate) fn begin(&self) -> Streamed {
        self.0.fetch_add(1, Ordering::Relaxed);
        Streamed(Arc::clone(&self.0))
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// Rows are read one by one while this lives.
#[must_use]
#[derive(Debug)]
pub(crate) struct Streamed(Arc<AtomicU32>);

impl Drop for Streamed {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How far the protocol has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The next byte answers the request for TLS.
    Negotiating,
    /// Messages up to the first ReadyForQuery.
    Starting,
    /// Messages after it.
    Ready,
    /// Nothing is looked at: the server answers a cancel request by closing.
    Unwatched,
}

/// What is looked at on one connection.
#[derive(Debug)]
pub(crate) struct Watch {
    admission: Admission,
    streaming: Streaming,
    phase: Phase,
    /// The bytes of the message's type and length that have come.
    head: Vec<u8>,
    /// The bytes of its body that are still to come.
    left: usize,
    /// Its first bytes, of those messages whose contents matter.
    body: Vec<u8>,
    parameters: HashSet<Vec<u8>>,
    /// Bytes until the server is ready, then those of the answer.
    sum: usize,
}

impl Watch {
    /// For a new connection; `negotiates`: the first byte answers the request for TLS.
    pub(crate) fn new(admission: Admission, streaming: Streaming, negotiates: bool) -> Self {
        Self {
            admission,
            streaming,
            phase: if negotiates { Phase::Negotiating } else { Phase::Starting },
            head: Vec::with_capacity(5),
            left: 0,
            body: Vec::new(),
            parameters: HashSet::new(),
            sum: 0,
        }
    }

    /// For a connection that only carries a cancel request.
    pub(crate) fn off() -> Self {
        Self { phase: Phase::Unwatched, ..Self::new(Admission::new(None, false), Streaming::default(), false) }
    }

    /// The same for the TLS stream over the connection.
    pub(crate) fn encrypted(self) -> Self {
        let phase = if self.phase == Phase::Unwatched { Phase::Unwatched } else { Phase::Starting };
        Self { admission: self.admission.encrypted(), phase, ..self }
    }

    /// Looks at the next bytes of the server.
    fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if self.phase == Phase::Unwatched {
            return Ok(());
        }
        if self.phase == Phase::Negotiating && !bytes.is_empty() {
            bytes = &bytes[1..];
            self.phase = Phase::Starting;
        }
        while !bytes.is_empty() {
            if self.head.len() < 5 {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                if self.head.len() == 5 {
                    self.begin()?;
                }
            } else {
                let (now, later) = bytes.split_at(self.left.min(bytes.len()));
                if matches!(self.head[0], b'R' | b'S') {
                    self.body.extend_from_slice(now);
                }
                self.left -= now.len();
                bytes = later;
            }
            if self.head.len() == 5 && self.left == 0 {
                self.end()?;
            }
        }
        Ok(())
    }

    /// Type and length of a message are known.
    fn begin(&mut self) -> io::Result<()> {
        let (kind, length) =
            (self.head[0], u32::from_be_bytes([self.head[1], self.head[2], self.head[3], self.head[4]]));
        // a wrong length is the driver's to complain about
        self.left = (length as usize).saturating_sub(4);
        let most = match (kind, self.phase) {
            (b'R', _) => REQUEST,
            (_, Phase::Starting) => SHORT,
            (kind, _) if LONG_TYPES.contains(&kind) => LONG,
            _ => SHORT,
        };
        if self.left > most {
            return Err(excess(Excess::bytes(&format!("a message of {} bytes", self.left), most)));
        }
        self.sum += self.left;
        if self.phase == Phase::Starting && self.sum > STARTUP {
            return Err(excess(Excess::bytes("too many messages before it was ready", STARTUP)));
        }
        if kind == b'D' && self.sum > ANSWER && !self.streaming.is_on() {
            return Err(excess(Excess::bytes("an answer that is too large", ANSWER)));
        }
        Ok(())
    }

    /// All of a message has come.
    fn end(&mut self) -> io::Result<()> {
        let body = std::mem::take(&mut self.body);
        match self.head[0] {
            b'R' => {
                let request = body.first_chunk().map_or(u32::MAX, |bytes| u32::from_be_bytes(*bytes));
                self.admission.judge(request).map_err(refused)?;
            }
            b'S' => {
                let name = body.split(|byte| *byte == 0).next().unwrap_or_default();
                if !self.parameters.contains(name) {
                    self.parameters.insert(name.to_owned());
                }
                if self.parameters.len() > PARAMETERS {
                    let what = "the state of too many parameters".to_owned();
                    return Err(excess(Excess { what, most: PARAMETERS.to_string() }));
                }
            }
            b'Z' => (self.phase, self.sum) = (Phase::Ready, 0),
            _ => {}
        }
        self.head.clear();
        Ok(())
    }
}

fn refused(why: Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

fn excess(why: Excess) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// A stream that is looked at.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    stream: S,
    watch: Watch,
}

impl<S> Guarded<S> {
    /// Puts the watch on a stream.
    pub(crate) fn new(stream: S, watch: Watch) -> Self {
        Self { stream, watch }
    }

    /// Takes the watch off, to put it on what comes over the stream.
    pub(crate) fn into_parts(self) -> (S, Watch) {
        (self.stream, self.watch)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, into))?;
        Poll::Ready(this.watch.see(&into.filled()[before..]))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    /// A cancel request ends when the server closes, as in libpq: it signals a session twice, and
    /// the second signal must not meet the statement that comes after the cancelled one.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.watch.phase == Phase::Unwatched {
            let mut answer = [0; 16];
            let mut into = ReadBuf::new(&mut answer);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut into));
            if read.is_err() || into.filled().is_empty() {
                break;
            }
        }
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Guarded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::connect::require_auth::RequireAuth;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    fn watch(require: Option<&str>) -> Watch {
        let require = require.map(|text| RequireAuth::parse(text).unwrap());
        Watch::new(Admission::new(require, false), Streaming::default(), false)
    }

    fn started() -> Watch {
        let mut watch = watch(None);
        watch.see(&message(b'R', &[0; 4])).unwrap();
        watch.see(&message(b'Z', b"I")).unwrap();
        watch
    }

    /// The head of a message whose body is as long as this.
    fn head(kind: u8, length: usize) -> Vec<u8> {
        message(kind, &[])[..1].iter().copied().chain(u32::try_from(length + 4).unwrap().to_be_bytes()).collect()
    }

    #[test]
    fn a_request_is_seen_however_its_bytes_come() {
        let asks = message(b'R', &[0, 0, 0, 3]);
        for size in 1..=asks.len() {
            let mut watch = watch(Some("scram-sha-256"));
            let (mut seen, mut wrong) = (0, None);
            for part in asks.chunks(size) {
                seen += part.len();
                wrong = watch.see(part).err();
            }
            assert_eq!(seen, asks.len());
            let wrong = wrong.unwrap_or_else(|| panic!("in parts of {size}"));
            assert!(wrong.get_ref().is_some_and(|e| e.is::<Refusal>()), "{wrong}");
        }
        // the answer to the request for TLS is no message
        let mut plain = Watch::new(Admission::new(None, true), Streaming::default(), true);
        plain.see(b"N").unwrap();
        assert!(plain.see(&asks).is_err());
    }

    #[tokio::test]
    async fn a_cancel_request_ends_when_the_server_closes() {
        use tokio::io::AsyncWriteExt;
        let (ours, server) = tokio::io::duplex(64);
        let mut asked = Guarded::new(ours, Watch::off());
        let mut end = std::pin::pin!(asked.shutdown());
        assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut end).await.is_err());
        drop(server);
        end.await.unwrap();
    }

    #[test]
    fn messages_have_limits() {
        for (kind, length, fits) in [
            (b'R', REQUEST, true),
            (b'R', REQUEST + 1, false),
            (b'E', SHORT, true),
            (b'E', SHORT + 1, false),
            (b'S', SHORT + 1, false),
        ] {
            assert_eq!(watch(None).see(&head(kind, length)).is_ok(), fits, "{} {length}", char::from(kind));
        }
        for (kind, length, fits) in
            [(b'D', LONG, true), (b'D', LONG + 1, false), (b'N', SHORT + 1, true), (b'C', SHORT + 1, false)]
        {
            assert_eq!(started().see(&head(kind, length)).is_ok(), fits, "{} {length}", char::from(kind));
        }
        assert!(started().see(&[b'D', 0xff, 0xff, 0xff, 0xff]).is_err());
    }

    #[test]
    fn what_comes_in_small_pieces_has_limits_too() {
        let mut watch = watch(None);
        let notice = message(b'N', &[0; 20_000]);
        let taken = (0..1000).take_while(|_| watch.see(&notice).is_ok()).count();
        assert_eq!(taken, STARTUP / 20_000);

        let mut watch = started();
        let told = |i: usize| message(b'S', format!("name{i}\0value\0").as_bytes());
        assert!((0..10_000).all(|_| watch.see(&told(0)).is_ok()), "the same one may change as often as it likes");
        assert_eq!((0..1000).take_while(|i| watch.see(&told(*i)).is_ok()).count(), PARAMETERS);
    }

    #[test]
    fn an_answer_ends_unless_its_rows_are_let_go() {
        let row = message(b'D', &vec![0; 1024 * 1024]);
        let mut watch = started();
        let taken = (0..5000).take_while(|_| watch.see(&row).is_ok()).count();
        assert_eq!(taken, ANSWER / 1024 / 1024);

        let mut watch = started();
        let answers =
            (0..3000).all(|i| watch.see(&row).is_ok() && (i % 1000 > 0 || watch.see(&message(b'Z', b"I")).is_ok()));
        assert!(answers, "each answer is counted on its own");

        let mut watch = started();
        let streamed = watch.streaming.begin();
        assert!((0..3000).all(|_| watch.see(&row).is_ok()));
        drop(streamed);
        assert!(watch.see(&row).is_err());
    }
}
