//! A live connection: its client, what the server says on it, how to cancel on it.

use super::error::{ServerError, failure};
use super::guard::{Guarded, Streamed, Streaming, Watch};
use super::link::{Endpoint, Link};
use super::mask;
use super::tls::Tls;
use crate::base::Failure;
use futures_util::StreamExt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::{AsyncMessage, CancelToken, Client};

/// Notices kept for a slow reader; more are counted and dropped.
const NOTICES: usize = 4096;

/// Characters of a notice that are kept.
const NOTICE: usize = 16 * 1024;

/// Notifications kept for a reader: only the look for poolers listens, for one.
const HEARD: usize = 4;

/// How long a cancel request may take until the server has acted on it.
const CANCEL: Duration = Duration::from_secs(10);

/// A notice of the server: `RAISE NOTICE` and similar messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, `LOG` or `DEBUG`, in the server's language.
    pub severity: String,
    /// The text.
    pub message: String,
}

/// A connection with the task that drives it. Dropping it closes the session.
pub struct Connection {
    /// Reached by `query.rs` alone.
    pub(crate) client: Client,
    /// Whether the session's `search_path` is dagmar's own.
    pub(crate) is_pinned: AtomicBool,
    /// The `search_path` that the session had at first.
    pub(crate) author_path: OnceLock<String>,
    /// The notices of the server while queries run.
    pub notices: mpsc::Receiver<Notice>,
    /// The channels on which the session was notified.
    pub heard: mpsc::Receiver<String>,
    /// The server's major version, for example 15.
    pub server_major: u32,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    lost_notices: Arc<AtomicU64>,
    end: Arc<OnceLock<ServerError>>,
    way: Way,
}

/// How the server was reached.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) endpoint: Endpoint,
    pub(crate) tls: Tls,
    pub(crate) streaming: Streaming,
}

impl Connection {
    /// A handle that cancels what runs on this connection; may outlive it.
    #[must_use]
    pub fn canceler(&self) -> Canceler {
        Canceler { token: self.client.cancel_token(), way: self.way.clone() }
    }

    /// Why the server ended the connection, once it has.
    #[must_use]
    pub fn end(&self) -> Option<&ServerError> {
        self.end.get()
    }

    /// The number of notices that were dropped because nobody read them.
    #[must_use]
    pub fn dropped_notices(&self) -> u64 {
        self.lost_notices.load(Ordering::Relaxed)
    }

    /// Says that rows are read one by one and let go: their number has no limit while the
    /// answer lives.
    pub(crate) fn streams(&self) -> Streamed {
        self.way.streaming.begin()
    }

    /// Starts the task that drives the connection and hands its notices over.
    pub(crate) fn start(client: Client, mut driver: Driver, way: Way) -> Self {
        let version = driver.parameter("server_version").unwrap_or_default();
        let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
        let server_major = version[..digits].parse().unwrap_or(0);
        let (sender, notices) = mpsc::channel(NOTICES);
        let (tell, heard) = mpsc::channel(HEARD);
        let (lost_notices, end) = (Arc::new(AtomicU64::new(0)), Arc::new(OnceLock::new()));
        let (lost, ended) = (Arc::clone(&lost_notices), Arc::clone(&end));
        tokio::spawn(async move {
            let mut messages = pin!(futures_util::stream::poll_fn(move |context| driver.poll_message(context)));
            while let Some(message) = messages.next().await {
                match message {
                    Ok(AsyncMessage::Notice(db)) => {
                        let message = mask::hidden(db.message()).chars().take(NOTICE).collect();
                        let notice = Notice { severity: db.severity().to_owned(), message };
                        if let Err(mpsc::error::TrySendError::Full(_)) = sender.try_send(notice) {
                            lost.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    Ok(AsyncMessage::Notification(sent)) => drop(tell.try_send(sent.channel().to_owned())),
                    Ok(_) => {}
                    Err(error) => {
                        let _ = ended.set(ServerError::of(&error));
                        break;
                    }
                }
            }
        });
        let encrypted = way.tls.used();
        let (is_pinned, author_path) = (AtomicBool::new(false), OnceLock::new());
        Self { client, is_pinned, author_path, notices, heard, server_major, encrypted, lost_notices, end, way }
    }
}

/// What reads and writes the protocol.
pub(crate) type Driver =
    tokio_postgres::Connection<Guarded<Link>, <super::tls::Handshake as TlsConnect<Guarded<Link>>>::Stream>;

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("server_major", &self.server_major).finish_non_exhaustive()
    }
}

/// Cancels the running statement of a connection, over a connection of its own.
#[derive(Clone)]
pub struct Canceler {
    token: CancelToken,
    way: Way,
}

impl Canceler {
    /// Asks the server to cancel, and waits until it has acted on it. It does not say whether it
    /// did: the statement ends with 57014, or as if nothing had been asked (manual, chapter 55.2.8).
    ///
    /// # Errors
    /// When the server is not reached.
    pub async fn cancel(&self) -> Result<(), Failure> {
        const CONTEXT: &str = "the server, to cancel";
        let Way { endpoint, tls, .. } = &self.way;
        let asking = async {
            let link = endpoint.open().await.map_err(|e| super::error::unopened(CONTEXT, &e))?;
            let handshake = tls.fresh().handshake(endpoint.host());
            let sent = self.token.cancel_query_raw(Guarded::new(link, Watch::off()), handshake).await;
            sent.map_err(|e| failure(CONTEXT, &e))
        };
        match tokio::time::timeout(CANCEL, asking).await {
            Ok(asked) => asked,
            Err(_) => Err(super::error::timeout(CONTEXT)),
        }
    }
}
