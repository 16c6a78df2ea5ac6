//! Connects to a server: settings, TLS, checks of the wire protocol, queries.

pub mod address;
pub(crate) mod certificate;
mod connection;
pub(crate) mod error;
mod guard;
mod keys;
mod link;
pub(crate) mod mask;
mod pgpass;
pub(crate) mod process_env;
pub mod query;
mod require_auth;
mod resolve;
pub mod server;
mod service;
pub(crate) mod settings;
mod tls;
mod url;

#[cfg(test)]
mod tests;

use crate::base::{Failure, FailureKind, Secret};
use connection::{Driver, Way};
use error::{cannot, may_pass, may_pass_io, not_found, timeout, unopened, was_refused};
use guard::{Guarded, Streaming, Watch};
use link::Endpoint;
use mask::Mask;
use require_auth::Admission;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tls::Tls;
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::config::{SslMode as Wanted, SslNegotiation};
use tokio_postgres::error::SqlState;

pub use connection::{Canceler, Connection, Notice};
pub use error::{ServerError, failure, query_failed};
pub use mask::remember;
pub use process_env::{FileText, ProcessEnv, SERVICE_SECRET, user_name};
pub use settings::{Place, SessionKind, Settings, SslMode, Target};

/// Connects. A `wait` above zero tries again for that long while the server is starting or
/// not reachable yet; a wrong password or a missing database is never tried again.
///
/// # Errors
/// [`FailureKind::Database`] with what to do about it.
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
    for password in settings.targets.iter().filter_map(|t| t.password.as_ref()) {
        if !settings.describe().contains(password.expose()) {
            mask::remember_password(password);
        }
    }
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
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + random() as f64 / u64::MAX as f64 / 2.0)
}

pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Why an attempt failed.
struct ConnectError {
    failure: Failure,
    /// Whether it may go away by itself.
    may_pass: bool,
    /// Of several, the one that says most is reported: higher is better.
    rank: u8,
}

impl ConnectError {
    /// The server was not reached.
    fn unopened(context: &str, error: &io::Error) -> Self {
        let may_pass = may_pass_io(error);
        // the wrong server at a socket is final, as a wrong password is
        let rank = match (may_pass, was_refused(error)) {
            (true, _) => 0,
            (false, true) => 4,
            (false, false) => 2,
        };
        Self { failure: unopened(context, error), may_pass, rank }
    }

    fn of(context: &str, error: &tokio_postgres::Error) -> Self {
        let rank = match error.code() {
            Some(code) if *code == SqlState::INVALID_PASSWORD => 4,
            None if was_refused(error) => 4,
            Some(_) => 3,
            None if may_pass(error) => 0,
            None => 2,
        };
        Self { failure: failure(context, error), may_pass: may_pass(error), rank }
    }

    /// The same without the password, which a server may repeat; what is the name of the user
    /// or database as well is none.
    fn without(mut self, password: Option<&Secret>, context: &str) -> Self {
        if let Some(password) = password.filter(|p| !context.contains(p.expose())) {
            let mask = Mask::of([password]);
            let failure = &mut self.failure;
            failure.message = mask.hidden(&failure.message);
            failure.notes.iter_mut().for_each(|note| note.each_text(|text| *text = mask.hidden(text)));
        }
        self
    }

    /// Whether a server has answered and said no, or was refused itself.
    fn is_final(&self) -> bool {
        self.rank >= 3 && !self.may_pass
    }
}

/// Tries every server once.
async fn round(settings: &Settings, tls: &Tls) -> Result<Connection, ConnectError> {
    let mut targets: Vec<&Target> = settings.targets.iter().collect();
    if settings.shuffle {
        targets.sort_by_cached_key(|_| random());
    }
    let kinds: &[SessionKind] = match settings.session {
        SessionKind::PreferStandby => &[SessionKind::Standby, SessionKind::Any],
        ref one => std::slice::from_ref(one),
    };
    let mut troubles: Vec<ConnectError> = Vec::new();
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
fn most_telling(troubles: Vec<ConnectError>) -> ConnectError {
    let may_pass = troubles.iter().any(|t| t.may_pass) && !troubles.iter().any(ConnectError::is_final);
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
    let mut found = best_of.unwrap_or_else(|| ConnectError {
        failure: Failure::new(FailureKind::Usage, "the connection settings name no server"),
        may_pass: false,
        rank: 0,
    });
    found.failure = found.failure.notes(notes);
    ConnectError { may_pass, ..found }
}

/// Tries the addresses of one server.
async fn reach(settings: &Settings, target: &Target, kind: SessionKind, tls: &Tls) -> Result<Connection, ConnectError> {
    let context = format!("{}/{} as {}", target.describe(), settings.dbname, settings.user);
    let mut addresses: Vec<Option<IpAddr>> = match &target.place {
        Place::Socket(_) => vec![None],
        Place::Tcp { address: Some(ip), .. } => vec![Some(*ip)],
        Place::Tcp { host, address: None } => {
            let lookup = limit(settings, tokio::net::lookup_host((host.as_str(), target.port))).await;
            let found = lookup.ok_or_else(|| ConnectError { failure: timeout(&context), may_pass: true, rank: 1 })?;
            let found =
                found.map_err(|e| ConnectError { failure: not_found(&context, host, &e), may_pass: true, rank: 1 })?;
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
            Ok(connection) => match limit(settings, unsuitable(&connection, kind)).await {
                None => troubles.push(ConnectError { failure: timeout(&context), may_pass: true, rank: 1 }),
                Some(None) => return Ok(connection),
                Some(Some(why)) => {
                    let failure = cannot(&context, &why).help("`target_session_attrs` says which servers will do");
                    troubles.push(ConnectError { failure, may_pass: true, rank: 2 });
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
) -> Result<Connection, ConnectError> {
    let endpoint = Endpoint::new(settings, target, ip);
    let modes: &[_] = match (&target.place, settings.tls.mode) {
        // sockets never leave the machine: libpq ignores `sslmode` there too
        (Place::Socket(_), _) | (_, SslMode::Disable) => &[Wanted::Disable],
        (_, SslMode::Allow) => &[Wanted::Disable, Wanted::Require],
        (_, SslMode::Prefer) => &[Wanted::Prefer, Wanted::Disable],
        (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => &[Wanted::Require],
    };
    let mut first: Option<ConnectError> = None;
    for mode in modes {
        let way = Way { endpoint: endpoint.clone(), tls: tls.fresh(), streaming: Streaming::default() };
        let error = match limit(settings, attempt(settings, target, *mode, &way)).await {
            Some(Ok((client, driver))) => return Ok(Connection::start(client, driver, way)),
            Some(Err(Attempt::Unopened(error))) => return Err(ConnectError::unopened(context, &error)),
            Some(Err(Attempt::Failed(error))) => error,
            None => return Err(ConnectError { failure: timeout(context), may_pass: true, rank: 1 }),
        };
        let trouble = ConnectError::of(context, &error).without(target.password.as_ref(), context);
        let again = match mode {
            // what was refused over TLS must not be asked for without it
            _ if was_refused(&error) => false,
            Wanted::Prefer => way.tls.used() && (other_way(&error) || error.as_db_error().is_none()),
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

/// Why an attempt failed: before anything was said, or afterwards.
enum Attempt {
    Unopened(io::Error),
    Failed(tokio_postgres::Error),
}

/// Opens a connection and starts a session on it.
async fn attempt(settings: &Settings, target: &Target, mode: Wanted, way: &Way) -> Result<(Client, Driver), Attempt> {
    let mut config = settings.config(target);
    config.ssl_mode(mode);
    let negotiates = mode != Wanted::Disable && config.get_ssl_negotiation() == SslNegotiation::Postgres;
    let admission = Admission::new(settings.require_auth.clone(), way.endpoint.leaves_machine());
    let watch = Watch::new(admission, way.streaming.clone(), negotiates);
    let link = way.endpoint.open().await.map_err(Attempt::Unopened)?;
    let handshake = way.tls.handshake(way.endpoint.host());
    config.connect_raw(Guarded::new(link, watch), handshake).await.map_err(Attempt::Failed)
}

/// Whether the server refused in a way that pg_hba.conf may tie to TLS or its absence.
fn other_way(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION || *code == SqlState::INVALID_PASSWORD
    })
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
    let Some(row) = rows.first() else { return Some("the server returned no row".to_owned()) };
    let (recovery, read_only) = match (row.try_get::<bool>(0), row.try_get::<String>(1)) {
        (Ok(recovery), Ok(read_only)) => (recovery, read_only == "on"),
        (Err(why), _) | (_, Err(why)) => return Some(format!("the server does not say what it is: {why}")),
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
