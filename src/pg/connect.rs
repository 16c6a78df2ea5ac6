//! From settings to a live connection.

use super::error::{SqlFailure, cannot, failure, may_pass, not_found, timeout};
use super::settings::{Place, SessionKind, Settings, SslMode, Target};
use super::tls::Tls;
use crate::base::{Failure, Kind};
use futures_util::StreamExt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Socket};

/// Notices kept for a slow reader; more are counted and dropped.
const NOTICES: usize = 4096;

/// Notifications kept for a reader: only the look for poolers listens, for one.
const HEARD: usize = 4;

/// What the server says besides its answers: `RAISE NOTICE` and its like.
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
    pub(super) client: Client,
    /// Whether the session's `search_path` is dagmar's own.
    pub(super) is_pinned: AtomicBool,
    /// The `search_path` that the session had at first.
    pub(super) author_path: OnceLock<String>,
    /// What the server says while they run.
    pub notices: mpsc::Receiver<Notice>,
    /// The channels on which the session was notified.
    pub heard: mpsc::Receiver<String>,
    /// The server's major version, for example 15.
    pub server_major: u32,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    lost_notices: Arc<AtomicU64>,
    end: Arc<OnceLock<SqlFailure>>,
    tls: Tls,
}

impl Connection {
    /// A handle that cancels what runs on this connection; may outlive it.
    #[must_use]
    pub fn canceler(&self) -> Canceler {
        Canceler { token: self.client.cancel_token(), tls: self.tls.fresh() }
    }

    /// Why the server ended the connection, once it has.
    #[must_use]
    pub fn end(&self) -> Option<&SqlFailure> {
        self.end.get()
    }

    /// How many notices were dropped because nobody read them.
    #[must_use]
    pub fn dropped_notices(&self) -> u64 {
        self.lost_notices.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("server_major", &self.server_major).finish_non_exhaustive()
    }
}

/// Cancels the running statement of a connection, over a connection of its own.
#[derive(Clone)]
pub struct Canceler {
    token: CancelToken,
    tls: Tls,
}

impl Canceler {
    /// Asks the server to cancel. It does not say whether it did: the statement ends with
    /// 57014, or as if nothing had been asked (manual, chapter 54.2.8).
    ///
    /// # Errors
    /// When the server is not reached.
    pub async fn cancel(&self) -> Result<(), Failure> {
        self.token.cancel_query(self.tls.fresh()).await.map_err(|e| failure("the server, to cancel", &e))
    }
}

/// Connects. A `wait` above zero tries again for that long while the server is starting or
/// not reachable yet; a wrong password or a missing database is never tried again.
///
/// # Errors
/// [`Kind::Database`] with what to do about it.
pub async fn connect(settings: &Settings, wait: Duration) -> Result<Connection, Failure> {
    connect_with(settings, wait, |_| {}).await
}

/// Like [`connect`]; `waiting` hears, before each pause, why there is no connection yet.
///
/// # Errors
/// As [`connect`].
pub async fn connect_with(
    settings: &Settings,
    wait: Duration,
    mut waiting: impl FnMut(&Failure),
) -> Result<Connection, Failure> {
    let tls = Tls::new(&settings.tls)?;
    let deadline = Instant::now() + wait;
    let mut pause = Duration::from_millis(50);
    loop {
        let trouble = match round(settings, &tls).await {
            Ok(connection) => return Ok(connection),
            Err(trouble) => trouble,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if !trouble.may_pass || left.is_zero() {
            return Err(trouble.failure);
        }
        waiting(&trouble.failure);
        tokio::time::sleep(jittered(pause).min(left)).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Between half of `pause` and all of it, so that many waiting runners do not move in step.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + random() as f64 / u64::MAX as f64 / 2.0)
}

pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Why an attempt failed.
struct Trouble {
    failure: Failure,
    /// Whether it may go away by itself.
    may_pass: bool,
    /// Of several, the one that says most is reported: higher is better.
    rank: u8,
}

impl Trouble {
    fn of(context: &str, error: &tokio_postgres::Error) -> Self {
        let rank = match error.code() {
            Some(code) if *code == SqlState::INVALID_PASSWORD => 4,
            Some(_) => 3,
            None if may_pass(error) => 0,
            None => 2,
        };
        Self { failure: failure(context, error), may_pass: may_pass(error), rank }
    }

    /// Whether a server has answered and said no.
    fn is_final(&self) -> bool {
        self.rank >= 3 && !self.may_pass
    }
}

/// Tries every server once.
async fn round(settings: &Settings, tls: &Tls) -> Result<Connection, Trouble> {
    let mut targets: Vec<&Target> = settings.targets.iter().collect();
    if settings.shuffle {
        targets.sort_by_cached_key(|_| random());
    }
    let kinds: &[SessionKind] = match settings.session {
        SessionKind::PreferStandby => &[SessionKind::Standby, SessionKind::Any],
        ref one => std::slice::from_ref(one),
    };
    let mut troubles: Vec<Trouble> = Vec::new();
    for kind in kinds {
        troubles.clear();
        for target in &targets {
            match reach(settings, target, *kind, tls).await {
                Ok(connection) => return Ok(connection),
                // a server that answers and refuses ends the search, as in libpq
                Err(trouble) => {
                    let last = trouble.is_final();
                    troubles.push(trouble);
                    if last {
                        return Err(most_telling(troubles));
                    }
                }
            }
        }
    }
    Err(most_telling(troubles))
}

/// The trouble that says most; the others become notes. It may pass when one of them may and
/// no server has said no.
fn most_telling(troubles: Vec<Trouble>) -> Trouble {
    let may_pass = troubles.iter().any(|t| t.may_pass) && !troubles.iter().any(Trouble::is_final);
    // the first of equal ones: it is the server that is meant most
    let best = troubles.iter().enumerate().max_by_key(|(at, t)| (t.rank, usize::MAX - at)).map_or(0, |(at, _)| at);
    let (mut best_of, mut notes) = (None, Vec::new());
    for (at, trouble) in troubles.into_iter().enumerate() {
        if at == best {
            best_of = Some(trouble);
        } else {
            notes.push(trouble.failure.message);
        }
    }
    let mut found = best_of.unwrap_or_else(|| Trouble {
        failure: Failure::new(Kind::Usage, "the connection settings name no server"),
        may_pass: false,
        rank: 0,
    });
    found.failure.notes.extend(notes);
    Trouble { may_pass, ..found }
}

/// Tries the addresses of one server.
async fn reach(settings: &Settings, target: &Target, kind: SessionKind, tls: &Tls) -> Result<Connection, Trouble> {
    let context = format!("{}/{} as {}", target.describe(), settings.dbname, settings.user);
    let mut addresses: Vec<Option<IpAddr>> = match &target.place {
        Place::Socket(_) => vec![None],
        Place::Tcp { address: Some(ip), .. } => vec![Some(*ip)],
        Place::Tcp { host, address: None } => {
            let lookup = limit(settings, tokio::net::lookup_host((host.as_str(), target.port))).await;
            let found = lookup.ok_or_else(|| Trouble { failure: timeout(&context), may_pass: true, rank: 1 })?;
            let found =
                found.map_err(|e| Trouble { failure: not_found(&context, host, &e), may_pass: true, rank: 1 })?;
            found.map(|address| Some(address.ip())).collect()
        }
    };
    addresses.dedup();
    if settings.shuffle {
        addresses.sort_by_cached_key(|_| random());
    }
    let mut troubles = Vec::new();
    for ip in addresses {
        match at_address(settings, target, ip, tls, &context).await {
            Ok(connection) => match unsuitable(&connection, kind).await {
                None => return Ok(connection),
                Some(why) => {
                    let failure = cannot(&context, &why).help("`target_session_attrs` says which servers will do");
                    troubles.push(Trouble { failure, may_pass: true, rank: 2 });
                }
            },
            Err(trouble) => {
                let last = trouble.is_final();
                troubles.push(trouble);
                if last {
                    break;
                }
            }
        }
    }
    Err(most_telling(troubles))
}

async fn limit<F: Future>(settings: &Settings, work: F) -> Option<F::Output> {
    match settings.connect_timeout {
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}

/// Tries one address, with and without TLS in the order that `sslmode` wants.
async fn at_address(
    settings: &Settings,
    target: &Target,
    ip: Option<IpAddr>,
    tls: &Tls,
    context: &str,
) -> Result<Connection, Trouble> {
    use tokio_postgres::config::SslMode::{Disable, Prefer, Require};
    let mut config = settings.config(target);
    if let Some(ip) = ip {
        match &target.place {
            Place::Tcp { host, .. } => config.host(host),
            Place::Socket(_) => config.host(ip.to_string()),
        };
        config.hostaddr(ip);
    }
    let modes: &[_] = match (&target.place, settings.tls.mode) {
        // sockets never leave the machine: libpq ignores `sslmode` there too
        (Place::Socket(_), _) | (_, SslMode::Disable) => &[Disable],
        (_, SslMode::Allow) => &[Disable, Require],
        (_, SslMode::Prefer) => &[Prefer, Disable],
        (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => &[Require],
    };
    let mut first: Option<Trouble> = None;
    for mode in modes {
        config.ssl_mode(*mode);
        let tls = tls.fresh();
        let attempt = limit(settings, config.connect(tls.clone())).await;
        let error = match attempt {
            Some(Ok((client, driver))) => return Ok(start(client, driver, tls)),
            Some(Err(error)) => error,
            None => return Err(Trouble { failure: timeout(context), may_pass: true, rank: 1 }),
        };
        let trouble = Trouble::of(context, &error);
        let again = match mode {
            Prefer => tls.used() && (other_way(&error) || error.as_db_error().is_none()),
            _ => other_way(&error),
        };
        first = match first {
            Some(earlier) if earlier.rank >= trouble.rank => Some(earlier),
            _ => Some(trouble),
        };
        if !again {
            break;
        }
    }
    Err(first.expect("there is at least one mode"))
}

/// Whether the server refused in a way that pg_hba.conf may tie to TLS or its absence.
fn other_way(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION || *code == SqlState::INVALID_PASSWORD
    })
}

type Driver = tokio_postgres::Connection<Socket, <Tls as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream>;

/// Starts the task that drives the connection and hands its notices over.
fn start(client: Client, mut driver: Driver, tls: Tls) -> Connection {
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
                    let notice = Notice { severity: db.severity().to_owned(), message: db.message().to_owned() };
                    if let Err(mpsc::error::TrySendError::Full(_)) = sender.try_send(notice) {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(AsyncMessage::Notification(sent)) => drop(tell.try_send(sent.channel().to_owned())),
                Ok(_) => {}
                Err(error) => {
                    let _ = ended.set(SqlFailure::of(&error));
                    break;
                }
            }
        }
    });
    let encrypted = tls.used();
    let (is_pinned, author_path) = (AtomicBool::new(false), OnceLock::new());
    Connection { client, is_pinned, author_path, notices, heard, server_major, encrypted, lost_notices, end, tls }
}

/// Why this server is not of the wanted kind.
async fn unsuitable(connection: &Connection, kind: SessionKind) -> Option<String> {
    if kind == SessionKind::Any {
        return None;
    }
    let query = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')";
    let rows = match connection.try_query(query).await {
        Ok(rows) => rows,
        Err(error) => return Some(error.to_string()),
    };
    let Some(row) = rows.first() else { return Some("the server gave no answer".to_owned()) };
    let (recovery, read_only) = match (row.try_get::<bool>(0), row.try_get::<String>(1)) {
        (Ok(recovery), Ok(read_only)) => (recovery, read_only == "on"),
        (Err(why), _) | (_, Err(why)) => return Some(why),
    };
    let why = match kind {
        SessionKind::ReadWrite if read_only => "the session is read-only",
        SessionKind::ReadOnly if !read_only => "the session is not read-only",
        SessionKind::Primary if recovery => "the server is in recovery",
        SessionKind::Standby if !recovery => "the server is not in recovery",
        _ => return None,
    };
    Some(why.to_owned())
}
