//! What goes wrong with a server, as values without secrets.

use super::guard::Excess;
use super::link::WrongPeer;
use super::mask;
use super::require_auth::Refusal;
use crate::base::{Failure, FailureKind};
use rustls::CertificateError;
use std::error::Error as _;
use std::io;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

/// The error of a statement, without `CONTEXT` and the statement, because the server includes the text around
/// an error in them. `DETAIL` contains values of rows and is only for the user who runs the statement. The
/// primary message can contain a single value, as in `invalid input syntax for type uuid`: dagmar shows it, and
/// the ledger stores its fixed part (`kept.rs`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerError {
    /// Five characters (manual, appendix A). `08006` when the connection was lost without a
    /// word of the server, `XX000` for an answer that dagmar could not read.
    pub sqlstate: String,
    /// The primary message.
    pub message: String,
    /// The constraint that was violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The table it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The column it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The position in the statement, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// The server's DETAIL, which contains values of rows and must never reach the ledger.
    #[serde(skip)]
    pub detail: Option<String>,
    /// The server's advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ServerError {
    /// The error of the driver, without values of rows.
    #[must_use]
    pub fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            return Self::from(db);
        }
        let lost = error.is_closed() || io_error(error).is_some();
        let message = match error.source() {
            _ if error.is_closed() => "the connection was closed".to_owned(),
            Some(source) if lost => format!("the connection was lost: {source}"),
            // the source of a conversion error can hold the value
            _ => error.to_string(),
        };
        Self {
            sqlstate: if lost { "08006" } else { "XX000" }.to_owned(),
            message,
            constraint: None,
            table: None,
            column: None,
            position: None,
            detail: None,
            hint: None,
        }
    }

    /// Whether a retry of the transaction can succeed: a serialization failure, a deadlock, a lock timeout.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.sqlstate.as_str(), "40001" | "40P01" | "55P03")
    }

    /// Whether the session is lost, so that the result of its last statement is unknown.
    #[must_use]
    pub fn is_connection_lost(&self) -> bool {
        self.sqlstate.starts_with("08")
            || matches!(self.sqlstate.as_str(), "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04")
    }
}

impl From<&DbError> for ServerError {
    fn from(db: &DbError) -> Self {
        let own = |text: Option<&str>| text.map(mask::hidden);
        let table = db.table().map(|table| match db.schema() {
            Some(schema) => format!("{schema}.{table}"),
            None => table.to_owned(),
        });
        Self {
            sqlstate: db.code().code().to_owned(),
            message: mask::hidden(db.message()),
            constraint: own(db.constraint()),
            table,
            column: own(db.column()),
            position: match db.position() {
                Some(ErrorPosition::Original(at)) => usize::try_from(*at).ok(),
                _ => None,
            },
            detail: own(db.detail()),
            hint: own(db.hint()),
        }
    }
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.sqlstate)
    }
}

impl std::error::Error for ServerError {}

/// Why a question of ours was not answered. `context` says what could not be done.
#[must_use]
pub fn query_failed(context: &str, sql: &ServerError) -> Failure {
    let failure = Failure::new(FailureKind::Database, format!("{context}: {}", sql.message));
    match (sql.sqlstate.as_str(), &sql.hint) {
        ("42501", _) => failure.help("the role lacks a privilege: GRANT it, or connect as the owner"),
        (_, Some(hint)) => failure.help(hint.clone()),
        _ => failure,
    }
}

/// Why there is no connection: one clear line and a remedy. `context` says what was to be
/// reached, without a secret ([`Settings::describe`](crate::pg::Settings::describe)).
#[must_use]
pub fn failure(context: &str, error: &tokio_postgres::Error) -> Failure {
    if let Some(db) = error.as_db_error() {
        return refused_by_server(context, db);
    }
    if let Some(refusal) = find::<Refusal>(error) {
        return cannot(context, &refusal.to_string()).help(refusal.help());
    }
    if let Some(excess) = find::<Excess>(error) {
        return cannot(context, &excess.to_string()).help("check that this is the intended PostgreSQL server");
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_failure(context, tls);
    }
    if let Some(io) = io_error(error) {
        return io_failure(context, io);
    }
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    match (error.to_string().as_str(), cause.as_str()) {
        (_, "password missing") => cannot(context, "the server requires a password and none was given")
            .help("set `PGPASSWORD`, or write a line into `~/.pgpass` (mode 0600)"),
        (_, "server does not support TLS") => cannot(context, "the server does not offer TLS")
            .help("enable TLS on the server (`ssl = on`), or use `sslmode=prefer`"),
        (_, cause) if cause.contains("channel binding") => cannot(context, cause).help(
            "channel binding needs TLS, a SCRAM password and a certificate that is not Ed25519; or remove `channel_binding`",
        ),
        ("connection closed", _) => closed(context),
        (message, "") => cannot(context, message),
        (message, cause) => cannot(context, &format!("{message}: {cause}")),
    }
}

/// A failure to connect.
pub(crate) fn cannot(context: &str, why: &str) -> Failure {
    Failure::new(FailureKind::Database, format!("cannot connect to `{context}`: {why}"))
}

fn closed(context: &str) -> Failure {
    cannot(context, "the server closed the connection without an error message")
        .help("check that this is a PostgreSQL server; its log, or the log of the proxy, has the reason")
}

fn refused_by_server(context: &str, db: &DbError) -> Failure {
    let code = db.code();
    let plain = cannot(context, &mask::hidden(db.message()));
    // messages are in the server's language; the names of its functions are not
    let by = db.routine().unwrap_or_default();
    if *code == SqlState::INVALID_PASSWORD {
        plain.help("check the password: in the URL, in `PGPASSWORD`, or in the matching line of `~/.pgpass`")
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION && by == "InitializeSessionUserId" {
        plain.help("check the user: `CREATE ROLE ... LOGIN` creates it, `ALTER ROLE ... LOGIN` lets it log in")
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION && by == "ClientAuthentication" {
        plain.help(
            "allow this user from this host in pg_hba.conf and reload the server; where it wants TLS: `sslmode=require`",
        )
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        plain.help("check the user, and how pg_hba.conf lets it in")
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        plain.help("create it with `CREATE DATABASE`, or give another name")
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        plain.help("close idle connections, or raise `max_connections` or the role's limit")
    } else if *code == SqlState::CANNOT_CONNECT_NOW {
        plain.help("the server is starting or stopping: wait for it")
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        plain.help("grant it with `GRANT CONNECT ON DATABASE ... TO ...`")
    } else {
        plain.note(format!("SQLSTATE {}", code.code()))
    }
}

/// Why a connection could not be opened.
pub(crate) fn unopened(context: &str, error: &io::Error) -> Failure {
    match find::<WrongPeer>(error) {
        Some(wrong) => cannot(context, &wrong.to_string())
            .help("correct `requirepeer` (PGREQUIREPEER); or another user's server listens at the socket"),
        None => io_failure(context, error),
    }
}

/// Whether the server was refused, and not the other way round.
pub(crate) fn was_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    find::<Refusal>(error).is_some() || find::<WrongPeer>(error).is_some()
}

fn io_failure(context: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => cannot(context, "connection refused: no server listens there")
            .help("start the server, or correct host and port; check `listen_addresses`"),
        io::ErrorKind::NotFound => cannot(context, "no such socket: no server listens there")
            .help("start the server, or give its host; `unix_socket_directories` says where its socket is"),
        io::ErrorKind::PermissionDenied => cannot(context, &error.to_string())
            .help("this user may not use the socket: check the permissions of its directory"),
        io::ErrorKind::TimedOut => timeout(context),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => closed(context),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            cannot(context, &error.to_string()).help("check the network, the VPN and the address")
        }
        _ => cannot(context, &error.to_string()),
    }
}

pub(crate) fn timeout(context: &str) -> Failure {
    cannot(context, "no answer in time")
        .help("check host, port and firewalls; `connect_timeout` is the time limit in seconds (default 10)")
}

/// The name of the host has no address.
pub(crate) fn not_found(context: &str, host: &str, error: &io::Error) -> Failure {
    cannot(context, &format!("the host `{host}` is not found"))
        .note(error.to_string())
        .help("check its spelling and DNS")
}

fn tls_failure(context: &str, error: &rustls::Error) -> Failure {
    let certificate = |why: &str, help: &str| cannot(context, &format!("the server's certificate {why}")).help(help);
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            CertificateError::UnknownIssuer => certificate(
                "is signed by an untrusted authority",
                "give the authority's certificate as `sslrootcert=FILE`, or `sslrootcert=system` for a public one",
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => certificate(
                "is not valid for this host",
                "connect by a name in the certificate, or use `sslmode=verify-ca`",
            )
            .note(problem.to_string()),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                certificate("is expired", "renew it and reload the server").note(problem.to_string())
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                certificate("is not valid yet", "compare the clocks of both machines").note(problem.to_string())
            }
            CertificateError::Revoked => certificate("is revoked", "install a new one at the server"),
            CertificateError::Other(other) if format!("{other:?}").contains("UnsupportedCertVersion") => certificate(
                "is an X.509 version 1 certificate, which has no host names",
                "issue it again with a `subjectAltName` for the host",
            ),
            _ => certificate("is not accepted", "issue it again with a `subjectAltName` for the host")
                .note(problem.to_string()),
        },
        rustls::Error::AlertReceived(alert) => {
            cannot(context, &format!("the server ended the TLS handshake: {alert:?}"))
                .help("the server may demand a client certificate of its authority: `sslcert` and `sslkey`")
        }
        other => cannot(context, &format!("the TLS handshake failed: {other}"))
            .help("check that this is a PostgreSQL server with TLS; `sslnegotiation=direct` needs version 17"),
    }
}

fn io_error(error: &tokio_postgres::Error) -> Option<&io::Error> {
    find(error)
}

/// The first cause of this type, also inside of an [`io::Error`].
fn find<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<E>() {
            return Some(found);
        }
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inside {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        };
    }
    None
}

/// Whether it may go away by itself: the server is starting, or not reachable yet.
pub(crate) fn may_pass(error: &tokio_postgres::Error) -> bool {
    if let Some(code) = error.code() {
        return *code == SqlState::CANNOT_CONNECT_NOW;
    }
    if find::<rustls::Error>(error).is_some() {
        return false;
    }
    error.is_closed() || io_error(error).is_some_and(may_pass_io)
}

/// The same of a connection that could not be opened.
pub(crate) fn may_pass_io(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotFound
            | io::ErrorKind::TimedOut
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}
