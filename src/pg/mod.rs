//! PostgreSQL: the only folder that names `tokio_postgres`.
//!
//! Reaching a server: [`Settings`] come out of a URL, the environment and libpq's files, read
//! as libpq reads them; [`connect`] turns them into a [`Connection`]; [`Embedded`] is a server
//! of our own, started from installed binaries. Working on it: [`server`] asks what it is,
//! [`read`] reads the ledger, [`lock`] takes the lock, [`run`] runs a plan, [`rehearse`] runs it
//! without effect. What goes wrong on the way is a
//! [`Failure`](crate::base::Failure) with a remedy, what a statement meets is a [`SqlFailure`].
//! Neither ever holds a password.

pub mod address;
pub mod approvals;
pub mod attic;
pub mod audit;
mod connect;
mod connection;
mod earlier;
pub mod embedded;
mod environment;
mod error;
pub mod evidence;
pub mod fingerprint;
mod guard;
pub mod hooks;
mod kept;
mod keys;
mod lease;
mod link;
pub mod lock;
mod mask;
mod pgpass;
pub mod pooler;
pub mod preflight;
pub mod query;
pub mod read;
pub mod rehearse;
mod require_auth;
mod resolve;
pub mod run;
pub mod server;
mod service;
mod settings;
pub mod shadow;
pub mod sizes;
mod tls;
pub mod unended;
mod url;
mod verify;
pub mod wish;

#[cfg(test)]
mod tests;

pub use crate::base::Secret;
pub use connect::{Canceler, Connection, Notice, connect, connect_with};
pub use embedded::{Embedded, Home};
pub use environment::{Environment, FileText, user_name};
pub use error::{SqlFailure, failure, unanswered};
pub use mask::remember;
pub use settings::{Place, SessionKind, Settings, SslMode, Target};
